// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import Synchronization
package import SystemPackage

/// A disk that takes some writes, and none any more: the power was cut.
package final class CutDisk: DiskAccess {
  let disk: Disk
  private let left: Mutex<Int>
  private let count = Mutex(0)
  package struct Cut: Error {}

  package init(_ disk: Disk, after writes: Int) {
    self.disk = disk
    left = Mutex(writes)
  }

  package var path: FilePath { disk.path }
  /// Writes that were asked for.
  package var writes: Int { count.withLock { $0 } }
  package func bytes(_ range: Range<Int64>) throws -> [UInt8] { try disk.bytes(range) }
  package func flush() throws { try disk.flush() }
  package func write(_ bytes: [UInt8], at offset: Int64) throws {
    count.withLock { $0 += 1 }
    let remaining = left.withLock {
      $0 -= 1
      return $0
    }
    if remaining >= 0 { return try disk.write(bytes, at: offset) }
    // Of the write in which it happens, some sectors may have arrived.
    if remaining == -1 { try disk.write(Array(bytes.prefix(bytes.count / 1024 * 512)), at: offset) }
    throw Cut()
  }
}
