// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

/// The partition tables that Lifeboat writes, to the byte: derived from the record and from the image's size, from
/// nothing that the tables themselves say. docs/boot.md has the layout.
///
///     0        440     boot code           the record's digest, and the loader's sector
///     440      72      MBR                 protective, and an empty entry that is active
///     512      512     GPT header          248 entries, so that they fill the system area
///     1,024    31,744  GPT entries         file system, EFI system partition, padding
///     …                                    the same at the end: entries, then header
struct ExpectedTables {
  typealias GPT = GUIDPartitionTable

  /// A stretch of bytes with the name that messages give it.
  struct Stretch: Equatable {
    var name: String
    var offset: Int64
    var bytes: [UInt8]
    var range: Range<Int64> { offset..<offset + Int64(bytes.count) }
  }

  static let entryCount = 248
  static let entrySize = 128
  private static let sector: Int64 = 512
  /// Where partition 1 begins: a second set of volume descriptors stands there.
  static let volumeStart: Int64 = 64 * 512
  /// Zeros behind the EFI system partition: 150 blocks that a drive's read-ahead may stumble over.
  private static let tail: Int64 = 150 * 2048
  /// The backup at the end and what rounds it up to the 64 sectors of the table at the start.
  private static let backupRoom: Int64 = 64 * 512

  /// The bytes of the disk that the tables are for: the image, or a drive with a data partition.
  let size: Int64
  /// The EFI system partition, up to the end of its last block.
  let system: Range<Int64>
  /// What a drive has besides, in the entry of that number.
  var data: (number: Int, entry: [UInt8])?
  private let identifier: [UInt8]

  /// - Parameters:
  ///   - record: of the medium.
  ///   - image: the bytes of the image.
  ///   - disk: the bytes of the drive, where its tables are not the image's.
  /// - Returns: nil where the record names no EFI system partition, or one that has no room.
  init?(_ record: MediumRecord, image: Int64, disk: Int64? = nil) {
    guard let whole = record.efiSystemPartition?.size.bytes, record.bootCode != nil, whole > 0, whole < image,
      image % 2048 == 0
    else { return nil }
    let end = image - Self.backupRoom - Self.tail
    let start = end - (whole + 2047) / 2048 * 2048
    guard start > Self.volumeStart else { return nil }
    system = start..<end
    size = disk ?? image
    // libisofs gets this as the disk's GUID. Version and variant are RFC 9562's; the first fields are little-endian.
    var guid = Array(Digest(of: "GPT disk GUID of \(record.identifier)").bytes.prefix(16))
    guid[7] = guid[7] & 0x0f | 0x40
    guid[8] = guid[8] & 0x3f | 0x80
    identifier = guid
  }

  /// The last sector of the disk.
  private var lastSector: Int64 { size / Self.sector - 1 }
  /// Where the entries of the backup begin.
  var backupEntries: Int64 { size - Self.sector - Int64(Self.entryCount * Self.entrySize) }

  // MARK: MBR

  /// Behind the boot code. An end in cylinders, heads and sectors follows from a geometry that nobody has: libisofs
  /// counts in 64 heads of 32 sectors as long as that goes, sfdisk in none.
  func masterBootRecord(like actual: [UInt8]) -> [Stretch] {
    let found = Array(actual.field(451, 3))
    let usual = Self.cylinders(of: lastSector)
    let protective =
      [0, 0, 2, 0, 0xEE] + (usual.contains(found) ? found : usual[0]) + Self.little(1, 4)
      + Self.little(min(lastSector, 0xFFFF_FFFF), 4)
    return [
      Stretch(name: "disk signature of the MBR", offset: 440, bytes: [0, 0, 0, 0, 0, 0]),
      Stretch(name: "MBR partition 1", offset: 446, bytes: protective),
      Stretch(name: "MBR partition 2", offset: 462, bytes: [0x80, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
      Stretch(name: "MBR partition 3", offset: 478, bytes: [UInt8](repeating: 0, count: 16)),
      Stretch(name: "MBR partition 4", offset: 494, bytes: [UInt8](repeating: 0, count: 16)),
      Stretch(name: "end of the MBR", offset: 510, bytes: [0x55, 0xAA]),
    ]
  }

  /// The last sector in libisofs' 64 heads of 32 sectors, as far as cylinders go, and what sfdisk writes.
  private static func cylinders(of sector: Int64) -> [[UInt8]] {
    let cylinder = sector / (64 * 32)
    let usual: [UInt8] =
      cylinder < 1024
      ? [UInt8(sector / 32 % 64), UInt8(sector % 32 + 1) | UInt8(cylinder >> 8) << 6, UInt8(cylinder & 0xFF)]
      : [63, 32 | 0xC0, 0xFF]
    return [usual, [0xFF, 0xFF, 0xFF]]
  }

  // MARK: GPT

  /// One entry after another, the unused ones too.
  func entries() -> [[UInt8]] {
    let (file, last) = (Self.guid(GPT.basicData), system.upperBound + Self.tail)
    let required: UInt64 = 0x1000_0000_0000_0001
    var all = [
      entry(0, file, Self.volumeStart..<system.lowerBound, required, "ISO9660"),
      entry(1, Self.guid(GPT.efiSystemPartitionType), system, 0, "Appended2"),
      entry(2, file, system.upperBound..<last, required, "Gap1"),
    ]
    all += [[UInt8]](repeating: [UInt8](repeating: 0, count: Self.entrySize), count: Self.entryCount - all.count)
    if let data { all[data.number - 1] = data.entry }
    return all
  }

  private func entry(
    _ index: UInt8, _ type: [UInt8], _ range: Range<Int64>, _ attributes: UInt64, _ name: String
  ) -> [UInt8] {
    // libisofs numbers the partitions in a byte of the disk's GUID.
    var own = identifier
    own[9] ^= index + 1
    let text = name.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    return type + own + Self.little(range.lowerBound / Self.sector, 8)
      + Self.little(range.upperBound / Self.sector - 1, 8) + Self.little(Int64(attributes), 8) + text
      + [UInt8](repeating: 0, count: 72 - text.count)
  }

  /// The stretches of one copy of the table, its checksums last: they differ wherever anything else does.
  func table(isBackup: Bool) -> [Stretch] {
    let what = isBackup ? "backup GPT" : "GPT"
    let place = isBackup ? lastSector * Self.sector : Self.sector
    let start = isBackup ? backupEntries : 2 * Self.sector
    let all = entries()
    let header = header(
      at: place / Self.sector, entries: start / Self.sector, checksum: CRC32.checksum(all.flatMap(\.self)))
    let fields: [(String, Range<Int>)] = [
      ("signature, revision and size of the header", 0..<16), ("reserved field", 20..<24), ("own place", 24..<32),
      ("place of the other table", 32..<40), ("first usable sector", 40..<48), ("last usable sector", 48..<56),
      ("disk GUID", 56..<72), ("place of the entries", 72..<80), ("number and size of entries", 80..<88),
      ("rest of the header's sector", 92..<512), ("checksum of the entries", 88..<92),
      ("checksum of the header", 16..<20),
    ]
    let numbered = all.enumerated().map { index, bytes in
      Stretch(name: "\(what) entry \(index + 1)", offset: start + Int64(index * Self.entrySize), bytes: bytes)
    }
    return numbered
      + fields.map { name, range in
        Stretch(name: "\(what): \(name)", offset: place + Int64(range.lowerBound), bytes: Array(header[range]))
      }
  }

  private func header(at own: Int64, entries: Int64, checksum: UInt32) -> [UInt8] {
    let other = own == 1 ? lastSector : 1
    var header = Array("EFI PART".utf8) + [0, 0, 1, 0] + Self.little(92, 4) + [UInt8](repeating: 0, count: 8)
    header += Self.little(own, 8) + Self.little(other, 8) + Self.little(64, 8) + Self.little(lastSector - 63, 8)
    header += identifier + Self.little(entries, 8) + Self.little(Int64(Self.entryCount), 4)
    header += Self.little(Int64(Self.entrySize), 4) + Self.little(Int64(checksum), 4)
    header.replaceSubrange(16..<20, with: Self.little(Int64(CRC32.checksum(header)), 4))
    return header + [UInt8](repeating: 0, count: 512 - header.count)
  }

  /// The bytes from 440 to the end of the system area.
  func systemArea() -> [UInt8] {
    var area = [UInt8](repeating: 0, count: Int(Self.volumeStart))
    for stretch in masterBootRecord(like: []) + table(isBackup: false) {
      area.replaceSubrange(Int(stretch.offset)..<Int(stretch.offset) + stretch.bytes.count, with: stretch.bytes)
    }
    return Array(area[440...])
  }

  // MARK: Numbers

  static func little(_ number: Int64, _ count: Int64) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// A GUID's bytes: its first three groups are little-endian.
  static func guid(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8.filter { $0 != UInt8(ascii: "-") })
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16) ?? 0
    }
    guard bytes.count == 16 else { return bytes }
    return [3, 2, 1, 0, 5, 4, 7, 6].map { bytes[$0] } + bytes[8...]
  }
}
