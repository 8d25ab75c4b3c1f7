// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension DriveLab {
  /// Discs are burnt by a recorder that takes SCSI's commands for such devices (MMC), if only an emulated one.
  struct BurnTests {
    @Test func aBlankDiscIsBurntAndReadBack() async throws {
      let medium = try await LabMedium.shared.path()
      try await TemporaryFolder.with { folder in
        try await LabRecorder.with(in: folder) { recorder in
          try await LabMachine.with([], targets: [], files: ["image": medium], recorder: recorder) { lab in
            let listed = try await lab.lifeboat("burn --list")
            #expect(listed.status == 0 && listed.output.contains("IET VIRTUAL-CDROM  DVD+R  blank"), "\(listed)")
            let size = try #require(FileTree.status(of: medium)?.size)
            let outcome = try await lab.lifeboat("burn /lab/image /dev/sr1 --yes")
            #expect(outcome.status == 0 && outcome.output.contains("verified"), "\(outcome)")
            // Linux asks for a disc's size when the disc was changed, and nobody has opened the tray: as if one had.
            try await lab.require(
              "h=$(readlink -f /sys/block/sr1/device | grep -o 'host[0-9]*' | head -n 1); "
                + "echo 1 >/sys/block/sr1/device/delete && echo '- - -' >/sys/class/scsi_host/$h/scan && udevadm settle"
            )
            try await lab.require("cmp -n \(size) /lab/image /dev/sr1")
            #expect(try await lab.require("blkid -p -s TYPE -o value /dev/sr1") == "iso9660")

            let again = try await lab.lifeboat("burn /lab/image /dev/sr1 --yes")
            #expect(again.status != 0 && again.errors.contains("/dev/sr1"), "\(again)")
            try await lab.require("cmp -n \(size) /lab/image /dev/sr1")
          }
          #expect(FileTree.status(of: recorder.disc)?.size ?? 0 > 0)
        }
      }
    }
  }
}
