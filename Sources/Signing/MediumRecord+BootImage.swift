// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

extension MediumRecord.BootImage {
  /// Describes GRUB's El Torito image, of which the ISO writer fills in two places: the boot information table that
  /// mkisofs invented (bytes 8 to 63), and GRUB's own copy of the image's block address (bytes 2548 to 2555).
  package init(path: String, patched bytes: [UInt8]) {
    let ranges = [[8, 56], [2548, 8]]
    self.init(
      path: path, size: ByteCount(bytes.count), sha256: Digest(of: Self.mask(bytes, ranges)), masked: ranges)
  }

  /// The bytes with the ranges (pairs of offset and length) read as zero; what lies outside the bytes, or makes
  /// no sense, is left out.
  public static func mask(_ bytes: [UInt8], _ ranges: [[Int]]) -> [UInt8] {
    var bytes = bytes
    for range in ranges where range.count == 2 && range[0] >= 0 && range[1] > 0 && range[0] < bytes.count {
      for index in range[0]..<(range[0] + min(range[1], bytes.count - range[0])) { bytes[index] = 0 }
    }
    return bytes
  }
}
