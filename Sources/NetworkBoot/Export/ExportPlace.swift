// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The folder of an export: absent, empty, or an earlier export as it was written; everything else is somebody's.
struct ExportPlace: Sendable {
  /// Its absolute path.
  let folder: FilePath
  private let exists: Bool

  /// Looks at what is there.
  /// - Throws: `NetworkBootFailure.export`; `OperationFailure` where there can be no folder.
  init(_ wanted: FilePath) throws {
    let parent = wanted.lexicallyNormalized().removingLastComponent()
    guard let name = wanted.lexicallyNormalized().lastComponent, name.kind == .regular,
      let above = FileTree.resolved(parent.isEmpty ? "." : parent)
    else { throw OperationFailure("create", wanted, .noSuchFileOrDirectory) }
    folder = above.appending(name)
    exists = FileTree.kind(of: folder) != nil
    guard exists else { return }
    guard FileTree.kind(of: folder) == .folder else { throw OperationFailure("create", folder, .notDirectory) }
    let foreign = Self.foreign(in: folder)
    guard foreign.isEmpty else { throw NetworkBootFailure.export(.folderTaken(folder, names: foreign)) }
  }

  /// What no export wrote, or what was changed since.
  private static func foreign(in folder: FilePath) -> [String] {
    let files = FileTree.walk(folder).filter { FileTree.kind(of: folder.appending($0)) != .folder }
    let path = folder.appending(ExportManifest.name)
    guard FileTree.kind(of: path) == .file, let bytes = try? FileTree.bytes(of: path),
      let manifest = ExportManifest(decoding: bytes)
    else { return files }
    let digests = Dictionary(manifest.files.map { ($0.name, $0.digest) }) { first, _ in first }
    let objects = Set(manifest.objects.map(\.file))
    return files.filter { name in
      if name == ExportManifest.name || objects.contains(name) { return false }
      return digests[name] == nil || digests[name] != (try? Digest(ofFile: folder.appending(name)))
    }
  }

  /// Lets `write` fill a new folder, which then takes the place. Nothing is left of it if that fails.
  /// - Throws: what `write` throws; `OperationFailure`.
  func fill(_ write: (_ draft: FilePath) throws -> Void) throws {
    let random = String(UInt32.random(in: 0 ... .max), radix: 36)
    let draft = folder.removingLastComponent().appending(".\(folder.lastComponent?.string ?? "").\(random).new")
    defer { FileTree.remove(draft) }
    try FileTree.makeFolder(draft)
    try write(draft)
    // Servers run as users of their own, whatever the umask was here.
    for name in [""] + FileTree.walk(draft) {
      let path = name.isEmpty ? draft : draft.appending(name)
      if FileTree.kind(of: path) == .folder { try FileTree.setPermissions(path, 0o755) }
    }
    try FileTree.synchronise(draft)
    try OperationFailure.wrap("rename", folder) {
      // What is exchanged for the draft is removed in its place.
      if exists { try AtomicFile.exchange(draft, folder) } else { try AtomicFile.move(draft, to: folder) }
    }
  }
}
