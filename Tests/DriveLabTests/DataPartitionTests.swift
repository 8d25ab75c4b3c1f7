// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

extension DriveLab {
  /// What somebody has saved on a stick is there after the next version of the image, which still starts computers.
  struct DataPartitionTests {
    private static let stick = LabDrive(id: "stick", serial: "STICK-0001", size: .mebibytes(512))
    private static let place = "/dev/disk/by-partlabel/lifeboat-data"

    @Test func whatWasSavedSurvivesAnUpdateAndTheStickStarts() async throws {
      let medium = try await LabMedium.shared.path()
      try await TemporaryFolder.with { keep in
        let old = keep.appending("old")
        try await ExternalCommand("cp", ["--sparse=always", medium.string, old.string]).run()
        try await LabImage.scramble(old, 60 << 20..<62 << 20)
        let written = keep.appending("written.img")
        try await LabMachine.with([Self.stick], targets: ["stick"], files: ["old": old, "new": medium]) { lab in
          try await writeAndSave(lab)
          try await update(lab)
          try await ExternalCommand(
            "cp", ["--sparse=always", Self.stick.image(in: lab.folder).string, written.string]
          ).run()
        }
        let judged = try await Tool.run("sgdisk", ["-v", written.string], package: "gdisk")
        #expect(judged.output.contains("No problems found"), "\(judged)")
        for firmware in [TrialMachine.Firmware.bios, .secureBoot] { try await start(written, firmware) }
      }
    }

    private func writeAndSave(_ lab: LabMachine) async throws {
      let outcome = try await lab.lifeboat("write /lab/old STICK-0001 --data --data-label RESCUED --yes --json")
      #expect(outcome.status == 0, "\(outcome)")
      #expect(try outcome.target("STICK-0001").state == "complete")
      try await lab.until("[ -b \(Self.place) ]")
      #expect(try await lab.require("blkid -p -s TYPE -s LABEL -o value \(Self.place)") == "RESCUED\nexfat")
      try await lab.require("mount \(Self.place) /mnt && echo precious >/mnt/thesis && umount /mnt")
      let listed = try await lab.lifeboat("devices")
      #expect(
        listed.output.contains("exfat \"RESCUED\"") && listed.output.contains("Lifeboat medium lab ("), "\(listed)")
    }

    private func update(_ lab: LabMachine) async throws {
      let differs = try await lab.lifeboat("write /lab/new STICK-0001 --verify-only --json")
      #expect(differs.status == 11, "\(differs)")
      let outcome = try await lab.lifeboat("write /lab/new STICK-0001 --update --yes --json")
      #expect(outcome.status == 0, "\(outcome)")
      #expect(try outcome.target("STICK-0001").written <= .mebibytes(10), "\(outcome)")
      try await lab.until("[ -b \(Self.place) ]")
      try await lab.require("fsck.exfat -n \(Self.place) && mount \(Self.place) /mnt && grep -qx precious /mnt/thesis")
      try await lab.require("umount /mnt")
      let again = try await lab.lifeboat("write /lab/new STICK-0001 --update --yes --json")
      #expect(try again.target("STICK-0001").written == .zero, "\(again)")
      let whole = try await lab.lifeboat("write /lab/new STICK-0001 --verify-only --json")
      #expect(whole.status == 0, "\(whole)")
    }

    private func start(_ stick: FilePath, _ firmware: TrialMachine.Firmware) async throws {
      try await TemporaryFolder.with { scratch in
        let machine = TrialMachine(
          medium: stick, attachment: .stick, firmware: firmware, memory: .mebibytes(1024), hasNetwork: false)
        let line = try await machine.run(scratch: scratch, limit: .seconds(600)) { machine in
          try await machine.line { $0.contains("LIFEBOAT-READY") }
        }
        #expect(line.contains("\"image\":\"lab\""), "\(line)")
        #expect(line.contains("\"secureBoot\":\"\(firmware == .secureBoot ? "enabled" : "unsupported")\""), "\(line)")
      }
    }
  }
}
