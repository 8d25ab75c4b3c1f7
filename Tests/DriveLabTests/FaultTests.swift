// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

extension DriveLab {
  /// Sticks that fail, and sticks that lie: each gets its own name and exit status.
  struct FaultTests {
    /// In the middle of a piece.
    private static let badByte = 11 << 20 | 12345
    private static let real = ByteCount.mebibytes(64)

    @Test func everyFaultHasAName() async throws {
      try await LabImage.with { image in
        let wrong = try byte(Self.badByte, of: image) ^ 1
        let locked = LabDrive(id: "locked", serial: "LOCKED-0001", isReadOnly: true)
        let bad = LabDrive(id: "bad", serial: "BAD-0001", badSector: Self.badByte / 512)
        let large = ByteCount.mebibytes(256)
        let wraps = LabDrive(id: "wraps", serial: "WRAPS-0001", size: large, fault: .wrapsAround(at: Self.real))
        let drops = LabDrive(id: "drops", serial: "DROPS-0001", size: large, fault: .drops(from: Self.real))
        let flips = LabDrive(id: "flips", serial: "FLIPS-0001", fault: .flips(byte: Self.badByte, value: wrong))
        let once = LabDrive(id: "once", serial: "ONCE-0001", fault: .flipsOnce(byte: Self.badByte, value: wrong))
        try await LabMachine.with(
          [locked, bad, wraps, drops, flips, once], targets: ["bad", "wraps", "drops", "flips", "once"],
          files: ["image": image]
        ) { lab in
          let refused = try await lab.lifeboat("write /lab/image LOCKED-0001 --yes --json")
          #expect(refused.status == 14, "\(refused)")
          #expect(try refused.errorCode() == "write-protected")

          let failed = try await write(bad, lab, status: 10, code: "write-failed")
          #expect(failed.error?.hasSuffix("Input/output error") == true, "\(failed)")
          for fake in [wraps, drops] {
            let target = try await write(fake, lab, status: 13, code: "false-capacity")
            #expect(target.error?.contains("(\(Self.real.exact) bytes)") == true, "\(target)")
          }
          let lost = try await write(flips, lab, status: 11, code: "verify-failed")
          let sector = Self.badByte / 512 * 512
          let range = "\(ByteCount(sector).exact)…\(ByteCount(sector + 511).exact)"
          #expect(lost.error?.hasSuffix("in bytes \(range)") == true, "\(lost)")

          let repaired = try await lab.lifeboat("write /lab/image ONCE-0001 --yes --json")
          #expect(repaired.status == 0, "\(repaired)")
          let target = try repaired.target("ONCE-0001")
          #expect(target.state == "complete")
          #expect(target.repaired == [LabReport.Range(offset: ByteCount(sector), length: ByteCount(512))], "\(target)")
          #expect(try await lab.holds(once, image))
        }
      }
    }

    private func write(
      _ drive: LabDrive, _ lab: LabMachine, status: Int, code: String
    ) async throws -> LabReport.Target {
      let outcome = try await lab.lifeboat("write /lab/image \(drive.serial) --yes --json")
      #expect(outcome.status == status, "\(outcome)")
      let target = try outcome.target(drive.serial)
      #expect(target.code == code && target.state == "incompleteNotBootable", "\(outcome)")
      return target
    }

    private func byte(_ offset: Int, of file: FilePath) throws -> UInt8 {
      try FileTree.bytes(of: file)[offset]
    }
  }
}
