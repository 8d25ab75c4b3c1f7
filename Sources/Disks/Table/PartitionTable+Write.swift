// SPDX-License-Identifier: GPL-3.0-or-later
internal import CFdisk
internal import CLinux
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// How a table gets onto the disk.
///
/// libfdisk waits for the disk between the entries of a table and the header that has their checksum (`gpt_write`): if the
/// power is cut there while it writes the first table of a GPT, Linux finds no table, as it looks at the second one only
/// when told to (block/partitions/efi.c). So libfdisk writes into memory, and only what has changed goes to the disk: the
/// second table, then the first one's header and entries at once. Those of the first 24 partitions lie in the same 4,096
/// bytes as the header, which today's disks write as a whole.
extension PartitionTable {
  /// Bytes of a disk that are replaced.
  package struct Change {
    var offset: Int64
    var bytes: [UInt8]
  }

  /// Writes the table.
  /// - Parameter before: the table as it was, read anew.
  /// - Returns: whether the kernel uses the new table already.
  /// - Throws: `DiskFailure.write`; `OperationFailure`.
  package func write(before: PartitionTable, by access: any DiskAccess) throws -> Bool {
    for change in try changes() {
      try access.write(change.bytes, at: change.offset)
      try access.flush()
    }
    guard !disk.isFile else { return true }
    var old: OpaquePointer?
    guard fdisk_get_partitions(before.context, &old) == 0, let old else { return false }
    defer { fdisk_unref_table(old) }
    return fdisk_reread_changes(context, old) == 0
  }

  /// What libfdisk would write, as far as it differs from what is there; in the order in which it goes to the disk.
  private func changes() throws -> [Change] {
    try OperationFailure.wrap("write the partition table of", disk.path) {
      let memory = linux_memory_file("partition-table")
      guard memory >= 0 else { throw Errno(rawValue: -memory) }
      let scratch = FileDescriptor(rawValue: memory)
      defer { try? scratch.close() }
      try scratch.resize(to: disk.size)
      for range in tables { try scratch.writeAll(toAbsoluteOffset: range.lowerBound, disk.bytes(range)) }
      try point(to: scratch)
      let result = fdisk_write_disklabel(context)
      try point(to: disk.descriptor)
      guard result == 0 else { throw Errno(rawValue: -result) }
      return try (isGPT ? tables : written(in: scratch)).compactMap { range in
        try change(from: disk.bytes(range), to: readBytes(scratch, range, disk.path), at: range.lowerBound)
      }
    }
  }

  /// Has libfdisk's descriptor mean another file; programs that are started do not get it.
  private func point(to other: FileDescriptor) throws {
    guard dup2(other.rawValue, descriptor.rawValue) >= 0, fcntl(descriptor.rawValue, F_SETFD, FD_CLOEXEC) == 0 else {
      throw Errno(rawValue: errno)
    }
  }

  /// Where the two tables of a GPT lie, the second one first: before the first sector that a partition may have, and
  /// behind the last one.
  private var tables: [Range<Int64>] {
    guard isGPT else { return [] }
    let first = Int64(fdisk_get_first_lba(context)) * sector
    return [Int64(fdisk_get_last_lba(context) + 1) * sector..<disk.size, 0..<first]
  }

  /// The sectors of an MBR and of its extended partitions' records, the last one first: a record is there before another
  /// one leads to it. Each has its signature, so none of them is empty.
  private func written(in scratch: FileDescriptor) throws -> [Range<Int64>] {
    let sectors = scratch.dataRanges(size: disk.size).flatMap { data in
      stride(from: data.lowerBound / sector * sector, to: data.upperBound, by: Int64.Stride(sector)).map {
        $0..<$0 + sector
      }
    }
    return try sectors.reversed().filter { range in
      let bytes = try readBytes(scratch, range, disk.path)
      return !linux_is_zero(bytes, bytes.count)
    }
  }

  /// From the first sector that differs to the last one.
  private func change(from old: [UInt8], to new: [UInt8], at offset: Int64) -> Change? {
    let size = Int(sector)
    let differing = stride(from: 0, to: old.count, by: size).filter { old[$0..<$0 + size] != new[$0..<$0 + size] }
    guard let first = differing.first, let last = differing.last else { return nil }
    return Change(offset: offset + Int64(first), bytes: Array(new[first..<last + size]))
  }
}
