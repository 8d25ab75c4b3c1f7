// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NetworkBootProtocol

/// The blocks of a file that a transfer has in memory: two pieces of it, the one that is being sent and the next.
struct TFTPBlocks {
  private let file: OpenObject
  private let transfer: TFTPTransfer
  /// How many blocks a piece has: two windows at least, and 32 KiB.
  private let count: Int
  private var pieces: [Int: ByteBuffer] = [:]
  private var loading: Set<Int> = []

  /// A piece that has to be read.
  struct Load: Sendable {
    let index: Int
    let read: @Sendable () throws -> ByteBuffer
  }

  init(of transfer: TFTPTransfer, _ file: OpenObject) {
    self.file = file
    self.transfer = transfer
    count = max(2 * transfer.window, (32 << 10) / transfer.blockSize, 1)
  }

  private func piece(of block: Int) -> Int { (block - 1) / count }

  /// Whether blocks can be sent at once.
  func has(_ range: ClosedRange<Int>) -> Bool {
    (piece(of: range.lowerBound)...piece(of: range.upperBound)).allSatisfy { pieces[$0] != nil || bytes($0).isEmpty }
  }

  /// Whether the piece after a block's own is there, or is no more needed.
  func has(next block: Int) -> Bool {
    let next = piece(of: block) + 1
    return pieces[next] != nil || loading.contains(next) || bytes(next).isEmpty
  }

  /// The bytes of the file that a piece has.
  private func bytes(_ index: Int) -> Range<Int> {
    let size = count * transfer.blockSize
    return min(index * size, transfer.size)..<min((index + 1) * size, transfer.size)
  }

  /// The first piece from a block on that is neither there nor on its way; nil if there is nothing to read.
  mutating func load(from block: Int) -> Load? {
    let first = piece(of: block)
    guard let index = (first...first + 1).first(where: { pieces[$0] == nil && !bytes($0).isEmpty }),
      loading.insert(index).inserted
    else { return nil }
    let range = bytes(index)
    return Load(index: index) { [file] in try file.bytes(at: range.lowerBound, count: range.count) }
  }

  /// Keeps what was read, and lets go of what lies before.
  mutating func take(_ bytes: ByteBuffer, _ load: Load) {
    loading.remove(load.index)
    pieces[load.index] = bytes
    for index in pieces.keys where index < load.index - 1 { pieces[index] = nil }
  }

  /// It could not be read.
  mutating func forget(_ load: Load) { loading.remove(load.index) }

  /// Adds a block's bytes to a packet.
  func write(_ block: Int, to buffer: inout ByteBuffer) {
    let range = transfer.range(of: block)
    guard !range.isEmpty, let piece = pieces[piece(of: block)] else { return }
    let start = range.lowerBound - bytes(self.piece(of: block)).lowerBound
    guard let slice = piece.getSlice(at: start, length: range.count) else { return }
    buffer.writeImmutableBuffer(slice)
  }
}
