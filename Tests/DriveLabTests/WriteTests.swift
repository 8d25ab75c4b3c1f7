// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// Sticks of a real kernel, written by the real program.
@Suite(.serialized, .enabled(if: LabMedium.program != nil, "set LIFEBOAT_LAB_PROGRAM (make lab-test)"))
struct WriteTests {
  /// The image is the lab's own medium, which the written stick then starts.
  private static let image = "/dev/disk/by-id/virtio-image"

  private func with(
    _ drives: [LabDrive], targets: Set<String>, _ body: @escaping @Sendable (LabMachine) async throws -> Void
  ) async throws {
    try await LabMachine.with(drives, targets: targets, files: ["image": try await LabMedium.shared.path()]) { lab in
      // The image as a file, in the memory of the machine.
      let copy = try await lab.shell.run(
        "mkdir -p /run/image && mount -t tmpfs -o size=700m tmpfs /run/image && cat \(Self.image) >/run/image/x.iso")
      try #require(copy.status == 0, "\(copy)")
      try await body(lab)
    }
  }

  private func json(_ answer: LabShell.Answer) throws -> [String: Any] {
    let line = try #require(answer.output.split(separator: "\n").last { $0.contains("\"result\"") }, "\(answer)")
    return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test func aWrittenStickStartsAComputer() async throws {
    let stick = LabDrive(id: "stick", serial: "STICK-0001")
    try await TemporaryFolder.with { keep in
      let written = keep.appending("written.img")
      try await with([stick], targets: ["stick"]) { lab in
        let answer = try await lab.lifeboat("write /run/image/x.iso STICK-0001 --yes")
        #expect(answer.status == 0 && answer.output.contains("verified"), "\(answer)")
        try await lab.shell.run("sync")
        try await ExternalCommand(
          "cp", ["--sparse=always", stick.image(in: lab.folder).string, written.string]
        ).run()
      }
      let medium = try await LabMedium.shared.path()
      try await ExternalCommand(
        "cmp", ["-n", "\(FileTree.status(of: medium)?.size ?? 0)", medium.string, written.string]
      ).run()
      try await TemporaryFolder.with { scratch in
        let machine = TrialMachine(medium: written, attachment: .stick, memory: .mebibytes(1024), hasNetwork: false)
        let line = try await machine.run(scratch: scratch, limit: .seconds(600)) { machine in
          try await machine.line { $0.contains("LIFEBOAT-READY") }
        }
        #expect(line.contains("\"image\":\"lab\""))
      }
    }
  }
}
