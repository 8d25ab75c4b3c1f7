// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// What one drive gets besides the image: a data partition's entry in the table, and what lies behind the image.
///
/// ```
///   image     |0|1|2|…………………|n|
///   addition  |0|                  |file system|      |backup GPT|
///              └ the first bytes with another table   └ always the last record
/// ```
struct Addition: Sendable {
  /// The data partition.
  var placed: DataPartition.Placed
  /// The drive's first bytes, which take the place of as many of the image's.
  var head: [UInt8]
  /// What is behind the image, ascending.
  var records: [PieceRecord]
  /// Where the records' bytes are read from, by any thread of the target.
  let reader: Monitor<any PieceReader>

  /// Whether the partition was there before.
  var isKept: Bool { placed.made == nil }
  /// Bytes behind the image that are moved.
  var moved: Int64 { records.reduce(0) { $0 + $1.length } }

  /// Reads a record's bytes.
  func read(_ record: PieceRecord, into buffer: AlignedBuffer) throws(FlashMediaFailure.SourceProblem) {
    let result = reader.change { reader in
      Result { () throws(FlashMediaFailure.SourceProblem) in
        let count = try reader.read(record.piece.range, into: buffer)
        buffer.clear(count..<buffer.count)
        guard count == Int(record.length), buffer.checksum(count) == record.checksum else {
          throw FlashMediaFailure.SourceProblem.changed
        }
      }
    }
    try result.get()
  }
}

/// The first bytes of an image with the table that sfdisk made of its own. Pure.
enum MergedHead {
  /// The protective MBR's first entry, and within it its type, the end of its range in cylinders, and its length
  /// (UEFI specification 2.10, table 5.4).
  private static let (type, end, length) = (450, 451..<454, 458..<462)
  private static let block = Int(PartitionTable.blockSize)

  /// Takes over what belongs to the GPT, and nothing else: sfdisk also clears the other entries of the MBR, among them
  /// the active one without which some BIOSes do not start from a drive.
  /// - Parameters:
  ///   - image: the image's first bytes.
  ///   - table: the same bytes after sfdisk has worked on them.
  ///   - bound: where the table ends.
  /// - Returns: the first `bound` bytes; nil where the MBR is none that protects a GPT.
  static func bytes(image: [UInt8], table: [UInt8], bound: Int) -> [UInt8]? {
    guard bound > block, image.count >= bound, table.count >= bound, image[type] == 0xee, table[type] == 0xee else {
      return nil
    }
    var head = Array(image[..<block] + table[block..<bound])
    for range in [end, length] { head.replaceSubrange(range, with: table[range]) }
    return head
  }
}
