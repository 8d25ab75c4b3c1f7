// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import SystemPackage

/// The initrd of a start from the network: the medium's own, and behind it a small archive that says what to fetch and
/// what it has to be. The kernel unpacks one after the other (Linux, Documentation/driver-api/early-userspace/
/// buffer-format.rst).
struct NetworkInitrd {
  /// A layer as the second stage sees it.
  struct Layer {
    var name: String
    var size: ByteCount
    var digest: Digest
    var object: String
    var tree: Tree
  }

  /// A layer's hash tree.
  struct Tree {
    var root: Digest
    var size: ByteCount
    var digest: Digest
    var object: String
  }

  var servers: [String]
  var image: String
  /// Where the layers belong: `lifeboat/ID/ARCHITECTURE`.
  var folder: String
  /// Bottom first.
  var layers: [Layer]
  /// Files for the top folder of what takes the medium's place: its record and the signature over it.
  var mediumFiles: [(name: String, bytes: [UInt8])]
  /// Seconds since 1970 that the archive's files are stamped with.
  var timestamp: Int64

  /// `/etc/lifeboat/boot`: a line for each, for `read` of a shell.
  var list: String {
    (servers.map { "server \($0)" } + ["image \(image)", "path \(folder)"]
      + layers.map { "layer \($0.name) \($0.size.bytes) \($0.digest) \($0.object)" }
      + layers.map { "verity \($0.name) \($0.tree.root) \($0.tree.size.bytes) \($0.tree.digest) \($0.tree.object)" })
      .map { $0 + "\n" }.joined()
  }

  /// The archive, uncompressed, in the format that the kernel reads (cpio's `newc`). The same values give the same bytes.
  /// - Throws: `OperationFailure`; `ExternalCommand.Failure` without cpio.
  func archive(scratch: FilePath) async throws -> [UInt8] {
    let files = mediumFiles.map { (path: "etc/lifeboat/medium/\($0.name)", bytes: $0.bytes) }
    return try await SmallArchive(files: [("etc/lifeboat/boot", Array(list.utf8))] + files, timestamp: timestamp)
      .bytes(scratch: scratch)
  }

  /// Writes the whole initrd to a new file.
  /// - Parameter base: hands out the medium's initrd piece by piece.
  /// - Throws: as `archive(scratch:)`, and what `base` throws.
  func write(
    to target: FilePath, scratch: FilePath, base: @Sendable ((_ piece: [UInt8]) throws -> Void) throws -> Void
  ) async throws {
    let archive = try await archive(scratch: scratch)
    try AtomicFile.create(at: target) { descriptor, _ in
      var count = 0
      func write(_ bytes: [UInt8]) throws {
        count += bytes.count
        try OperationFailure.wrap("write", target) { _ = try descriptor.writeAll(bytes) }
      }
      try base(write)
      // Each archive begins at a multiple of four bytes.
      try write([UInt8](repeating: 0, count: (4 - count % 4) % 4))
      try write(archive)
    }
  }
}
