// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

extension DriveLab {
  /// A stick that is written for real starts a computer.
  struct WriteTests {
    @Test func aWrittenStickStartsAComputer() async throws {
      let medium = try await LabMedium.shared.path()
      let stick = LabDrive(id: "stick", serial: "STICK-0001", size: .mebibytes(512))
      try await TemporaryFolder.with { keep in
        let written = keep.appending("written.img")
        try await LabMachine.with([stick], targets: ["stick"], files: ["image": medium]) { lab in
          let outcome = try await lab.lifeboat("write /lab/image STICK-0001 --yes --json")
          #expect(outcome.status == 0, "\(outcome)")
          #expect(try outcome.target("STICK-0001").state == "complete")
          #expect(try await lab.holds(stick, medium))
          let again = try await lab.lifeboat("write /lab/image STICK-0001 --verify-only")
          #expect(again.status == 0, "\(again)")
          try await ExternalCommand("cp", ["--sparse=always", stick.image(in: lab.folder).string, written.string]).run()
        }
        try await TemporaryFolder.with { scratch in
          let machine = TrialMachine(medium: written, attachment: .stick, memory: .mebibytes(1024), hasNetwork: false)
          let line = try await machine.run(scratch: scratch, limit: .seconds(600)) { machine in
            try await machine.line { $0.contains("LIFEBOAT-READY") }
          }
          #expect(line.contains("\"image\":\"lab\""), "\(line)")
        }
      }
    }
  }
}
