// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// One sequential pass over a medium that feeds every byte to the digest that answers for it.
///
/// While a chunk is read, the one before it is hashed on two lanes: whole files and the seal on one, the 1 MiB pieces
/// of large files on the other.
struct MediumSweep {
  /// A content's digest as a whole and of its pieces.
  struct ContentDigests: Equatable {
    var whole: Digest
    var pieces: [Digest] = []
  }

  /// One for each `SealedClass`.
  private(set) var sealed: [Digest] = []
  /// By the content's index in the layout.
  private(set) var contents: [Int: ContentDigests] = [:]
  /// Blocks that the drive could not read; they counted as zeros.
  private(set) var unreadable: [Range<Int64>] = []

  static let chunk: Int64 = 4 << 20
  /// The record's pieces.
  static let piece: Int64 = 1 << 20
  static let step = "verify"

  /// - Parameter inPieces: the contents that the record has pieces of.
  /// - Throws: `OperationFailure`, `CancellationError`.
  init(_ map: MediumMap, inPieces: Set<Int>, image: DiskImageReader, progress: ProgressEvent.Handler) async throws {
    let total = map.layout.size
    let scattered = Set(map.layout.contents.indices.filter { !Self.isInOrder(map.layout.contents[$0].extents) })
    let wholes = HashLane(map.segments, contents: Set(map.layout.contents.indices).subtracting(scattered), piece: nil)
    let pieces = HashLane(map.segments, contents: inPieces.subtracting(scattered), piece: Self.piece)
    progress(.started(step: Self.step, total: ByteCount(total)))
    var offset: Int64 = 0
    var current = try Self.read(image, at: 0, total: total)
    while offset < total {
      try Task.checkCancellation()
      let (bytes, start) = (current.bytes, offset)
      let following = offset + Int64(bytes.count)
      async let next = Self.read(image, at: following, total: total)
      async let first: Void = wholes.take(bytes, at: start)
      async let second: Void = pieces.take(bytes, at: start)
      _ = await (first, second)
      unreadable += current.unreadable
      current = try await next
      offset = following
      progress(.advanced(step: Self.step, done: ByteCount(offset), total: ByteCount(total)))
    }
    sealed = await wholes.finishSeal()
    let wholeDigests = await wholes.finish()
    let pieceDigests = await pieces.finish()
    for (index, digests) in wholeDigests {
      contents[index] = ContentDigests(whole: digests.first ?? Digest(of: []), pieces: pieceDigests[index] ?? [])
    }
    for index in scattered { contents[index] = try Self.digests(of: map.layout.contents[index].extents, image) }
    progress(.finished(step: Self.step, produced: nil))
  }

  private static func isInOrder(_ extents: [Range<Int64>]) -> Bool {
    zip(extents, extents.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
  }

  /// Digests of extents that the pass could not take in order.
  static func digests(of extents: [Range<Int64>], _ image: DiskImageReader) throws -> ContentDigests {
    var whole = PieceHasher(piece: nil)
    var pieces = PieceHasher(piece: piece)
    for extent in extents {
      for start in stride(from: extent.lowerBound, to: extent.upperBound, by: 1 << 20) {
        let bytes = try image.bytes(at: start, count: Int(min(extent.upperBound - start, 1 << 20)))
        whole.update(bytes[...])
        pieces.update(bytes[...])
      }
    }
    return ContentDigests(whole: whole.finish().first ?? Digest(of: []), pieces: pieces.finish())
  }

  private static func read(_ image: DiskImageReader, at offset: Int64, total: Int64) throws -> Chunk {
    let count = Int(min(chunk, total - offset))
    guard count > 0 else { return Chunk(bytes: [], unreadable: []) }
    do {
      return Chunk(bytes: try image.bytes(at: offset, count: count), unreadable: [])
    } catch let failure as OperationFailure where failure.errno == .ioError {
      return try salvage(image, offset..<offset + Int64(count))
    }
  }

  private struct Chunk: Sendable {
    var bytes: [UInt8]
    var unreadable: [Range<Int64>]
  }

  /// Reads a chunk that has bad sectors: in halves, down to single blocks. Each may take a drive many seconds.
  /// - Throws: `CancellationError`.
  private static func salvage(_ image: DiskImageReader, _ range: Range<Int64>) throws -> Chunk {
    try Task.checkCancellation()
    if let bytes = try? image.bytes(at: range.lowerBound, count: range.count) {
      return Chunk(bytes: bytes, unreadable: [])
    }
    guard range.count > 2048 else {
      return Chunk(bytes: [UInt8](repeating: 0, count: range.count), unreadable: [range])
    }
    let middle = range.lowerBound + (Int64(range.count) / 2 + 2047) / 2048 * 2048
    let low = try salvage(image, range.lowerBound..<middle)
    let high = try salvage(image, middle..<range.upperBound)
    return Chunk(bytes: low.bytes + high.bytes, unreadable: low.unreadable + high.unreadable)
  }
}

/// Hashes the passing bytes of one kind of digest; two lanes run at the same time.
actor HashLane {
  private let segments: [MediumMap.Segment]
  private let wanted: Set<Int>
  private let piece: Int64?
  private var index = 0
  private var current: (content: Int, hasher: PieceHasher)?
  private var done: [Int: [Digest]] = [:]
  /// Only the lane of whole files feeds the seal.
  private var seal = SealHasher()

  init(_ segments: [MediumMap.Segment], contents: Set<Int>, piece: Int64?) {
    self.segments = segments
    wanted = contents
    self.piece = piece
  }

  /// Takes the next chunk of the medium.
  func take(_ bytes: [UInt8], at offset: Int64) {
    guard piece == nil || !wanted.isEmpty else { return }
    let chunk = offset..<offset + Int64(bytes.count)
    while index < segments.count, segments[index].range.lowerBound < chunk.upperBound {
      let segment = segments[index]
      let part = segment.range.clamped(to: chunk)
      let slice = bytes[Int(part.lowerBound - offset)..<Int(part.upperBound - offset)]
      if piece == nil {
        if part.lowerBound == segment.range.lowerBound { seal.begin(segment) }
        seal.update(segment.owner, slice)
      }
      switch segment.owner {
      case .content(let content, _): update(content, slice)
      case .patched(let content, _): update(content, [UInt8](repeating: 0, count: slice.count)[...])
      case .sealed, .sealField: break
      }
      guard segment.range.upperBound <= chunk.upperBound else { return }
      index += 1
    }
  }

  private func update(_ content: Int, _ bytes: ArraySlice<UInt8>) {
    guard wanted.contains(content) else { return }
    if current?.content != content {
      close()
      current = (content, PieceHasher(piece: piece))
    }
    current?.hasher.update(bytes)
  }

  private func close() {
    guard let (content, hasher) = current else { return }
    done[content] = hasher.finish()
    current = nil
  }

  /// The digests of all classes.
  func finishSeal() -> [Digest] { seal.finish() }

  /// The digests by content.
  func finish() -> [Int: [Digest]] {
    close()
    return done
  }
}

/// Digests of the consecutive pieces of a content, or one digest of all of it.
struct PieceHasher {
  private let piece: Int64
  private var left: Int64
  private var hasher = Digest.Hasher()
  private var done: [Digest] = []
  private var isEmpty = true

  /// - Parameter piece: bytes of a piece, or nil for one digest of the whole.
  init(piece: Int64?) {
    self.piece = piece ?? .max
    left = self.piece
  }

  mutating func update(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while !rest.isEmpty {
      let part = rest.prefix(Int(min(Int64(rest.count), left)))
      part.withUnsafeBytes { hasher.update($0) }
      isEmpty = false
      left -= Int64(part.count)
      rest = rest.dropFirst(part.count)
      if left == 0 {
        done.append(hasher.finish())
        (hasher, left, isEmpty) = (Digest.Hasher(), piece, true)
      }
    }
  }

  func finish() -> [Digest] { isEmpty ? done : done + [hasher.finish()] }
}
