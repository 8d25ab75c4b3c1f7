// SPDX-License-Identifier: GPL-3.0-or-later
internal import CArchive
internal import Glibc
internal import HostSystem
internal import SystemPackage

/// An image that libarchive unpacks: a compressed stream, or an archive's only file. Going back means starting anew.
///
/// libarchive does not compare gzip's own checksum, so `.tar.gz` comes through gzip's program, as `.tar.xz` and
/// `.tar.zst` come through theirs. Of all other formats here it
/// compares what they have; the old LZMA has none.
final class ArchiveReader: PieceReader {
  private let path: FilePath
  private let format: FlashSource.Format
  private let program: ExternalCommand?
  private let scratch = AlignedBuffer(count: 1 << 18)
  private var run: DecoderRun?
  private var archive: OpaquePointer?
  private var position: Int64 = 0
  private var fileSize: Int64 = 0

  private static let blockSize = 1 << 18

  /// Names a file; opens nothing.
  /// - Parameter program: what decompresses it before libarchive sees it.
  init(_ path: FilePath, _ format: FlashSource.Format, through program: ExternalCommand? = nil) {
    self.path = path
    self.format = format
    self.program = program
  }

  deinit { close() }

  private func close() {
    if let archive { archive_read_free(archive) }
    archive = nil
    run?.stop()
    run = nil
  }

  func read(_ range: Range<Int64>, into buffer: AlignedBuffer) throws(FlashMediaFailure.SourceProblem) -> Int {
    if range.lowerBound < position { close() }
    if archive == nil { try open() }
    while position < range.lowerBound {
      let count = Int(min(Int64(scratch.count), range.lowerBound - position))
      guard try take(count, into: scratch) == count else { return 0 }
    }
    return try take(Int(range.upperBound - range.lowerBound), into: buffer)
  }

  private func take(_ count: Int, into buffer: AlignedBuffer) throws(FlashMediaFailure.SourceProblem) -> Int {
    guard let archive else { return 0 }
    var done = 0
    while done < count {
      let got = buffer.fill(done..<count) { archive_read_data(archive, $0, $1) }
      guard got >= 0 else { throw problem() }
      guard got > 0 else { break }
      done += got
    }
    position += Int64(done)
    return done
  }

  func finish() throws(FlashMediaFailure.SourceProblem) {
    guard let archive else { return }
    guard try take(1, into: scratch) == 0 else { throw .tooLong(expected: ByteCount(position - 1)) }
    if format.isArchive {
      guard try nextFile() == nil else { throw .severalFiles }
    } else {
      let rest = fileSize - archive_filter_bytes(archive, -1)
      guard rest == 0 else { throw .decoder("\(ByteCount(rest).exact) bytes follow its end") }
    }
    guard let run else { return }
    // tar ends before its file does: the program is to say that all of it was right.
    while true {
      let more: Int
      do throws(Errno) { more = try scratch.read(0..<scratch.count, fromPipe: run.output) } catch {
        throw .unreadable(error)
      }
      if more < scratch.count { break }
    }
    try run.confirm()
  }

  /// Looks at an archive: counts its files, where that needs no unpacking.
  /// - Returns: bytes of its first file, where they are noted.
  func check() throws(FlashMediaFailure.SourceProblem) -> Int64? {
    let size = try open()
    defer { close() }
    let isQuick = program == nil && (format != .tar || FlashSource.Format(firstBytes: firstBytes()) == .tar)
    if isQuick, try nextFile() != nil { throw .severalFiles }
    return size >= 0 ? size : nil
  }

  private func firstBytes() -> [UInt8] {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return [] }
    defer { try? file.close() }
    return (try? scratch.read(0..<512, from: file, at: 0)).map { scratch.bytes(0..<$0) } ?? []
  }

  /// - Returns: bytes of the first file; -1 where they are not noted.
  @discardableResult
  private func open() throws(FlashMediaFailure.SourceProblem) -> Int64 {
    guard let archive = archive_read_new() else { throw .decoder("out of memory") }
    self.archive = archive
    position = 0
    fileSize = FileTree.status(of: path)?.size ?? 0
    for filter in [
      archive_read_support_filter_bzip2, archive_read_support_filter_lz4, archive_read_support_filter_lzma,
      archive_read_support_filter_lzip,
    ] { _ = filter(archive) }
    _ = format.support(archive)
    let result: Int32
    if let program {
      let run = try DecoderRun(program)
      self.run = run
      result = archive_read_open_fd(archive, run.output.rawValue, Self.blockSize)
    } else {
      result = archive_read_open_filename(archive, path.string, Self.blockSize)
    }
    guard result == ARCHIVE_OK else { throw problem() }
    guard let size = try nextFile() else { throw .decoder("there is no file in it") }
    return size
  }

  /// The size of the next regular file with anything in it, -1 where it is not noted; nil at the end.
  private func nextFile() throws(FlashMediaFailure.SourceProblem) -> Int64? {
    guard let archive else { return nil }
    while true {
      var entry: OpaquePointer?
      switch archive_read_next_header(archive, &entry) {
      case ARCHIVE_EOF: return nil
      case ARCHIVE_OK, ARCHIVE_WARN: break
      default: throw problem()
      }
      // A stream has one entry, of no size.
      guard format.isArchive else { return -1 }
      if archive_entry_is_encrypted(entry) != 0 { throw .decoder("it is encrypted") }
      guard archive_entry_filetype(entry) == S_IFREG, archive_entry_hardlink(entry) == nil else { continue }
      // What macOS adds for each file.
      if let name = archive_entry_pathname(entry), String(cString: name).hasPrefix("__MACOSX/") { continue }
      guard archive_entry_size_is_set(entry) != 0 else { return -1 }
      if archive_entry_size(entry) > 0 { return archive_entry_size(entry) }
    }
  }

  private func problem() -> FlashMediaFailure.SourceProblem {
    .decoder(archive.flatMap { archive_error_string($0) }.map { String(cString: $0) } ?? "libarchive failed")
  }
}

extension FlashSource.Format {
  /// Whether it holds files.
  var isArchive: Bool {
    switch self {
    case .zip, .sevenZip, .tar: true
    case .raw, .gzip, .xz, .zstd, .bzip2, .lz4, .lzma, .lzip: false
    }
  }

  /// Tells libarchive what to expect: nothing else is tried.
  fileprivate func support(_ archive: OpaquePointer) -> Int32 {
    switch self {
    case .zip: archive_read_support_format_zip(archive)
    case .sevenZip: archive_read_support_format_7zip(archive)
    case .tar: archive_read_support_format_tar(archive)
    case .raw, .gzip, .xz, .zstd, .bzip2, .lz4, .lzma, .lzip: archive_read_support_format_raw(archive)
    }
  }
}
