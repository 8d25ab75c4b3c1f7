// SPDX-License-Identifier: GPL-3.0-or-later
@testable import RecoveryPartition

extension Fuzz {
  /// The block in which GRUB and a recovery partition say to each other which slot starts.
  static func grubBlock(_ bytes: [UInt8]) {
    let padded = bytes + [UInt8](repeating: UInt8(ascii: "#"), count: max(0, SlotState.size - bytes.count))
    guard let state = SlotState(Array(padded.prefix(SlotState.size))) else { return }
    precondition(SlotState(state.block) == state, "what was written reads otherwise")
  }

  /// A FAT volume: its first sector, the beginning of its table, and what lies in its clusters, one behind the other.
  static func volume(_ bytes: [UInt8]) {
    guard bytes.count > FATSource.clusters, let geometry = FATGeometry(Array(bytes[..<512])) else { return }
    let source = FATSource(bytes: bytes, geometry: geometry)
    for isLenient in [false, true] {
      guard let volume = try? FATVolume(source, isLenient: isLenient) else { continue }
      for file in volume.files.prefix(8) where volume.ranges(of: file).count < 64 { _ = try? volume.content(of: file) }
    }
  }
}

/// Some of a volume's bytes where they belong, and zeros elsewhere.
private struct FATSource: RecoveryPartition.ByteSource {
  /// Where in the input the clusters begin, behind the first sector and 1 KiB of the table.
  static let clusters = 512 + 1024
  let bytes: [UInt8]
  let geometry: FATGeometry
  /// What a FAT32 volume needs at least, and a little more.
  private static let size: Int64 = 48 << 20
  private struct Beyond: Error {}

  func bytes(_ range: Range<Int64>) throws -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= Self.size else { throw Beyond() }
    var result = [UInt8](repeating: 0, count: range.count)
    for (start, piece) in [
      (0, bytes[..<512]), (Int64(geometry.reserved), bytes[512..<Self.clusters]),
      (geometry.dataStart, bytes[Self.clusters...]),
    ] {
      let common = range.clamped(to: start..<start + Int64(piece.count))
      for place in common { result[Int(place - range.lowerBound)] = piece[piece.startIndex + Int(place - start)] }
    }
    return result
  }
}
