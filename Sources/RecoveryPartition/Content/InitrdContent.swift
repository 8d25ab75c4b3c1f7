// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import HostSystem
internal import SystemPackage

/// What an initial RAM file system consists of, as Debian's initramfs-tools makes it for Lifeboat: an archive of cpio's,
/// compressed by zstd; before it, where there is microcode, one that is not compressed.
enum InitrdContent {
  /// The names of the compressed archive; none where there is no such archive.
  /// - Throws: `OperationFailure`; `ExternalCommand.Failure.notInstalled`.
  static func names(of initrd: FilePath) async throws -> [String] {
    let bytes = try FileTree.bytes(of: initrd)
    guard let start = start(of: bytes) else { return [] }
    do {
      let archive = try await ExternalCommand("zstd", ["-dcq"], package: "zstd")
        .output(input: Array(bytes[start...]), limit: 1 << 30)
      return try await ExternalCommand("cpio", ["-it", "--quiet"], package: "cpio").text(input: archive)
        .split(separator: "\n").map(String.init)
    } catch ExternalCommand.Failure.failed { return [] }
  }

  /// Where the compressed archive begins (RFC 8878, section 3.1.1): archives are padded to four bytes.
  static func start(of bytes: [UInt8]) -> Int? {
    stride(from: 0, to: bytes.count - 3, by: 4).first { bytes.number(at: $0, bytes: 4) == 0xfd2f_b528 }
  }

  /// Whether a name is that of the part that looks for a recovery partition.
  static func startsFromPartition(_ name: String) -> Bool { name.hasSuffix("live/boot/9999-lifeboat-partition") }
}
