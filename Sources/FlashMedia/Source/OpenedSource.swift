// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import MediumReading
public import SystemPackage

/// An image whose form is known: what will be read, and what it will be compared with.
public struct OpenedSource: Sendable {
  /// The file.
  public let image: FilePath
  /// How it is packed.
  public let format: FlashSource.Format
  /// Bytes of the image on a drive; nil where a compressed file does not tell before its end.
  public let size: ByteCount?
  /// The least that a drive must have: `size`, or what the image's own tables ask for.
  public var least: ByteCount? { size ?? declared.map { ByteCount($0.bytes) } }
  /// The logical blocks that the image's tables count in; nil for one without any.
  public var tableBlockSize: Int? { declared?.blockSize }
  /// Bytes that are neither holes nor unmapped; nil where that is unknown.
  public var data: ByteCount? {
    pieces.map { ByteCount($0.reduce(0) { $0 + ($1.kind == .data ? $1.range.upperBound - $1.range.lowerBound : 0) }) }
  }
  /// The block map that is used.
  public var blockMap: FilePath? { promise.map?.file }
  /// The checksum file that is used.
  public private(set) var checksum: FilePath?

  /// The plan, where the layout is known beforehand.
  let pieces: [Piece]?
  let promise: SourceCheck.Promise
  /// A digest of the compressed file itself, which is checked beside the reading.
  private(set) var packed: Digest?
  /// What the image's tables say.
  let declared: DeclaredSize?
  private let decoding: ImageContent.Decoding

  init(_ source: FlashSource) async throws {
    image = source.image
    if source.address != nil { throw FlashMediaFailure.source(source.image, .address) }
    let file = try Self.openFile(source.image)
    defer { try? file.close() }
    let content = try await ImageContent.of(source.image)
    (format, decoding, declared) = (content.format, content.decoding, DeclaredSize(head: content.head))
    var promise = SourceCheck.Promise()
    promise.map = try Self.blockMap(source, format)
    if let found = try Self.checksum(source, format) {
      checksum = found.file
      if found.isOfPackedFile { packed = found.digest } else { promise.whole = (found.digest, found.file) }
    }
    self.promise = promise
    let fileSize = FileStamp(file).size
    let own: Int64? =
      if format == .raw { fileSize } else if let noted = content.notedSize { noted } else {
        try await Self.measure(format, source.image)
      }
    if let map = promise.map?.map, let own, own != map.imageSize {
      throw FlashMediaFailure.source(
        source.image,
        own < map.imageSize
          ? .truncated(at: ByteCount(own), expected: ByteCount(map.imageSize))
          : .tooLong(expected: ByteCount(map.imageSize)))
    }
    let total = own ?? promise.map?.map.imageSize
    size = total.map { ByteCount($0) }
    if let declared, let total, total < declared.bytes {
      throw FlashMediaFailure.source(
        source.image, .cut(at: ByteCount(total), ByteCount(declared.bytes), by: declared.by))
    }
    if let map = promise.map?.map {
      pieces = PiecePlan.pieces(size: map.imageSize, data: map.mapped.map(\.range))
    } else if format == .raw {
      pieces = PiecePlan.pieces(size: fileSize, data: file.dataRanges(size: fileSize))
    } else {
      pieces = nil
    }
  }

  /// An image of which these pieces alone are moved; what lies between them stays on the drive as it is.
  init(_ image: FilePath, size: ByteCount, pieces: [Piece]) {
    self.image = image
    self.size = size
    self.pieces = pieces
    format = .raw
    promise = SourceCheck.Promise()
    declared = nil
    decoding = .none
  }

  /// Bytes of the image that are moved, written or set to zero; nil where only its end will tell.
  var moved: Int64? {
    pieces.map { $0.reduce(0) { $0 + $1.range.upperBound - $1.range.lowerBound } } ?? size?.bytes
  }

  /// A reader of its own, for one thread.
  func makeReader() throws(FlashMediaFailure.SourceProblem) -> any PieceReader {
    try decoding.reader(image)
  }

  private static func openFile(_ path: FilePath) throws -> FileDescriptor {
    let file: FileDescriptor
    do {
      file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
    } catch let error as Errno { throw FlashMediaFailure.source(path, .unreadable(error)) }
    let stamp = FileStamp(file)
    guard stamp.isRegular, stamp.size > 0 else {
      try? file.close()
      throw FlashMediaFailure.source(path, .notAFile)
    }
    return file
  }

  private static func measure(_ format: FlashSource.Format, _ path: FilePath) async throws -> Int64? {
    guard let command = format.measure(path) else { return nil }
    do { return format.size(try await command.text()) } catch ExternalCommand.Failure.failed(_, _, let lines) {
      throw FlashMediaFailure.source(path, .decoder(lines.last ?? "\(command.program) failed"))
    }
  }

  private static func find(
    _ companion: FlashSource.Companion, _ source: FlashSource, _ format: FlashSource.Format, suffix: String
  ) throws -> (file: FilePath, bytes: [UInt8])? {
    func read(_ path: FilePath) throws -> (FilePath, [UInt8]) {
      guard FileTree.status(of: path)?.size ?? 0 <= BlockMap.largestFile else {
        throw FlashMediaFailure.source(source.image, .companion(path, "is too large to be one"))
      }
      do { return (path, try FileTree.bytes(of: path)) } catch let failure as OperationFailure {
        throw FlashMediaFailure.source(source.image, .companion(path, "cannot be read: \(failure.errno)"))
      }
    }
    switch companion {
    case .none: return nil
    case .file(let path): return try read(path)
    case .beside:
      let places = format.companions(of: source.image, suffix: suffix)
      return try places.first { FileTree.kind(of: $0) != nil && $0 != source.image }.map(read)
    }
  }

  private static func blockMap(_ source: FlashSource, _ format: FlashSource.Format) throws -> (
    map: BlockMap, file: FilePath
  )? {
    guard let (file, bytes) = try find(source.blockMap, source, format, suffix: ".bmap") else { return nil }
    do { return (try BlockMap(bytes), file) } catch {
      throw FlashMediaFailure.source(source.image, .companion(file, error.text))
    }
  }

  private static func checksum(_ source: FlashSource, _ format: FlashSource.Format) throws -> (
    digest: Digest, file: FilePath, isOfPackedFile: Bool
  )? {
    guard let (file, bytes) = try find(source.checksum, source, format, suffix: ".sha256") else { return nil }
    // A sum without a name stands for the file whose name it extends.
    var names = format.names(of: source.image)
    if let own = file.lastComponent?.string.dropLast(".sha256".count), names.contains(String(own)) {
      names = [String(own)] + names.filter { $0 != String(own) }
    }
    guard let (name, digest) = ChecksumFile.digest(String(decoding: bytes, as: UTF8.self), for: names) else {
      throw FlashMediaFailure.source(
        source.image, .companion(file, "has no SHA-256 line for \(names.joined(separator: " or "))"))
    }
    return (digest, file, format != .raw && name == source.image.lastComponent?.string)
  }
}

extension BlockMap.Problem {
  var text: String {
    switch self {
    case .syntax(let line, let reason): "is not a block map: line \(line) is not as bmaptool writes it: \(reason)"
    case .missing(let name): "is not a block map: it has no \(name)"
    case .badNumber(let name): "has no sensible \(name)"
    case .version(let version): "is a block map of version \(version); 1.x and 2.x are known"
    case .checksumType(let type): "has checksums of type \(type); only sha256 is checked"
    case .ranges: "has ranges out of order or outside the image"
    case .checksum: "is damaged: its own SHA-256 differs"
    }
  }
}
