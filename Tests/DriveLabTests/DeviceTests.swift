// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Testing

extension DriveLab {
  /// What `lifeboat devices` says of real drives.
  struct DeviceTests {
    private struct Listing: Decodable {
      var drives: [Device]
      var hidden: Int
    }

    private struct Device: Decodable {
      struct Identity: Decodable {
        var serial: String?
        var size: ByteCount
      }
      struct Refusal: Decodable { var code: String }
      var path: String
      var identity: Identity
      var bus: String
      var kind: String
      var writable: Bool
      var refusals: [Refusal]
    }

    @Test func drivesOfEveryBusAreToldApart() async throws {
      let drives = [
        LabDrive(id: "stick", serial: "STICK-0001"), LabDrive(id: "uas", kind: .uas, serial: "UAS-0001"),
        LabDrive(id: "card", kind: .card, serial: "", size: .mebibytes(256)),
        LabDrive(id: "locked", serial: "LOCKED-0001", isReadOnly: true),
      ]
      try await LabMachine.with(drives, targets: []) { lab in
        let all = try listing(try await lab.lifeboat("devices --all --json"))
        let bySerial = Dictionary(all.drives.map { ($0.identity.serial ?? $0.kind, $0) }) { first, _ in first }
        for (serial, size) in [("STICK-0001", 48), ("UAS-0001", 48)] {
          let drive = try #require(bySerial[serial])
          #expect(drive.bus == "usb" && drive.kind == "disk" && drive.writable, "\(drive)")
          #expect(drive.identity.size == .mebibytes(Int64(size)))
        }
        let card = try #require(all.drives.first { $0.kind == "card" })
        #expect(card.bus == "mmc" && card.writable && card.identity.size == .mebibytes(256), "\(card)")
        let locked = try #require(bySerial["LOCKED-0001"])
        #expect(!locked.writable && locked.refusals.map(\.code) == ["write-protected"], "\(locked)")
        for (serial, bus) in [("NVME-SYSTEM-1", "nvme"), ("SATA-DATA-1", "ata")] {
          let drive = try #require(bySerial[serial])
          #expect(drive.bus == bus && !drive.writable && drive.refusals.map(\.code) == ["built-in"], "\(drive)")
        }
        let disc = try #require(all.drives.first { $0.kind == "optical" })
        #expect(
          disc.path == "/dev/sr0" && disc.refusals.map(\.code).starts(with: ["system-disk", "optical-drive"]), "\(disc)"
        )

        let offered = try listing(try await lab.lifeboat("devices --json"))
        #expect(
          Set(offered.drives.map(\.path))
            == Set([card.path, locked.path] + bySerial.values.filter { $0.bus == "usb" }.map(\.path)))
        #expect(offered.hidden == all.drives.count - offered.drives.count)

        for serial in ["STICK-0001", "LOCKED-0001"] {
          let measured = try await lab.lifeboat("devices --benchmark \(serial)")
          #expect(measured.status == 0 && measured.output.contains("  reads at 0 B"), "\(measured)")
          #expect(measured.output.contains("Nothing was written."), "\(measured)")
        }
      }
    }

    @Test func drivesThatComeAndGoAreFollowed() async throws {
      let drives = [
        LabDrive(id: "here", serial: "HERE-0001"), LabDrive(id: "later", serial: "LATER-0001", isPlugged: false),
      ]
      try await LabMachine.with(drives, targets: []) { lab in
        let watch = try await lab.begin("watch", "devices --watch --json")
        try await watch.until(line: "\"event\":\"present\"", "HERE-0001")
        try await lab.plug(drives[1])
        try await watch.until(line: "\"event\":\"added\"", "LATER-0001")
        try await lab.unplug(drives[1])
        try await watch.until(line: "\"event\":\"removed\"", "LATER-0001")
        try await watch.signal("INT")
        #expect(try await watch.end().status == 0)
      }
    }

    private func listing(_ outcome: LabOutcome) throws -> Listing {
      try #require(outcome.status == 0, "\(outcome)")
      return try JSONDecoder().decode(Listing.self, from: Data(outcome.output.utf8))
    }
  }
}
