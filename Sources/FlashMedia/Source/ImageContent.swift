// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import MediumReading
internal import SystemPackage

/// What a file is, by its own bytes and by the first ones that come out of it; judged before any drive is opened.
struct ImageContent: Sendable {
  /// How the image is packed.
  let format: FlashSource.Format
  /// What unpacks it.
  let decoding: Decoding
  /// The image's first bytes, as they come to lie on a drive.
  let head: [UInt8]
  /// Bytes of the image, where an archive notes them.
  private(set) var notedSize: Int64?

  /// Ways to an image's bytes.
  enum Decoding: Sendable {
    case none
    case program(ExternalCommand)
    case library(FlashSource.Format, through: ExternalCommand?)

    func reader(_ path: FilePath) throws(FlashMediaFailure.SourceProblem) -> any PieceReader {
      switch self {
      case .none: try RawReader(path)
      case .program(let command): DecodedReader(command)
      case .library(let format, let program): ArchiveReader(path, format, through: program)
      }
    }
  }

  /// Looks at a file, on a thread of its own: a decoder is waited for.
  static func of(_ path: FilePath) async throws -> ImageContent {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try DedicatedThread.start { continuation.resume(with: Result { try ImageContent(path) }) }
      } catch {
        continuation.resume(throwing: FlashMediaFailure.source(path, .unreadable(.resourceTemporarilyUnavailable)))
      }
    }
  }

  /// - Throws: `FlashMediaFailure.source`, or `ExternalCommand.Failure.notInstalled`.
  private init(_ path: FilePath) throws {
    do {
      let file = try RawReader(path)
      let bytes = try Self.bytes(file, from: 0)
      let outer = FlashSource.Format(firstBytes: bytes)
      if outer == .raw {
        let tail = try Self.bytes(file, from: max(0, file.size - Int64(ForeignForm.tailSize)))
        if let form = ForeignForm(head: bytes, tail: tail) { throw FlashMediaFailure.SourceProblem.form(form) }
        (format, decoding, head) = (.raw, .none, bytes)
        return
      }
      let program = outer.decoder(path)
      if let program, !program.isInstalled {
        throw ExternalCommand.Failure.notInstalled(program: program.program, package: program.package)
      }
      var (format, decoding) = (outer, program.map(Decoding.program) ?? .library(outer, through: nil))
      var head = try Self.bytes(decoding.reader(path), from: 0)
      if !outer.isArchive, FlashSource.Format(firstBytes: head) == .tar {
        (format, decoding) = (.tar, .library(.tar, through: program))
        head = try Self.bytes(decoding.reader(path), from: 0)
      }
      if case .library(let inner, let program) = decoding, format.isArchive {
        notedSize = try ArchiveReader(path, inner, through: program).check()
      }
      let inner = FlashSource.Format(firstBytes: head)
      guard inner == .raw else { throw FlashMediaFailure.SourceProblem.packedTwice(inner) }
      if let form = ForeignForm(head: head, tail: []) { throw FlashMediaFailure.SourceProblem.form(form) }
      (self.format, self.decoding, self.head) = (format, decoding, head)
    } catch let problem as FlashMediaFailure.SourceProblem {
      throw FlashMediaFailure.source(path, problem)
    }
  }

  private static func bytes(_ reader: any PieceReader, from start: Int64) throws -> [UInt8] {
    let buffer = AlignedBuffer(count: DeclaredSize.reach)
    let count = try reader.read(start..<start + Int64(buffer.count), into: buffer)
    return buffer.bytes(0..<count)
  }
}
