// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import SystemPackage

/// One image on its way from tree to file; lives on the thread of libisofs.
final class WriteSession {
  private let tree: BootTree
  private let path: FilePath
  private let options: ISOImage.WriteOptions
  private let checked: CheckedTree
  private let progress: ProgressEvent.Handler
  private let isCancelled: () -> Bool
  private let step: String

  /// What goes to the file in one write. Large enough for any drive's best speed, small enough for the cache.
  private static let pieceSize = 1 << 20

  /// Judges tree and destination; touches nothing.
  init(
    tree: BootTree, path: FilePath, options: ISOImage.WriteOptions, progress: @escaping ProgressEvent.Handler,
    isCancelled: @escaping () -> Bool
  ) throws {
    let isPrintable = options.application.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    guard isPrintable, (1...128).contains(options.application.utf8.count) else {
      throw ISOImage.Failure.tree(.application(options.application))
    }
    self.tree = tree
    self.path = path
    self.options = options
    self.progress = progress
    self.isCancelled = isCancelled
    step = "write \(path.lastComponent?.string ?? path.string)"
    checked = try CheckedTree(tree)
    try Self.checkTarget(path)
  }

  /// Writes the image.
  func run(finish: ISOImage.Finish?) throws -> ISOImage.Written {
    try IsofsLibrary.start()
    let partition = try tree.efiSystemPartition.map { try PartitionFile($0) }
    let image = try IsofsImage(tree, checked, application: options.application)
    let layout = try IsofsWriteOptions(tree)
    let source = try namingCulprits(image, partition) { try IsofsImageSource(image, layout) }
    progress(.started(step: step, total: source.size))
    let written = try AtomicFile.create(at: path, permissions: options.permissions) { descriptor, _ in
      var file = ImageFile(descriptor, at: path, size: source.size)
      try file.checkSpace()
      if options.unbuffered { try file.bypassCache() }
      try namingCulprits(image, partition) { try copy(source, to: &file) }
      try partition?.confirmUnchanged()
      try file.useCache()
      try finish?(descriptor, source.size)
      try interrupt()
      return ISOImage.Written(
        path: path, size: source.size, contentStart: try source.contentStart(), files: checked.fileCount,
        notes: checked.notes + remarks())
    }
    progress(.finished(step: step, produced: written.size))
    return written
  }

  private func copy(_ source: IsofsImageSource, to file: inout ImageFile) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: ImageFile.alignment)
    defer { buffer.deallocate() }
    var reported: Int64 = 0
    while case let count = try source.read(into: buffer, piece: 1 << 18, interrupt: interrupt), count > 0 {
      try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      guard file.written - reported >= 16 << 20 else { continue }
      reported = file.written
      progress(.advanced(step: step, done: ByteCount(reported), total: source.size))
    }
  }

  private func interrupt() throws {
    if isCancelled() { throw CancellationError() }
  }

  /// When libisofs gives up, the sources know which of them it was; the error is about that one.
  private func namingCulprits<Result>(
    _ image: IsofsImage, _ partition: PartitionFile?, _ body: () throws -> Result
  ) throws -> Result {
    do {
      let result = try body()
      if let failure = image.sources.failure(among: checked.nodes) { throw failure }
      return result
    } catch is IsofsImageSource.Ended {
      if let failure = image.sources.failure(among: checked.nodes) { throw failure }
      try partition?.confirmUnchanged()
      throw ISOImage.Failure.library(
        (["the image ended before its time"] + IsofsLibrary.messages().map(\.text)).joined(separator: "; "))
    } catch let error as ISOImage.Failure {
      throw image.sources.failure(among: checked.nodes) ?? error
    }
  }

  /// What libisofs remarked, less what is no news: Joliet has no symbolic links, and the tree's own checks speak of
  /// names already.
  private func remarks() -> [ISOImage.Note] {
    IsofsLibrary.messages().filter { $0.code & 0xffff != 0xff75 }.map { .library($0.text) }
  }

  /// A file may be replaced; a folder, a drive or a pipe may not. What cannot be seen will fail when it is created.
  private static func checkTarget(_ path: FilePath) throws {
    guard let kind = try? FileStatus(path, followingLinks: false).kind else { return }
    guard kind == .file || kind == .symbolicLink else { throw ISOImage.Failure.target(path, .notAFile) }
  }
}
