// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension DriveLab {
  /// A stick that is compared, updated, and left in the middle.
  struct RewriteTests {
    private static let stick = LabDrive(id: "stick", serial: "STICK-0001")
    private static let slow = LabDrive(id: "slow", serial: "SLOW-0001", writeRate: 1 << 20)

    @Test func aStickIsComparedUpdatedAndInterrupted() async throws {
      try await LabImage.with { image in
        try await TemporaryFolder.with { folder in
          let changed = folder.appending("changed")
          try await ExternalCommand("cp", ["--sparse=always", image.string, changed.string]).run()
          try await LabImage.scramble(changed, 10 << 20..<11 << 20)
          try await LabImage.scramble(changed, 24 << 20..<25 << 20)
          try await LabMachine.with(
            [Self.stick, Self.slow], targets: ["stick", "slow"], files: ["image": image, "changed": changed]
          ) { lab in
            try await update(lab, changed)
            try await interrupt(lab)
          }
        }
      }
    }

    private func update(_ lab: LabMachine, _ changed: FilePath) async throws {
      #expect(try await lab.lifeboat("write /lab/image STICK-0001 --yes --json").status == 0)
      let written = try lab.digest(of: Self.stick)
      #expect(try await lab.lifeboat("write /lab/image STICK-0001 --verify-only --json").status == 0)
      let differs = try await lab.lifeboat("write /lab/changed STICK-0001 --verify-only --json")
      #expect(differs.status == 11, "\(differs)")
      #expect(try differs.target("STICK-0001").code == "verify-failed")
      #expect(try lab.digest(of: Self.stick) == written)

      let updated = try await lab.lifeboat("write /lab/changed STICK-0001 --update --yes --json")
      #expect(updated.status == 0, "\(updated)")
      let target = try updated.target("STICK-0001")
      #expect(target.state == "complete")
      // The two changed pieces of 2 MiB, and the first one, emptied and written again.
      #expect(target.written >= .mebibytes(2) && target.written <= .mebibytes(8), "\(target)")
      #expect(target.skipped >= .mebibytes(24), "\(target)")
      #expect(try await lab.holds(Self.stick, changed))
      #expect(try await lab.lifeboat("write /lab/changed STICK-0001 --verify-only --json").status == 0)
    }

    private func interrupt(_ lab: LabMachine) async throws {
      let run = try await lab.begin("interrupt", "write /lab/image SLOW-0001 --yes --json")
      try await run.until(line: "\"phase\":\"writing\"", "SLOW-0001")
      try await run.signal("INT")
      // What is on its way to the drive, 4 MiB at 1 MiB a second, is waited for by the kernel.
      let outcome = try await run.end(seconds: 15)
      #expect(outcome.status == 130, "\(outcome)")
      let target = try outcome.target("SLOW-0001")
      #expect(target.code == "interrupted" && target.state == "incompleteNotBootable", "\(outcome)")

      let person = try await lab.begin("person", "write /lab/image SLOW-0001 --yes")
      try await person.until(said: "writing")
      try await person.signal("INT")
      let words = try await person.end(seconds: 15)
      #expect(words.status == 130)
      #expect(words.output.contains("will not start a computer"), "\(words)")
    }
  }
}
