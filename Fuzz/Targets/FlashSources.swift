// SPDX-License-Identifier: GPL-3.0-or-later
import FlashMedia

extension Fuzz {
  /// A .bmap that lies beside an image is read without being asked for.
  static func blockMap(_ bytes: [UInt8]) { _ = try? BlockMap(bytes) }

  /// So is a file of checksums.
  static func checksumFile(_ bytes: [UInt8]) {
    _ = ChecksumFile.digest(String(decoding: bytes, as: UTF8.self), for: ["tier1-x64.iso"])
  }
}
