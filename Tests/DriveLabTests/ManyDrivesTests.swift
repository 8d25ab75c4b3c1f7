// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

extension DriveLab {
  /// Several sticks at once, each on its own.
  struct ManyDrivesTests {
    private static let fast = (1...3).map {
      LabDrive(id: "fast\($0)", serial: "FAST-000\($0)", writeRate: 10 << 20)
    }
    private static let slow = LabDrive(id: "slow", serial: "SLOW-0001", writeRate: 1 << 20)

    @Test func eachStickHasItsOwnPaceAndItsOwnEnd() async throws {
      try await LabImage.with { image in
        let drives = Self.fast + [Self.slow]
        try await LabMachine.with(drives, targets: Set(drives.map(\.id)), files: ["image": image]) { lab in
          let outcome = try await lab.lifeboat(
            "write /lab/image \(drives.map(\.serial).joined(separator: " ")) --yes --json")
          #expect(outcome.status == 0, "\(outcome)")
          for drive in drives {
            #expect(try outcome.target(drive.serial).state == "complete")
            #expect(try await lab.holds(drive, image), "\(drive.id)")
          }
          try slowOneHoldsNobody(outcome)
          try await pulledOneHoldsNobody(lab, image)
        }
      }
    }

    /// When the last of the fast ones has ended, the slow one, ten times slower, is not half way.
    private func slowOneHoldsNobody(_ outcome: LabOutcome) throws {
      let progress = outcome.progress
      let ends = Self.fast.compactMap { drive in
        progress.firstIndex { $0.serial == drive.serial && $0.phase == "ended" }
      }
      try #require(ends.count == Self.fast.count)
      let meanwhile = try #require(progress[..<(ends.max() ?? 0)].last { $0.serial == Self.slow.serial })
      #expect(["preparing", "writing"].contains(meanwhile.phase), "\(meanwhile)")
      #expect(meanwhile.phase == "preparing" || meanwhile.done.bytes < Int64(LabImage.size / 2), "\(meanwhile)")
    }

    /// The slow one is pulled out in the middle of a write: beside another, then alone.
    private func pulledOneHoldsNobody(_ lab: LabMachine, _ image: FilePath) async throws {
      let other = Self.fast[0]
      // So that what it holds afterwards is of this write.
      let path = try await lab.path(of: other)
      try await lab.require("dd if=/dev/zero of=\(path) bs=1M count=32 oflag=direct")
      for drives in [[Self.slow, other], [Self.slow]] {
        let names = drives.map(\.serial).joined(separator: " ")
        let run = try await lab.begin("pull\(drives.count)", "write /lab/image \(names) --yes --json")
        try await run.until(line: "\"phase\":\"writing\"", Self.slow.serial)
        try await lab.unplug(Self.slow)
        let outcome = try await run.end()
        let pulled = try outcome.target(Self.slow.serial)
        #expect(pulled.code == "device-gone" && pulled.state == "incompleteNotBootable", "\(outcome)")
        #expect(outcome.status == (drives.count > 1 ? 1 : 12), "\(outcome)")
        if drives.count > 1 {
          #expect(try outcome.target(other.serial).state == "complete", "\(outcome)")
          #expect(try await lab.holds(other, image))
        }
        try await lab.plug(Self.slow)
      }
    }
  }
}
