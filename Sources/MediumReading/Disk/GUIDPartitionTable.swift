// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// A GPT with its two headers (UEFI specification, section 5.3), as it stands on a disk of 512-byte sectors.
public struct GUIDPartitionTable: Sendable, Codable, Equatable {
  /// One of the two headers.
  public struct Header: Sendable, Codable, Equatable {
    /// Where the header lies: one sector.
    public var range: ByteRange
    /// Where its partition entries lie.
    public var entries: ByteRange
    /// Whether the header's own CRC-32 is right.
    public var checksumMatches: Bool
    /// Whether the CRC-32 over the entries is right.
    public var entriesChecksumMatches: Bool
    /// The sector where the header says it lies is the one where it was found.
    public var liesWhereItSays: Bool
    /// Where the other header should be.
    public var other: ByteCount
    /// The disk's GUID.
    public var diskIdentifier: String
    /// Size of one entry in bytes.
    public var entrySize: Int
    /// How many entries there is room for.
    public var entryCount: Int

    /// Whether it can be trusted.
    public var isValid: Bool { checksumMatches && entriesChecksumMatches && liesWhereItSays }
  }

  /// A partition.
  public struct Partition: Sendable, Codable, Equatable {
    /// Counted from 1, as `/dev/sdX1` is.
    public var number: Int
    /// The type's GUID.
    public var type: String
    /// The type in words, where it is known.
    public var typeName: String?
    /// The partition's own GUID.
    public var identifier: String
    /// Its name.
    public var name: String
    /// The attribute bits.
    public var attributes: UInt64
    /// Where it lies.
    public var range: ByteRange

    /// Whether firmware looks for loaders in it.
    public var isEFISystemPartition: Bool { type == GUIDPartitionTable.efiSystemPartitionType }
  }

  /// The header in the second sector.
  public var primary: Header?
  /// The header at the end.
  public var backup: Header?
  /// From the primary header, or from the backup when only that one is valid.
  public var partitions: [Partition]

  /// The type GUID of an EFI system partition.
  public static let efiSystemPartitionType = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
  static let basicData = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
  static let linuxData = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

  /// Reads both headers; nil when neither is there.
  /// - Throws: `OperationFailure`.
  init?(_ image: DiskImageReader) throws {
    primary = try Self.header(at: 512, image)
    backup = try Self.header(at: (image.size.bytes / 512 - 1) * 512, image)
    if backup == nil, let other = primary?.other.bytes { backup = try Self.header(at: other, image) }
    guard primary != nil || backup != nil else { return nil }
    let trusted = [primary, backup].compactMap { $0 }
    let chosen = trusted.first { $0.isValid } ?? trusted.first
    partitions = try chosen.map { try Self.partitions($0, image) } ?? []
  }

  static func header(at offset: Int64, _ image: DiskImageReader) throws -> Header? {
    let sector = try image.available(at: offset, count: 512)
    guard offset > 0, sector.count == 512, sector.has("EFI PART", at: 0) else { return nil }
    let length = Int(sector.little(UInt32.self, at: 12))
    var checked = Array(sector.prefix(min(max(length, 92), 512)))
    checked.replaceSubrange(16..<20, with: [0, 0, 0, 0])
    let entryCount = Int(min(sector.little(UInt32.self, at: 80), 4096))
    let entrySize = Int(min(sector.little(UInt32.self, at: 84), 4096))
    let entriesOffset = byteOffset(ofSector: sector.little(UInt64.self, at: 72))
    let entries = try image.available(at: entriesOffset, count: entryCount * entrySize)
    return Header(
      range: ByteRange(offset..<offset + 512),
      entries: ByteRange(entriesOffset..<entriesOffset + Int64(entries.count)),
      checksumMatches: (92...512).contains(length)
        && CRC32.checksum(checked) == sector.little(UInt32.self, at: 16),
      entriesChecksumMatches: entries.count == entryCount * entrySize
        && CRC32.checksum(entries) == sector.little(UInt32.self, at: 88),
      liesWhereItSays: byteOffset(ofSector: sector.little(UInt64.self, at: 24)) == offset,
      other: ByteCount(byteOffset(ofSector: sector.little(UInt64.self, at: 32))),
      diskIdentifier: guid(sector.field(56, 16)), entrySize: entrySize, entryCount: entryCount)
  }

  static func partitions(_ header: Header, _ image: DiskImageReader) throws -> [Partition] {
    guard header.entrySize >= 128 else { return [] }
    let bytes = try image.available(at: header.entries.offset.bytes, count: Int(header.entries.length.bytes))
    return (0..<header.entryCount).compactMap { index in
      let entry = bytes.field(index * header.entrySize, 128)
      guard !entry.field(0, 16).isZero else { return nil }
      let start = byteOffset(ofSector: entry.little(UInt64.self, at: 32))
      let last = byteOffset(ofSector: entry.little(UInt64.self, at: 40))
      let type = guid(entry.field(0, 16))
      return Partition(
        number: index + 1, type: type, typeName: typeNames[type], identifier: guid(entry.field(16, 16)),
        name: entry.field(56, 72).utf16Text(bigEndian: false), attributes: entry.little(UInt64.self, at: 48),
        range: ByteRange(start..<max(start, last + 512)))
    }
  }

  /// Sectors beyond 2^50 bytes become a position that lies in no image.
  private static func byteOffset(ofSector sector: UInt64) -> Int64 { Int64(min(sector, 1 << 41)) * 512 }

  /// GUIDs are stored with their first three groups little-endian.
  static func guid(_ bytes: some RandomAccessCollection<UInt8>) -> String {
    let bytes = Array(bytes)
    guard bytes.count == 16 else { return "" }
    let order: [Int?] = [3, 2, 1, 0, nil, 5, 4, nil, 7, 6, nil, 8, 9, nil, 10, 11, 12, 13, 14, 15]
    return order.map { index in
      guard let index else { return "-" }
      let digits = String(bytes[index], radix: 16, uppercase: true)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }

  private static let typeNames = [
    efiSystemPartitionType: "EFI system partition",
    basicData: "basic data",
    linuxData: "Linux data",
    "21686148-6449-6E6F-744E-656564454649": "BIOS boot",
    "48465300-0000-11AA-AA11-00306543ECAC": "HFS+",
    "E3C9E316-0B5C-4DB8-817D-F92DF00215AE": "Microsoft reserved",
    "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC": "Windows recovery",
  ]
}
