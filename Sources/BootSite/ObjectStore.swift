// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Files by their SHA-256: written once, never changed, shared by all sets.
struct ObjectStore: Sendable {
  /// `SITE/objects`.
  var folder: FilePath

  /// Where an object lies.
  func path(_ digest: Digest) -> FilePath { folder.appending(String(digest.hex.prefix(2))).appending(digest.hex) }

  /// Whether an object is there, byte for byte.
  func holds(_ digest: Digest, size: ByteCount) -> Bool {
    let path = path(digest)
    guard FileTree.kind(of: path) == .file, FileTree.status(of: path)?.size == size.bytes else { return false }
    return (try? Digest(ofFile: path)) == digest
  }

  /// Whether something of the right size is there, without reading it.
  func seemsToHold(_ digest: Digest, size: ByteCount) -> Bool {
    FileTree.kind(of: path(digest)) == .file && FileTree.status(of: path(digest))?.size == size.bytes
  }

  /// Stores what `produce` hands out piece by piece, unless it is there; a damaged one is replaced.
  /// - Returns: whether something was written.
  /// - Throws: what `produce` throws; `OperationFailure`; `Mismatch` where the pieces are something else.
  func put(
    _ digest: Digest, size: ByteCount, from produce: ((_ piece: [UInt8]) throws -> Void) throws -> Void
  ) throws -> Bool {
    guard !holds(digest, size: size) else { return false }
    let path = path(digest)
    try FileTree.makeFolder(path.removingLastComponent())
    try AtomicFile.create(at: path) { descriptor, _ in
      var hasher = Digest.Hasher()
      try produce { piece in
        hasher.update(piece)
        try OperationFailure.wrap("write", path) { _ = try descriptor.writeAll(piece) }
      }
      guard hasher.finish() == digest else { throw Mismatch() }
    }
    return true
  }

  /// Takes a finished file of the same file system into the store.
  /// - Returns: what it is, and whether it was not there before.
  /// - Throws: `OperationFailure`.
  func adopt(_ file: FilePath) throws -> (digest: Digest, size: ByteCount, isNew: Bool) {
    let digest = try OperationFailure.wrap("read", file) { try Digest(ofFile: file) }
    let size = ByteCount(FileTree.status(of: file)?.size ?? 0)
    guard !holds(digest, size: size) else {
      FileTree.remove(file)
      return (digest, size, false)
    }
    let path = path(digest)
    try FileTree.makeFolder(path.removingLastComponent())
    try FileTree.setPermissions(file, 0o644)
    try FileTree.synchronise(file)
    try OperationFailure.wrap("rename", path) { try AtomicFile.move(file, to: path) }
    return (digest, size, true)
  }

  /// Removes everything else, what a killed publisher left half-written among it.
  func keepOnly(_ digests: Set<Digest>) {
    for prefix in FileTree.names(in: folder) {
      let shelf = folder.appending(prefix)
      for name in FileTree.names(in: shelf) {
        if let digest = Digest(hex: name), digests.contains(digest), digest.hex == name { continue }
        FileTree.remove(shelf.appending(name))
      }
      if FileTree.names(in: shelf).isEmpty { FileTree.remove(shelf) }
    }
  }

  /// The pieces had another digest than they were to have.
  struct Mismatch: Error {}
}
