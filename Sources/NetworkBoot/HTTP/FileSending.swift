// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
@preconcurrency internal import Glibc
internal import HostSystem
internal import NIOCore
internal import SystemPackage

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
  /// Whether the service has ended it, and said so.
  var isGivenUp = false
  private let size: Int
  private let file: NIOFileHandle
  private let range: Range<Int>
  private var offered: Int
  private let start = NIODeadline.now()

  /// Takes the descriptor over; `close` has to follow.
  init(_ object: SetIndex.Object, _ range: Range<Int>, _ descriptor: CInt) {
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

  /// Whether the file has become shorter than what was promised of it. The kernel then copies nothing, which is no error,
  /// and NIO would try again for ever.
  var isCutShort: Bool {
    var status = stat()
    return (try? file.withUnsafeFileDescriptor { fstat($0, &status) }) != 0 || Int(status.st_size) < range.upperBound
  }

  /// What a write that failed says of the file; nil where it says that the client is gone. sendfile(2) reports the errors
  /// of either.
  static func fileTrouble(_ error: any Error) -> Errno? {
    guard let code = (error as? IOError)?.errnoCode, !connectionErrors.contains(code) else { return nil }
    return Errno(rawValue: code)
  }

  private static let connectionErrors: Set<CInt> = [
    EPIPE, ECONNRESET, ECONNABORTED, ECONNREFUSED, ENOTCONN, ESHUTDOWN, ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH,
    ENETDOWN, ENETRESET, ENOBUFS, EPROTO,
  ]

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
