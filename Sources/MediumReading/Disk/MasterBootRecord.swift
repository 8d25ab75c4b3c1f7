// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// The first 512 bytes of a disk: a BIOS's boot code and four partitions.
public struct MasterBootRecord: Sendable, Codable, Equatable {
  /// One of the four primary partitions.
  public struct Partition: Sendable, Codable, Equatable {
    /// 1 to 4.
    public var number: Int
    /// Whether a BIOS takes it for bootable.
    public var active: Bool
    /// The type byte: 0xEE protective, 0xEF EFI system partition.
    public var type: UInt8
    /// Where it lies.
    public var range: ByteRange
  }

  /// What the partitions say about a GPT.
  public enum Kind: String, Sendable, Codable {
    /// Nothing but a protective entry.
    case protective
    /// A protective entry beside others that hold data.
    case hybrid
    /// An ordinary DOS partition table.
    case dos
    /// No partition at all.
    case empty
  }

  /// What the partitions are.
  public var kind: Kind
  /// Whether the 440 bytes of boot code hold any.
  public var hasBootCode: Bool
  /// Whose boot code it is, where that can be told.
  public var bootCode: String?
  /// Where GRUB's hybrid boot code finds the loader on the disk, or nil for other code.
  public var grubLoaderOffset: ByteCount?
  /// The disk signature.
  public var signature: UInt32
  /// Those that are not empty.
  public var partitions: [Partition]

  /// The bytes of boot code.
  public static let bootCodeLength = 440
  /// Where `boot_hybrid.img` keeps the loader's sector; ISO writers put it there
  /// (grub-core/boot/i386/pc/boot.S, GRUB_BOOT_MACHINE_KERNEL_SECTOR with HYBRID_BOOT).
  static let grubSectorField = 0x1B0..<0x1B8

  /// Reads a sector; nil without the signature 55 AA.
  public init?(sector: [UInt8]) {
    guard sector.count >= 512, sector[510] == 0x55, sector[511] == 0xAA else { return nil }
    let code = sector[..<Self.bootCodeLength]
    hasBootCode = !code.isZero
    let isGRUB = Self.contains(code, "GRUB")
    bootCode =
      isGRUB
      ? "GRUB" : Self.contains(code, "isolinux") || Self.contains(code, "ISOLINUX") ? "ISOLINUX" : nil
    let grubSector = sector.little(UInt64.self, at: Self.grubSectorField.lowerBound)
    // The hybrid image keeps four bytes fewer in its partition-table loader; a plain GRUB MBR has code there instead.
    grubLoaderOffset =
      isGRUB && grubSector > 4 && grubSector < 1 << 40 ? ByteCount((Int64(grubSector) - 4) * 512) : nil
    signature = sector.little(UInt32.self, at: 440)
    partitions = (0..<4).compactMap { Self.partition($0, sector) }
    let data = partitions.filter { $0.type != 0 && $0.type != 0xEE }
    switch (partitions.contains { $0.type == 0xEE }, data.isEmpty) {
    case (true, true): kind = .protective
    case (true, false): kind = .hybrid
    case (false, false): kind = .dos
    case (false, true): kind = .empty
    }
  }

  private static func partition(_ index: Int, _ sector: [UInt8]) -> Partition? {
    let entry = sector.field(446 + 16 * index, 16)
    let sectors = entry.little(UInt32.self, at: 12)
    guard sectors > 0 else { return nil }
    return Partition(
      number: index + 1, active: entry.little(UInt8.self, at: 0) == 0x80, type: entry.little(UInt8.self, at: 4),
      range: ByteRange(
        offset: ByteCount(Int64(entry.little(UInt32.self, at: 8)) * 512), length: ByteCount(Int64(sectors) * 512)))
  }

  private static func contains(_ code: ArraySlice<UInt8>, _ word: String) -> Bool {
    let word = Array(word.utf8)
    return code.indices.dropLast(word.count - 1).contains { code[$0..<($0 + word.count)].elementsEqual(word) }
  }
}
