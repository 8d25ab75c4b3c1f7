// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import CISOBurn
@preconcurrency internal import Glibc
internal import HostSystem

/// libisofs's `burn_source`: the finished image as a stream that a thread of libisofs fills through a ring buffer.
final class IsofsImageSource {
  private let handle: UnsafeMutablePointer<burn_source>
  private let image: IsofsImage
  private let options: IsofsWriteOptions
  private var remaining: Int

  /// The exact size of the image.
  let size: ByteCount

  /// Lays the image out and starts to produce it.
  init(_ image: IsofsImage, _ options: IsofsWriteOptions) throws {
    self.image = image
    self.options = options
    var source: UnsafeMutablePointer<burn_source>?
    try IsofsLibrary.check(iso_image_create_burn_source(image.handle, options.handle, &source), "lay out the image")
    guard let source else { throw ISOImage.Failure.library("lay out the image") }
    handle = source
    remaining = Int(source.pointee.get_size(source))
    size = ByteCount(remaining)
  }

  // Stops the thread of libisofs and waits for it.
  deinit {
    _ = handle.pointee.cancel(handle)
    burn_source_free(handle)
  }

  /// Where the content of files begins.
  func contentStart() throws -> ByteCount {
    var block: UInt32 = 0
    try IsofsLibrary.check(iso_write_opts_get_data_start(options.handle, &block, 0), "lay out the image")
    return ByteCount(Int64(block) * 2048)
  }

  /// Fills the buffer, or what of it the rest of the image takes, in pieces of at most `piece` bytes.
  ///
  /// It asks for a piece only once that is there: then the thread that fills the ring buffer never finds a waiting
  /// reader that it would have to wake, which costs a system call for each block of 2 KiB. And it never asks for more
  /// than there is, for at the end of the image libisofs answers 0 and throws the rest away.
  /// - Parameter interrupt: called while waiting; throws to give up.
  func read(into buffer: UnsafeMutableRawBufferPointer, piece: Int, interrupt: () throws -> Void) throws -> Int {
    var filled = 0
    while filled < buffer.count, remaining > 0 {
      let wanted = min(piece, remaining, buffer.count - filled)
      try interrupt()
      try wait(for: wanted, interrupt)
      let target = buffer.baseAddress.map { ($0 + filled).assumingMemoryBound(to: UInt8.self) }
      guard let read = handle.pointee.read_xt, read(handle, target, Int32(wanted)) == wanted else { throw Ended() }
      filled += wanted
      remaining -= wanted
    }
    return filled
  }

  private func wait(for wanted: Int, _ interrupt: () throws -> Void) throws {
    var pause: useconds_t = 100
    while true {
      var capacity = 0
      var free = 0
      let state = iso_ring_buffer_get_status(handle, &capacity, &free)
      if capacity - free >= wanted { return }
      // 1: still being filled. Anything else: no more will come.
      guard state == 1 else { throw Ended() }
      usleep(pause)
      pause = min(pause + pause / 8, 5000)
      try interrupt()
    }
  }

  /// The image ended before its time; why is told by the sources, the partition or the library's messages.
  struct Ended: Error {}
}
