// SPDX-License-Identifier: GPL-3.0-or-later

/// A kind of disc by its profile number (MMC-5, table 89), as drives name it.
public struct DiscProfile: Sendable, Hashable {
  /// The number of the profile; 0xFFFF is libburn's own, for a file or block device in a disc's place.
  public let number: Int
  /// Wraps a number.
  public init(_ number: Int) { self.number = number }

  /// Which laser it is for; decides what "1x" means.
  public enum Family: String, Sendable, Encodable { case cd, dvd, bd, file }

  /// What a disc of that kind lets be done with it.
  public enum Nature: String, Sendable, Encodable {
    /// Pressed, or written in a way that libburn cannot continue.
    case readOnly
    /// Written once.
    case writeOnce
    /// Written in a sequence, which blanking takes back.
    case erasable
    /// Written at any place, any number of times; never looks used to the drive.
    case overwriteable
  }

  /// `DVD+R`, as the box says.
  public var name: String { Self.known[number]?.name ?? "disc of profile 0x\(String(number, radix: 16))" }
  /// What it lets be done.
  public var nature: Nature { Self.known[number]?.nature ?? .readOnly }
  /// CD, DVD or BD.
  public var family: Family {
    switch number {
    case 0x08...0x0F: .cd
    case 0x40...0x4F: .bd
    case 0xFFFF: .file
    default: .dvd
    }
  }

  /// Those that are formatted once before they take data.
  var needsFormatting: Bool { [0x12, 0x43].contains(number) }

  /// Whether it is a DVD+R of one layer or two.
  var isPlusR: Bool { [0x1B, 0x2B].contains(number) }

  /// Kinds that libburn writes, and the read-only ones that people meet.
  private static let known: [Int: (name: String, nature: Nature)] = [
    0x08: ("CD-ROM", .readOnly), 0x09: ("CD-R", .writeOnce), 0x0A: ("CD-RW", .erasable),
    0x10: ("DVD-ROM", .readOnly), 0x11: ("DVD-R", .writeOnce), 0x12: ("DVD-RAM", .overwriteable),
    // A DVD-RW is one of two, by how it was formatted.
    0x13: ("DVD-RW", .overwriteable), 0x14: ("DVD-RW", .erasable), 0x15: ("DVD-R DL", .writeOnce),
    0x1A: ("DVD+RW", .overwriteable), 0x1B: ("DVD+R", .writeOnce), 0x2B: ("DVD+R DL", .writeOnce),
    0x40: ("BD-ROM", .readOnly), 0x41: ("BD-R", .writeOnce), 0x42: ("BD-R (random recording)", .readOnly),
    0x43: ("BD-RE", .overwriteable), 0xFFFF: ("file", .overwriteable),
  ]
}

extension DiscProfile: Encodable {
  private enum CodingKeys: CodingKey { case number, name, nature }

  /// Number, name and nature.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(number, forKey: .number)
    try container.encode(name, forKey: .name)
    try container.encode(nature, forKey: .nature)
  }
}
