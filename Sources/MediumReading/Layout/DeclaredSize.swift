// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// What an image's first bytes say about its size and its blocks. Pure, and safe for any bytes: every number is read
/// within `reach`, and no sum overflows.
///
/// - **ISO 9660**: the primary volume descriptor's Volume Space Size (ECMA-119 8.4.8), in sectors.
/// - **GPT**: the place of the backup header, and the last block of each entry (UEFI 2.10, 5.3.2). It counts where the
///   MBR protects it; without that, UEFI says, it is none, and what lies there may be left over.
/// - **MBR**: the last sector of each partition. isohybrid's are among them.
///
/// An image may be larger than all this: disk images with room behind the last partition are in order. One that is
/// smaller has been cut off.
package struct DeclaredSize: Hashable, Sendable {
  /// The least that the file must have.
  package var bytes: Int64
  /// Which structure asks for the most, in words.
  package var by: String
  /// The logical blocks that the tables count in; a drive with others has no table that its firmware could read.
  package var blockSize: Int

  /// How much of an image's start is looked at.
  package static let reach = 64 << 10

  /// Reads the first bytes.
  /// - Returns: nil where no table and no volume is seen.
  package init?(head: [UInt8]) {
    let reader = Fields(head.prefix(Self.reach))
    var found = Self.partitions(reader)
    if let protected = found, protected.isProtective {
      found = Self.table(reader, block: 512) ?? Self.table(reader, block: 4096) ?? protected
    }
    var ends = (found?.ends ?? []) + [Self.volume(reader)].compactMap(\.self)
    ends.sort { $0.bytes > $1.bytes }
    guard let last = ends.first else { return nil }
    (bytes, by) = (last.bytes, last.by)
    blockSize = found?.block ?? 512
  }

  private struct End {
    var bytes: Int64
    var by: String
  }

  private struct Table {
    var ends: [End]
    var block: Int
    var isProtective = false
  }

  private static func volume(_ reader: Fields) -> End? {
    let descriptor = 16 * 2048
    guard reader[descriptor] == 1, reader.has("CD001", at: descriptor + 1),
      let sectors = reader.number(at: descriptor + 80, bytes: 4), sectors > 0,
      sectors == reader.bigEndian(at: descriptor + 84, bytes: 4),
      let size = reader.number(at: descriptor + 128, bytes: 2), [512, 1024, 2048].contains(size)
    else { return nil }
    return End(bytes: sectors * size, by: "its ISO 9660 volume")
  }

  /// The entries of a master boot record; nil where the sector is something else. The first sector of a FAT or NTFS
  /// volume ends with the same two bytes, and has code where the entries would be.
  private static func partitions(_ reader: Fields) -> Table? {
    guard reader[510] == 0x55, reader[511] == 0xaa, !reader.isVolumeStart else { return nil }
    var table = Table(ends: [], block: 512)
    for number in 1...4 {
      let entry = 446 + (number - 1) * 16
      guard let status = reader[entry], status & 0x7f == 0, let type = reader[entry + 4],
        let start = reader.number(at: entry + 8, bytes: 4), let count = reader.number(at: entry + 12, bytes: 4)
      else { return nil }
      if type == 0xee { table.isProtective = true }
      // A protective entry says how large the drive is, not the image; 0xffffffff is usual.
      guard type != 0, type != 0xee, count > 0 else { continue }
      table.ends.append(End(bytes: (start + count) * 512, by: "partition \(number) of its MBR"))
    }
    return table.ends.isEmpty && !table.isProtective ? nil : table
  }

  private static func table(_ reader: Fields, block: Int) -> Table? {
    guard reader.has("EFI PART", at: block), let own = reader.number(at: block + 24, bytes: 8), own == 1 else {
      return nil
    }
    var table = Table(ends: [], block: block)
    func add(_ lastBlock: Int64?, _ by: String) {
      guard let lastBlock, lastBlock > 0 else { return }
      let (bytes, isTooMuch) = (lastBlock &+ 1).multipliedReportingOverflow(by: Int64(block))
      table.ends.append(End(bytes: isTooMuch || bytes < 0 ? .max : bytes, by: by))
    }
    add(reader.number(at: block + 32, bytes: 8), "the backup of its GPT")
    guard let first = reader.number(at: block + 72, bytes: 8), let size = reader.number(at: block + 84, bytes: 4),
      let count = reader.number(at: block + 80, bytes: 4), size >= 128, size <= 4096, first > 0,
      first < Int64(reach / block)
    else { return table }
    for index in 0..<min(count, 128) {
      let entry = Int(first) * block + Int(index * size)
      guard let type = reader.number(at: entry, bytes: 8), type != 0 else { continue }
      add(reader.number(at: entry + 40, bytes: 8), "partition \(index + 1) of its GPT")
    }
    return table
  }
}

/// Numbers at places of a few bytes; nil beyond their end.
private struct Fields {
  private let bytes: [UInt8]

  init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

  subscript(index: Int) -> UInt8? { bytes.indices.contains(index) ? bytes[index] : nil }

  func has(_ text: String, at offset: Int) -> Bool {
    offset <= bytes.count && bytes[offset...].starts(with: text.utf8)
  }

  /// Little-endian, up to eight bytes; nil for what has no room in 63 bits.
  func number(at offset: Int, bytes count: Int) -> Int64? {
    guard offset >= 0, offset + count <= bytes.count else { return nil }
    return Int64(exactly: bytes[offset..<offset + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  func bigEndian(at offset: Int, bytes count: Int) -> Int64? {
    guard offset >= 0, offset + count <= bytes.count else { return nil }
    return Int64(exactly: bytes[offset..<offset + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  /// Whether the first sector begins a FAT, exFAT or NTFS volume.
  var isVolumeStart: Bool {
    [("FAT", 54), ("FAT32", 82), ("EXFAT   ", 3), ("NTFS    ", 3)].contains { has($0.0, at: $0.1) }
  }
}
