// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import MediumReading
internal import SystemPackage

/// The one reader: reads the image from its start to its end, once, and puts the pieces into the window.
final class SourceReading: Sendable {
  private let source: OpenedSource
  private let exchange: Monitor<Exchange>

  private struct Ended: Error {}

  init(_ source: OpenedSource, _ exchange: Monitor<Exchange>) {
    self.source = source
    self.exchange = exchange
  }

  /// Works until the end of the image, a problem, or cancellation.
  func run() {
    do {
      let packed = try startPackedDigest()
      let reader = try source.makeReader()
      var check = SourceCheck(source.promise)
      if let pieces = source.pieces {
        try readPlanned(pieces, reader, &check)
      } else {
        try readStream(reader, &check)
      }
      try reader.finish()
      try check.finish()
      if let packed {
        guard packed.wait({ $0 }) == source.packed else {
          throw FlashMediaFailure.SourceProblem.digest(file: source.checksum ?? source.image)
        }
      }
      exchange.change { $0.isProven = true }
    } catch let problem as FlashMediaFailure.SourceProblem {
      exchange.change { $0.problem = problem }
    } catch {
      // Cancelled, or nobody is left to read for; anything else must not leave the targets waiting.
      exchange.change { if !$0.isCancelled, !$0.isOver { $0.problem = .decoder("\(error)") } }
    }
  }

  /// Where the whole layout is known.
  private func readPlanned(_ pieces: [Piece], _ reader: any PieceReader, _ check: inout SourceCheck) throws {
    // Holes of a file are zeros. Those of a block map are, if it is this image's map.
    let looksIntoHoles = check.wantsEverything || source.promise.map != nil
    let scratch = looksIntoHoles ? AlignedBuffer(count: PiecePlan.size) : nil
    for piece in pieces {
      guard piece.kind == .data else {
        if let scratch { try pass(piece.range, reader, &check, through: scratch) }
        try publish(PieceRecord(piece: piece, checksum: nil))
        continue
      }
      let buffer = try claim()
      let count = Int(piece.range.upperBound - piece.range.lowerBound)
      let got = try reader.read(piece.range, into: buffer)
      guard got == count else { throw truncated(piece.range.lowerBound + Int64(got)) }
      try accept(piece, buffer, count, &check)
    }
  }

  /// Where only the end will tell.
  private func readStream(_ reader: any PieceReader, _ check: inout SourceCheck) throws {
    var start: Int64 = 0
    while true {
      let buffer = try claim()
      let count = try reader.read(start..<start + Int64(PiecePlan.size), into: buffer)
      if count > 0 { try accept(Piece(start..<start + Int64(count), .data), buffer, count, &check) }
      start += Int64(count)
      guard count == PiecePlan.size else { break }
    }
    guard start > 0 else { throw FlashMediaFailure.SourceProblem.notAFile }
    if let declared = source.declared, start < declared.bytes {
      throw FlashMediaFailure.SourceProblem.cut(at: ByteCount(start), ByteCount(declared.bytes), by: declared.by)
    }
    if let size = source.size, size.bytes != start {
      throw start < size.bytes ? truncated(start) : FlashMediaFailure.SourceProblem.tooLong(expected: size)
    }
  }

  private func truncated(_ offset: Int64) -> FlashMediaFailure.SourceProblem {
    .truncated(at: ByteCount(offset), expected: source.size ?? ByteCount(offset))
  }

  /// Checks a piece that was read, and hands it out. Whole pieces of zeros in a stream become holes.
  private func accept(_ piece: Piece, _ buffer: AlignedBuffer, _ count: Int, _ check: inout SourceCheck) throws {
    try check.take(buffer, count: count, at: piece.range.lowerBound)
    buffer.clear(count..<min(buffer.count, (count + AlignedBuffer.alignment - 1) & ~(AlignedBuffer.alignment - 1)))
    if source.pieces == nil, piece.range.lowerBound > 0, buffer.isZero(0..<count) {
      try publish(PieceRecord(piece: Piece(piece.range, .zero), checksum: nil))
    } else {
      try publish(PieceRecord(piece: piece, checksum: buffer.checksum(count)), in: buffer)
    }
  }

  /// Reads a hole, which becomes zeros on every drive: it has to be of zeros, and counts for the image's digest.
  private func pass(
    _ range: Range<Int64>, _ reader: any PieceReader, _ check: inout SourceCheck, through scratch: AlignedBuffer
  ) throws {
    for start in stride(from: range.lowerBound, to: range.upperBound, by: scratch.count) {
      let part = start..<min(range.upperBound, start + Int64(scratch.count))
      guard exchange.read({ !$0.isCancelled && !$0.isOver }) else { throw Ended() }
      let got = try reader.read(part, into: scratch)
      guard got == Int(part.upperBound - start) else { throw truncated(start + Int64(got)) }
      guard scratch.isZero(0..<got) else {
        throw source.promise.map.map { FlashMediaFailure.SourceProblem.unmapped(FlashRange(part), file: $0.file) }
          ?? FlashMediaFailure.SourceProblem.changed
      }
      try check.take(scratch, count: got, at: start)
    }
  }

  /// The buffer for the next piece; waits for room in the window, and detaches those that hold everybody up.
  private func claim() throws -> AlignedBuffer {
    let place: Result<AlignedBuffer, Ended> = exchange.wait { exchange in
      if exchange.isCancelled || exchange.isOver { return .failure(Ended()) }
      if exchange.records.isEmpty { return .success(AlignedBuffer(count: PiecePlan.size)) }
      for laggard in exchange.window.laggards { exchange.window.detach(laggard) }
      guard exchange.window.hasRoom else { return nil }
      return .success(exchange.claim())
    }
    return try place.get()
  }

  private func publish(_ record: PieceRecord, in buffer: AlignedBuffer? = nil) throws {
    if buffer == nil { _ = try claim() }
    exchange.change { exchange in
      if exchange.records.isEmpty {
        exchange.head = buffer
        exchange.records.append(record)
      } else {
        exchange.publish(record)
      }
    }
  }

  /// A checksum file that names the compressed file is checked beside the decoder, which reads the same pages.
  private func startPackedDigest() throws -> Monitor<Digest?>? {
    guard source.packed != nil else { return nil }
    let result = Monitor<Digest?>(nil)
    let image = source.image
    try DedicatedThread.start {
      let digest = (try? Digest(ofFile: image)) ?? Digest(of: "")
      result.change { $0 = digest }
    }
    return result
  }
}
