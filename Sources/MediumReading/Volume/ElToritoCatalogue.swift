// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// The boot catalogue of an ISO: which images firmware may start (El Torito 1.0, section 2).
public struct ElToritoCatalogue: Sendable, Codable, Equatable {
  /// One boot image.
  public struct Entry: Sendable, Codable, Equatable {
    /// 0 BIOS (80x86), 1 PowerPC, 2 Mac, 0xEF UEFI.
    public var platform: UInt8
    /// Whether firmware may start it.
    public var isBootable: Bool
    /// 0 no emulation, 1 to 3 a floppy, 4 a hard disk.
    public var emulation: UInt8
    /// Where a BIOS loads it, zero for the usual 0x7C0.
    public var loadSegment: UInt16
    /// How many bytes firmware loads (the catalogue counts in units of 512).
    public var loadSize: ByteCount
    /// Where the image starts on the medium.
    public var offset: ByteCount

    /// `BIOS`, `UEFI`, …
    public var platformName: String {
      switch platform {
      case 0: "BIOS"
      case 1: "PowerPC"
      case 2: "Mac"
      case 0xEF: "UEFI"
      default: "platform \(platform)"
      }
    }
  }

  /// Where the catalogue lies.
  public var range: ByteRange
  /// Whether the validation entry's checksum and key bytes are right.
  public var isValid: Bool
  /// The text of the validation entry.
  public var identifier: String
  /// The initial entry first, then those of the sections.
  public var entries: [Entry]

  static let sizeLimit = 32768

  /// Reads a catalogue; nil when nothing of the kind stands there.
  /// - Throws: `OperationFailure`.
  init?(at offset: Int64, _ image: DiskImageReader) throws {
    let bytes = try image.available(at: offset, count: Self.sizeLimit)
    guard bytes.count >= 2048, bytes[0] == 1 else { return nil }
    let sum = stride(from: 0, to: 32, by: 2).reduce(UInt16(0)) { $0 &+ bytes.little(UInt16.self, at: $1) }
    isValid = sum == 0 && bytes[30] == 0x55 && bytes[31] == 0xAA
    identifier = bytes.paddedText(at: 4, count: 24)
    entries = [Self.entry(bytes.field(32, 32), platform: bytes[1])]
    var position = 64
    var section: (platform: UInt8, left: Int)?
    // 0x90: more section headers follow; 0x91: the last one.
    while let header = bytes.field(position, 32).first, section != nil || header == 0x90 || header == 0x91 {
      let block = bytes.field(position, 32)
      position += 32
      if let current = section {
        // 0x44 extends the entry before it.
        if header == 0x44 { continue }
        entries.append(Self.entry(block, platform: current.platform))
        section = current.left > 1 ? (current.platform, current.left - 1) : nil
      } else {
        let count = Int(block.little(UInt16.self, at: 2))
        if count > 0 { section = (block.little(UInt8.self, at: 1), count) }
      }
    }
    let length = Int64((position + 2047) / 2048 * 2048)
    range = ByteRange(offset..<min(offset + length, image.size.bytes))
  }

  private static func entry(_ bytes: ArraySlice<UInt8>, platform: UInt8) -> Entry {
    Entry(
      platform: platform, isBootable: bytes.little(UInt8.self, at: 0) == 0x88,
      emulation: bytes.little(UInt8.self, at: 1) & 0x0F, loadSegment: bytes.little(UInt16.self, at: 2),
      loadSize: ByteCount(Int64(bytes.little(UInt16.self, at: 6)) * 512),
      offset: ByteCount(Int64(bytes.little(UInt32.self, at: 8)) * 2048))
  }
}
