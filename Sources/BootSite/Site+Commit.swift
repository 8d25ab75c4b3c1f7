// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import Signing
internal import SystemPackage

/// The moment in which a set becomes current, and what goes afterwards.
extension Site {
  /// Writes a set, makes it current, then removes what no kept set needs. The caller holds the lock.
  func commit(_ wanted: SetIndex, _ old: OpenedSet?, _ signing: Signing, keep: Int) async throws -> Publication {
    var index = wanted
    index.images.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    index.objects = try shared(by: index.images, from: index.objects) + index.objects
    index.objects = SetIndex.objects(of: index.images, from: index.objects)
    if let old, isSame(index, old, signing) {
      return Publication(
        number: old.index.number, isNew: false, index: old.index, added: .zero, lost: [], removedSets: [])
    }
    index.number = (numbers.last ?? 0) + 1
    try await write(index, signing)
    try letEverybodyRead()
    try makeCurrent(index.number)
    let removed = collect(keep: max(keep, 1))
    return Publication(
      number: index.number, isNew: true, index: index, added: .zero, lost: [], removedSets: removed)
  }

  /// What shim and the signed GRUB ask for under the same name, whichever image they belong to: GRUB's first menu, and,
  /// where the site's server names the boot file in option 67 alone, GRUB itself.
  private func shared(by images: [SetIndex.Image], from objects: [SetIndex.Object]) throws -> [SetIndex.Object] {
    let names = images.filter(\.hasPXELoaders).map(\.name)
    guard let first = names.first, var grub = objects.first(where: { $0.name == NetworkMenu.signedGRUB(of: first) })
    else { return [] }
    grub.name = NetworkMenu.bareGRUBName
    let bytes = Array(NetworkMenu.dispatcher(images: names).utf8)
    let (digest, size) = (Digest(of: bytes), ByteCount(Int64(bytes.count)))
    _ = try store.put(digest, size: size) { try $0(bytes) }
    return [grub, SetIndex.Object(name: NetworkMenu.dispatcherName, size: size, digest: digest, type: "text/plain")]
  }

  /// Whether the current set says all of this already.
  private func isSame(_ index: SetIndex, _ old: OpenedSet, _ signing: Signing) -> Bool {
    var numbered = index
    numbered.number = old.index.number
    let wantsSignature = if case .key = signing { true } else { false }
    return numbered == old.index && wantsSignature == (old.signedBy != nil)
  }

  /// A set appears whole, by one rename.
  private func write(_ index: SetIndex, _ signing: Signing) async throws {
    let bytes = try index.encoded()
    let draft = scratch.appending("set")
    FileTree.remove(draft)
    try FileTree.makeFolder(draft)
    try AtomicFile.write(bytes, to: draft.appending("index.json"))
    if case .key(let key) = signing {
      try AtomicFile.write(try await SiteKey.sign(bytes, with: key), to: draft.appending("index.json.sig"))
      if FileTree.kind(of: keyFile) == nil {
        try AtomicFile.write(Array((try await SiteKey.describe(key).publicKey + "\n").utf8), to: keyFile)
      }
    }
    try FileTree.makeFolder(setsFolder)
    let final = setsFolder.appending(String(index.number))
    try OperationFailure.wrap("rename", final) { try AtomicFile.move(draft, to: final) }
  }

  /// What is served is for everybody, and whoever serves it is another user, whatever the umask was here.
  private func letEverybodyRead() throws {
    for top in [store.folder, setsFolder, keyFile] {
      for path in [top] + FileTree.walk(top).map({ top.appending($0) }) {
        guard let status = FileTree.status(of: path) else { continue }
        let bits = status.permissions | (FileTree.kind(of: path) == .folder ? 0o555 : 0o444)
        if bits != status.permissions { try FileTree.setPermissions(path, bits) }
      }
    }
  }

  /// Whoever opens `current` finds the old set or the new one, never neither.
  func makeCurrent(_ number: Int) throws {
    let new = folder.appending(".current.new")
    try FileTree.makeLink(new, to: "sets/\(number)")
    try OperationFailure.wrap("rename", link) { try AtomicFile.move(new, to: link) }
  }

  /// Removes all but the newest sets and the current one, and objects that none of these names.
  private func collect(keep: Int) -> [Int] {
    let kept = Set(numbers.suffix(keep) + [currentNumber].compactMap { $0 })
    let removed = numbers.filter { !kept.contains($0) }
    for number in removed { FileTree.remove(setsFolder.appending(String(number))) }
    removeUnneededObjects()
    return removed
  }

  /// Removes objects that no set names. A set that cannot be read might need anything: then nothing goes, and a later
  /// publication tries again.
  func removeUnneededObjects() {
    var needed = Set<Digest>()
    for number in numbers {
      guard let bytes = try? FileTree.bytes(of: indexFile(number)), let index = try? SetIndex(decoding: bytes) else {
        return
      }
      needed.formUnion(index.objects.map(\.digest))
    }
    store.keepOnly(needed)
  }
}
