// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// One 2,048-byte descriptor of the sequence that starts at byte 32,768 (ECMA-119, section 8).
struct VolumeDescriptor: Sendable {
  enum Kind: Equatable, Sendable {
    /// Boot record; for El Torito with the byte offset of the boot catalogue.
    case bootRecord(catalogue: Int64?)
    case primary(VolumeInformation)
    case joliet(VolumeInformation)
    /// A supplementary or enhanced descriptor that is not Joliet.
    case supplementary
    case terminator
    case other
  }

  static let size: Int64 = 2048
  /// The field of the primary descriptor that belongs to the application: ECMA-119, 8.4.32.
  static let applicationUse = 883..<1395

  var range: Range<Int64>
  var kind: Kind

  /// Reads a descriptor; nil without the identifier `CD001`.
  init?(_ bytes: [UInt8], at offset: Int64) {
    guard bytes.count == Self.size, bytes.has("CD001", at: 1) else { return nil }
    range = offset..<offset + Self.size
    switch bytes[0] {
    case 0:
      let isElTorito = bytes.has("EL TORITO SPECIFICATION", at: 7)
      kind = .bootRecord(catalogue: isElTorito ? Int64(bytes.little(UInt32.self, at: 71)) * Self.size : nil)
    case 1: kind = .primary(VolumeInformation(bytes, isJoliet: false))
    case 2:
      let levels: [[UInt8]] = [[0x25, 0x2F, 0x40], [0x25, 0x2F, 0x43], [0x25, 0x2F, 0x45]]
      let isJoliet = levels.contains(Array(bytes[88..<91]))
      kind = isJoliet ? .joliet(VolumeInformation(bytes, isJoliet: true)) : .supplementary
    case 255: kind = .terminator
    default: kind = .other
    }
  }
}

/// What a primary or Joliet descriptor says about its volume.
public struct VolumeInformation: Sendable, Codable, Equatable {
  /// The volume's name.
  public var identifier: String
  /// The system it is meant for.
  public var system: String
  /// The set that it belongs to.
  public var volumeSet: String
  /// Who publishes it.
  public var publisher: String
  /// Who or what prepared the data.
  public var preparer: String
  /// What the data is.
  public var application: String
  /// When it was made, ISO 8601, or nil when that is not said.
  public var created: String?
  /// When it was last changed.
  public var modified: String?
  /// How much of the medium the volume says it takes.
  public var size: ByteCount
  /// Bytes of a logical block, nearly always 2,048.
  public var blockSize: ByteCount

  var pathTableSize: Int64
  /// Block numbers of the two or four copies of the path table; zero where there is no copy.
  var pathTables: [Int64]
  var rootBlock: Int64
  var rootLength: Int64

  init(_ bytes: [UInt8], isJoliet: Bool) {
    func text(_ offset: Int, _ count: Int) -> String {
      let raw =
        isJoliet
        ? bytes.field(offset, count).utf16Text(bigEndian: true) : bytes.paddedText(at: offset, count: count)
      return String(raw.reversed().drop { $0 == " " }.reversed())
    }
    system = text(8, 32)
    identifier = text(40, 32)
    volumeSet = text(190, 128)
    publisher = text(318, 128)
    preparer = text(446, 128)
    application = text(574, 128)
    created = Self.date(bytes.field(813, 17))
    modified = Self.date(bytes.field(830, 17))
    let block = Int64(bytes.little(UInt16.self, at: 128))
    blockSize = ByteCount(block)
    size = ByteCount(Int64(bytes.little(UInt32.self, at: 80)) * block)
    pathTableSize = Int64(bytes.little(UInt32.self, at: 132))
    pathTables = [
      Int64(bytes.little(UInt32.self, at: 140)), Int64(bytes.little(UInt32.self, at: 144)),
      Int64(bytes.big(UInt32.self, at: 148)), Int64(bytes.big(UInt32.self, at: 152)),
    ]
    rootBlock = Int64(bytes.little(UInt32.self, at: 158)) + Int64(bytes.little(UInt8.self, at: 157))
    rootLength = Int64(bytes.little(UInt32.self, at: 166))
  }

  /// `YYYYMMDDhhmmsscc` and the offset from UTC in quarters of an hour (8.4.26.1).
  private static func date(_ field: some RandomAccessCollection<UInt8>) -> String? {
    let field = Array(field)
    guard field.count == 17, field[..<16].allSatisfy({ (0x30...0x39).contains($0) }),
      field[..<8].contains(where: { $0 != 0x30 })
    else { return nil }
    let digits = field[..<16].map { String(UnicodeScalar($0)) }
    func part(_ range: Range<Int>) -> String { digits[range].joined() }
    let quarters = Int(Int8(bitPattern: field[16]))
    let minutes = abs(quarters) * 15
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))"
      + (quarters == 0 ? "Z" : (quarters < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60))
  }

  private enum CodingKeys: String, CodingKey {
    case identifier, system, volumeSet, publisher, preparer, application, created, modified, size, blockSize
  }

  /// Reads what `encode` writes; where the structures lie is not part of it.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    identifier = try values.decode(String.self, forKey: .identifier)
    system = try values.decode(String.self, forKey: .system)
    volumeSet = try values.decode(String.self, forKey: .volumeSet)
    publisher = try values.decode(String.self, forKey: .publisher)
    preparer = try values.decode(String.self, forKey: .preparer)
    application = try values.decode(String.self, forKey: .application)
    created = try values.decodeIfPresent(String.self, forKey: .created)
    modified = try values.decodeIfPresent(String.self, forKey: .modified)
    size = try values.decode(ByteCount.self, forKey: .size)
    blockSize = try values.decode(ByteCount.self, forKey: .blockSize)
    (pathTableSize, pathTables, rootBlock, rootLength) = (0, [], 0, 0)
  }
}
