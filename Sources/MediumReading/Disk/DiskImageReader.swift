// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import HostSystem
public import SystemPackage

/// A stretch of bytes on a medium or in a file.
public struct ByteRange: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The first byte, counted from zero.
  public var offset: ByteCount
  /// How many.
  public var length: ByteCount

  /// Describes a stretch.
  public init(offset: ByteCount, length: ByteCount) {
    self.offset = offset
    self.length = length
  }

  package init(_ range: Range<Int64>) {
    self.init(offset: ByteCount(range.lowerBound), length: ByteCount(range.upperBound - range.lowerBound))
  }

  /// As a half-open range of byte numbers.
  public var bounds: Range<Int64> { offset.bytes..<(offset.bytes + max(0, length.bytes)) }
  /// `32,768…34,815`: first and last byte.
  public var description: String {
    length.bytes < 1 ? "\(offset.exact) (empty)" : "\(offset.exact)…\(ByteCount(bounds.upperBound - 1).exact)"
  }
}

/// Where the bytes of an image come from; reads may be short only at the end.
package protocol ByteSource: Sendable {
  /// All bytes there are.
  var size: Int64 { get }
  /// Reads exactly `count` bytes, all of which lie inside `size`.
  /// - Throws: `Errno`.
  func read(at offset: Int64, count: Int) throws -> [UInt8]
}

/// Bounds-checked reading at any offset of an image file or a block device; never moves a file position.
public final class DiskImageReader: Sendable {
  /// What is read, for messages.
  public let path: FilePath
  /// Whether it is a block device: a stick or a disc, which may be larger than the image on it.
  public let isBlockDevice: Bool
  /// How many bytes may be read.
  public let size: ByteCount
  private let source: any ByteSource

  /// Opens a regular file or a block device for reading.
  /// - Throws: `OperationFailure` naming the path.
  public convenience init(_ path: FilePath) throws {
    let source = try OperationFailure.wrap("open", path) { try OpenedFile(path) }
    self.init(path: path, source: source, isBlockDevice: source.isBlockDevice)
  }

  /// Reads from any source; the path is for messages only.
  package init(path: FilePath, source: any ByteSource, isBlockDevice: Bool = false, size: Int64? = nil) {
    self.path = path
    self.source = source
    self.isBlockDevice = isBlockDevice
    self.size = ByteCount(min(size ?? source.size, source.size))
  }

  /// The same bytes, seen only up to a size: the image on a larger stick.
  package func limited(to size: Int64) -> DiskImageReader {
    DiskImageReader(path: path, source: source, isBlockDevice: isBlockDevice, size: size)
  }

  /// Reads exactly `count` bytes.
  /// - Throws: `ISOReader.Failure.outsideImage` when they are not all there, `OperationFailure` when the kernel fails.
  public func bytes(at offset: Int64, count: Int) throws -> [UInt8] {
    guard offset >= 0, count >= 0, offset <= size.bytes, Int64(count) <= size.bytes - offset else {
      throw ISOReader.Failure.outsideImage(path: path, offset: ByteCount(offset), size: size)
    }
    return try OperationFailure.wrap("read", path) { try source.read(at: offset, count: count) }
  }

  /// Reads what there is of `count` bytes; nothing when the offset lies outside.
  func available(at offset: Int64, count: Int) throws -> [UInt8] {
    guard offset >= 0, offset < size.bytes, count > 0 else { return [] }
    return try bytes(at: offset, count: Int(min(Int64(count), size.bytes - offset)))
  }
}

/// An open descriptor of a regular file or block device, read by `pread`.
package struct OpenedFile: ByteSource {
  package let size: Int64
  let isBlockDevice: Bool
  private let handle: Handle

  package init(_ path: FilePath) throws {
    try self.init(FileDescriptor.open(path, .readOnly, options: .closeOnExec), closes: true)
  }

  /// Borrows a descriptor that its owner keeps open longer than this value lives.
  package init(borrowing descriptor: FileDescriptor) throws { try self.init(descriptor, closes: false) }

  private init(_ descriptor: FileDescriptor, closes: Bool) throws {
    handle = Handle(descriptor: descriptor, closes: closes)
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: isBlockDevice = false
    case S_IFBLK: isBlockDevice = true
    case S_IFDIR: throw Errno.isDirectory
    default: throw Errno.invalidArgument
    }
    size = isBlockDevice ? try descriptor.seek(offset: 0, from: .end) : Int64(status.st_size)
    posix_fadvise(descriptor.rawValue, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  package func read(at offset: Int64, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
        let got = try handle.descriptor.read(fromAbsoluteOffset: offset + Int64(filled), into: rest)
        // The file shrank while it was read: as bad as a bad sector.
        guard got > 0 else { throw Errno.ioError }
        filled += got
      }
    }
  }

  private final class Handle: Sendable {
    let descriptor: FileDescriptor
    let closes: Bool
    init(descriptor: FileDescriptor, closes: Bool) {
      self.descriptor = descriptor
      self.closes = closes
    }
    deinit { if closes { try? descriptor.close() } }
  }
}

/// An image in memory.
package struct MemoryBytes: ByteSource {
  private let bytes: [UInt8]
  /// Serves these bytes.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package var size: Int64 { Int64(bytes.count) }
  package func read(at offset: Int64, count: Int) throws -> [UInt8] {
    Array(bytes[Int(offset)..<(Int(offset) + count)])
  }
}
