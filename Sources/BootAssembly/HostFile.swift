// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Reading files of the host, with failures that name them.
enum HostFile {
  /// Calls `body` with one piece after another; all but the last have this size, and an empty file has none.
  /// - Throws: `OperationFailure`, or what `body` throws.
  static func pieces(of content: BootTree.Content, size: Int, _ body: ([UInt8]) throws -> Void) throws {
    switch content {
    case .folder, .symbolicLink: return
    case .bytes(let bytes):
      for start in stride(from: 0, to: bytes.count, by: size) {
        try body(Array(bytes[start..<min(start + size, bytes.count)]))
      }
    case .file(let path, _):
      let descriptor = try OperationFailure.wrap("open", path) {
        try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      }
      try descriptor.closeAfter {
        while case let bytes = try OperationFailure.wrap("read", path, { try fill(descriptor, size) }), !bytes.isEmpty {
          try body(bytes)
        }
      }
    }
  }

  /// The next bytes of a file: fewer than asked for only at its end.
  private static func fill(_ descriptor: FileDescriptor, _ size: Int) throws -> [UInt8] {
    try Array(unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let space = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
        let got = try descriptor.read(into: space)
        if got == 0 { break }
        count += got
      }
    }
  }

  /// The size of a file.
  /// - Throws: `OperationFailure`.
  static func size(_ path: FilePath) throws -> ByteCount {
    try OperationFailure.wrap("read", path) {
      let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      return try descriptor.closeAfter { ByteCount(try descriptor.seek(offset: 0, from: .end)) }
    }
  }
}
