// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
internal import HostSystem
internal import Signing
internal import SystemPackage

/// Digests of what goes on a medium, several files at a time, each read once.
enum MediumDigests {
  /// Files larger than this get a digest for each piece, so that damage can be located.
  static let piece = 1 << 20

  /// The digests of regular files, in the order of the entries; folders and links have none.
  /// - Throws: `OperationFailure` naming the file, or a file whose size is not the one that its entry promises.
  static func files(
    _ entries: [BootTree.Entry], progress: @escaping ProgressEvent.Handler
  ) async throws -> [MediumRecord.File] {
    let work = entries.filter { $0.size != nil }
    let meter = ProgressMeter(
      step: "digests", total: work.reduce(.zero) { $0 + ($1.size ?? .zero) }, handler: progress)
    meter.start()
    let width = max(ProcessInfo.processInfo.activeProcessorCount, 1)
    let found = try await withThrowingTaskGroup(of: (Int, MediumRecord.File).self) { group in
      var results = [MediumRecord.File?](repeating: nil, count: work.count)
      for (index, entry) in work.enumerated() {
        if index >= width, let (done, file) = try await group.next() { results[done] = file }
        group.addTask { (index, try digest(entry, meter)) }
      }
      for try await (done, file) in group { results[done] = file }
      return results.compactMap { $0 }
    }
    meter.finish()
    return found
  }

  /// The digests of a file that stands outside the file system.
  static func whole(_ path: FilePath) throws -> MediumRecord.Whole {
    let size = try HostFile.size(path)
    let file = try digest(BootTree.Entry("efi", .file(path, size)), nil)
    return MediumRecord.Whole(size: file.size, sha256: file.sha256, pieces: file.pieces)
  }

  /// `sha256sum -c` and live-boot read this; both take a path as it is, so it must have no line break and no
  /// backslash, which `MediumBuilder` makes sure of.
  static func list(_ files: [MediumRecord.File]) -> [UInt8] {
    Array(files.map { "\($0.sha256.hex)  \($0.path)\n" }.joined().utf8)
  }

  private static func digest(_ entry: BootTree.Entry, _ meter: ProgressMeter?) throws -> MediumRecord.File {
    var hasher = Digest.Hasher()
    var pieces: [Digest] = []
    var count = 0
    try HostFile.pieces(of: entry.content, size: piece) { bytes in
      hasher.update(bytes)
      pieces.append(Digest(of: bytes))
      count += bytes.count
      meter?.advance(bytes.count)
      try Task.checkCancellation()
    }
    let size = ByteCount(count)
    guard size == entry.size else {
      throw OperationFailure("read all of", FilePath(entry.path), .ioError)
    }
    return MediumRecord.File(
      path: entry.path, size: size, sha256: hasher.finish(), pieces: count > piece ? pieces : nil)
  }
}

extension BootTree.Entry {
  /// The size of a regular file, or nil.
  var size: ByteCount? {
    switch content {
    case .file(_, let size): size
    case .bytes(let bytes): ByteCount(bytes.count)
    case .folder, .symbolicLink: nil
    }
  }
}
