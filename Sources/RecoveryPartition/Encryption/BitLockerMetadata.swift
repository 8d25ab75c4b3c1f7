// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks

/// What the metadata of a BitLocker volume says of its protection. Pure.
///
/// The layout is that of libbde's "BitLocker Drive Encryption (BDE) format" and of cryptsetup (lib/bitlk/bitlk.c), which
/// the tests ask. Only the state and the kinds of protectors are looked at; no key.
package struct BitLockerMetadata: Sendable, Equatable {
  /// Whether a clear key protects the volume, which is how BitLocker is suspended: whoever has the disk can read it.
  package var hasClearKey: Bool
  /// The kinds of protectors, by their numbers, in the order of the metadata.
  package var protectors: [UInt16]
  /// The state of the volume: 4 is encrypted, and at rest.
  package var state: UInt16

  /// Where copies of the metadata lie, from the volume's first sector; empty where it is no volume of BitLocker's.
  static func offsets(_ sector: [UInt8]) -> [Int64] {
    guard sector.count >= 512, Array(sector[3..<11]) == signature else {
      // BitLocker To Go looks like FAT32, with a GUID further back.
      guard sector.count >= 512, Array(sector[424..<440]) == guid else { return [] }
      return (0..<3).map { Int64(sector.number(at: 440 + 8 * $0, bytes: 8)) }
    }
    guard Array(sector[160..<176]) == guid else { return [] }
    return (0..<3).map { Int64(sector.number(at: 176 + 8 * $0, bytes: 8)) }
  }

  /// Most metadata that is read; BitLocker reserves 64 KiB for each copy.
  static let size = 1 << 16

  /// Reads a copy of the metadata; nil where it is not one.
  init?(_ block: [UInt8]) {
    guard block.count >= Self.entries, Array(block[0..<8]) == Self.signature, block.number(at: 10, bytes: 2) == 2 else {
      return nil
    }
    state = UInt16(block.number(at: 12, bytes: 2))
    let end = 64 + block.number(at: 64, bytes: 4)
    guard end <= block.count, end >= Self.entries else { return nil }
    protectors = []
    var offset = Self.entries
    while offset + 8 <= end {
      let size = block.number(at: offset, bytes: 2)
      guard size >= 8, offset + size <= end else { break }
      // A volume master key: GUID, time, two bytes, then what protects it.
      if block.number(at: offset + 2, bytes: 2) == 0x0002, block.number(at: offset + 4, bytes: 2) == 0x0008, size >= 36
      {
        protectors.append(UInt16(block.number(at: offset + 34, bytes: 2)))
      }
      offset += size
    }
    hasClearKey = protectors.contains(0)
  }

  private static let entries = 112
  private static let signature = Array("-FVE-FS-".utf8)
  /// 4967D63B-2E29-4AD8-8399-F6A339E3D001
  private static let guid: [UInt8] = [
    0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01,
  ]
}
