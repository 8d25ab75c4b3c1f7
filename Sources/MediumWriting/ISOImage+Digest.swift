// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension ISOImage {
  /// The SHA-256 of a whole image.
  ///
  /// It is no by-product of writing: the seal in the volume descriptor near the image's beginning depends on all that
  /// follows, and SHA-256 runs from front to back. One sequential pass costs what `openssl dgst` takes.
  /// - Parameters:
  ///   - path: the image.
  ///   - progress: steps are named `digest NAME`.
  /// - Throws: `OperationFailure`, or `CancellationError`.
  public static func digest(of path: FilePath, progress: ProgressEvent.Handler? = nil) async throws -> Digest {
    let step = "digest \(path.lastComponent?.string ?? path.string)"
    let result = try await BlockingThread.reading.run { isCancelled in
      try OperationFailure.wrap("read", path) {
        let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        return try descriptor.closeAfter {
          let total = ByteCount(try descriptor.seek(offset: 0, from: .end))
          try descriptor.seek(offset: 0, from: .start)
          progress?(.started(step: step, total: total))
          return try hash(descriptor, isCancelled) { progress?(.advanced(step: step, done: $0, total: total)) }
        }
      }
    }
    progress?(.finished(step: step, produced: nil))
    return result
  }

  private static func hash(
    _ descriptor: FileDescriptor, _ isCancelled: () -> Bool, _ advanced: (ByteCount) -> Void
  ) throws -> Digest {
    var hasher = Digest.Hasher()
    var done = ByteCount.zero
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    while case let count = try descriptor.read(into: buffer), count > 0 {
      if isCancelled() { throw CancellationError() }
      hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      done += ByteCount(count)
      if done.bytes % (16 << 20) == 0 { advanced(done) }
    }
    return hasher.finish()
  }
}
