// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import HostSystem
internal import NIOCore

/// A file, or a part of one, on its way to a client: pieces that the kernel copies from the file to the socket.
final class FileSending {
  /// The object's name.
  let name: String
  /// How many bytes are on their way or there.
  var sent = 0
  /// Counts them for the list of machines.
  var meter: TransferMeter?
  /// Whether the file's last byte is on its way or there.
  var isWhole: Bool { sent == range.count && range.upperBound == size }
  private let size: Int
  private let file: NIOFileHandle
  private let range: Range<Int>
  private var offered: Int
  private let start = NIODeadline.now()

  /// Takes the descriptor over; `close` has to follow.
  init(_ object: SiteIndex.Object, _ range: Range<Int>, _ descriptor: CInt) {
    name = object.name
    self.range = range
    size = Int(object.size.bytes)
    offered = range.lowerBound
    file = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
  }

  /// How many bytes were handed to the channel, whether it has sent them or not.
  var handedOut: Int { offered - range.lowerBound }

  /// The next piece; nil at the end.
  func next(_ size: Int) -> FileRegion? {
    guard offered < range.upperBound else { return nil }
    let end = min(offered + size, range.upperBound)
    defer { offered = end }
    return FileRegion(fileHandle: file, readerIndex: offered, endIndex: end)
  }

  /// Gives the descriptor back.
  func close() { try? file.close() }

  /// For the log, at the end.
  var summary: String {
    let milliseconds = (NIODeadline.now() - start).nanoseconds / 1_000_000
    let seconds = "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    let part = range.lowerBound > 0 ? " from byte \(range.lowerBound) on" : ""
    return "\(name), \(ByteCount(Int64(range.count)))\(part) in \(seconds)"
  }
}
