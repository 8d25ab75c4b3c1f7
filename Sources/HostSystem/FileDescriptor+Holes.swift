// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
package import SystemPackage

extension FileDescriptor {
  /// The ranges of a file that are no holes, by `SEEK_DATA`. A file system that cannot tell says that all is data.
  /// - Parameter size: the file's, in bytes.
  package func dataRanges(size: Int64) -> [Range<Int64>] {
    var ranges: [Range<Int64>] = []
    var position: off_t = 0
    while position < size {
      let start = Glibc.lseek(rawValue, position, linux_seek_data)
      if start < 0, errno == ENXIO { break }
      guard start >= 0 else { return [0..<size] }
      let end = Glibc.lseek(rawValue, start, linux_seek_hole)
      guard end > start else { return [0..<size] }
      ranges.append(Int64(start)..<min(size, Int64(end)))
      position = end
    }
    return ranges
  }
}
