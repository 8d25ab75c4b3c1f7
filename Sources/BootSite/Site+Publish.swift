// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
public import HostSystem
internal import Signing
public import SystemPackage

extension Site {
  /// How a set is signed.
  public enum Signing: Sendable {
    /// With the site's private key, or its `.pub` where ssh-agent holds the private one. Media have to carry a
    /// signature by the same key.
    case key(FilePath)
    /// Not at all: whoever can write to the site, or answers in its place, decides what is started.
    case unsigned
  }

  /// What publishing has done.
  public struct Publication: Sendable, Encodable {
    /// The set that is current now.
    public var number: Int
    /// False where the current set holds the very same already.
    public var isNew: Bool
    /// What the set holds.
    public var index: SetIndex
    /// Bytes that were not in the site before.
    public var added: ByteCount
    /// Images that were replaced by others of the same name without one of their architectures: `tier1 x86`.
    public var lost: [String]
    /// Old sets that were removed.
    public var removedSets: [Int]
  }

  /// Publishes media: a new set becomes current when all of it is on the disk; until then nothing changes.
  ///
  /// Images replace those of the same name, the other images of the current set stay.
  /// - Parameters:
  ///   - media: ISO files, or folders that hold some.
  ///   - image: only media of this image, or nil.
  ///   - servers: where starting computers find the site; empty for those of the current set.
  ///   - keep: how many sets stay for a rollback, this one included.
  /// - Throws: `Failure`; `FileLock.Busy`; what `MediumVerification.verify` throws; `OperationFailure`;
  ///   `ExternalCommand.Failure`; `CancellationError`.
  public func publish(
    _ media: [FilePath], image: String? = nil, as signing: Signing, servers: [String] = [], keep: Int = 3,
    progress: @escaping ProgressEvent.Handler = { _ in }
  ) async throws -> Publication {
    let files = try Self.isoFiles(media)
    let checked = try servers.map { server throws(Failure) in try ServerAddress.checked(server) }
    return try await change(as: signing) { old in
      let servers = checked.isEmpty ? old?.index.servers ?? [] : checked
      guard !servers.isEmpty else { throw Failure.noServers }
      let groups = try await systems(of: files, image: image, signing, progress)
      let kept = old.map { old in old.index.images.filter { groups[$0.name] == nil } } ?? []
      try await check(kept, of: old, servers: servers, signing)
      var (images, objects, added) = (kept, old?.index.objects ?? [], ByteCount.zero)
      let maker = ImageObjects(
        store: store, scratch: scratch, servers: servers, known: Self.trusted(old, signing), progress: progress)
      for name in groups.keys.sorted() {
        guard let made = try await maker.make(groups[name] ?? []) else { continue }
        images.append(made.image)
        objects = made.objects + objects
        added += made.added
      }
      var publication = try await commit(
        SetIndex(number: 0, servers: servers, images: images, objects: objects), old, signing, keep: keep)
      publication.added = added
      publication.lost = Self.lost(old?.index, publication.index)
      return publication
    }
  }

  /// The objects of the set before by name; none where a signed set would take over what nobody has signed.
  private static func trusted(_ old: OpenedSet?, _ signing: Signing) -> [String: SetIndex.Object] {
    if case .key = signing, old?.signedBy == nil { return [:] }
    return Dictionary((old?.index.objects ?? []).map { ($0.name, $0) }) { first, _ in first }
  }

  /// Makes a set without one image.
  /// - Throws: `Failure`, `FileLock.Busy`, `OperationFailure`, `ExternalCommand.Failure`.
  public func retire(_ image: String, as signing: Signing, keep: Int = 3) async throws -> Publication {
    try await change(as: signing) { old in
      guard let old else { throw Failure.nothingPublished(folder) }
      let names = old.index.images.map(\.name)
      guard names.contains(image) else { throw Failure.noSuchImage(image, names: names) }
      let kept = old.index.images.filter { $0.name != image }
      guard !kept.isEmpty else { throw Failure.lastImage(image) }
      try await check(kept, of: old, servers: old.index.servers, signing)
      let index = SetIndex(number: 0, servers: old.index.servers, images: kept, objects: old.index.objects)
      return try await commit(index, old, signing, keep: keep)
    }
  }

  /// Makes the newest set before the current one current again.
  /// - Throws: `Failure`, `FileLock.Busy`, `OperationFailure`.
  public func rollBack() async throws -> OpenedSet {
    guard currentNumber != nil else { throw Failure.nothingPublished(folder) }
    let lock = try FileLock(folder.appending("lock"))
    defer { withExtendedLifetime(lock) {} }
    guard let number = currentNumber else { throw Failure.nothingPublished(folder) }
    guard let before = numbers.last(where: { $0 < number }) else { throw Failure.noOlderSet(number: number) }
    let opened = try await set(before)
    try checkObjects(of: opened.index.images, in: opened.index)
    try makeCurrent(before)
    return opened
  }

  // MARK: Steps

  var scratch: FilePath { folder.appending("work") }

  /// One publisher at a time; what an earlier one left behind when it was killed goes.
  private func change(
    as signing: Signing, _ body: (OpenedSet?) async throws -> Publication
  ) async throws -> Publication {
    let isNew = FileTree.kind(of: folder) == nil
    try FileTree.makeFolder(folder)
    // The permissions of a folder that was there are somebody's choice.
    if isNew { try FileTree.setPermissions(folder, 0o755) }
    let lock = try FileLock(folder.appending("lock"))
    defer { withExtendedLifetime(lock) {} }
    let old = currentNumber == nil ? nil : try await current()
    try await checkKey(signing)
    FileTree.remove(scratch)
    try FileTree.makeFolder(scratch)
    defer { FileTree.remove(scratch) }
    do { return try await body(old) } catch {
      // On a full disk this is what makes room again.
      removeUnneededObjects()
      throw error
    }
  }

  /// A signed site stays signed, and by one key.
  private func checkKey(_ signing: Signing) async throws {
    let isSigned = FileTree.kind(of: keyFile) != nil
    switch signing {
    case .unsigned: if isSigned { throw Failure.siteIsSigned(folder) }
    case .key(let path):
      let key = try await SiteKey.describe(path)
      guard isSigned else { return }
      let own = try await SiteKey.describe(keyFile)
      guard own.fingerprint == key.fingerprint else {
        throw Failure.otherKey(keyFile, fingerprint: key.fingerprint, expected: own.fingerprint)
      }
    }
  }

  /// Images that stay have to fit the new set.
  private func check(
    _ kept: [SetIndex.Image], of old: OpenedSet?, servers: [String], _ signing: Signing
  ) async throws {
    guard let old, !kept.isEmpty else { return }
    if case .key = signing, old.signedBy == nil { throw Failure.unsignedImagesKept(kept.map(\.name)) }
    guard servers == old.index.servers else { throw Failure.serversChanged(kept: kept.map(\.name)) }
    try checkObjects(of: kept, in: old.index)
  }

  private func checkObjects(of images: [SetIndex.Image], in index: SetIndex) throws {
    for object in SetIndex.objects(of: images, from: index.objects)
    where !store.holds(object.digest, size: object.size) {
      throw Failure.objectDamaged(name: object.name, store.path(object.digest))
    }
  }

  /// Verifies the media and sorts their systems by image.
  private func systems(
    of files: [FilePath], image: String?, _ signing: Signing, _ progress: @escaping ProgressEvent.Handler
  ) async throws -> [String: [(medium: PublishedMedium, variant: MediumRecord.Variant)]] {
    let key: FilePath? = if case .key(let path) = signing { path } else { nil }
    var found: [String: [(medium: PublishedMedium, variant: MediumRecord.Variant)]] = [:]
    for file in files {
      let medium = try await PublishedMedium(file, key: key, progress: progress)
      for variant in medium.record.variants {
        if let same = found[medium.record.image]?.first(where: { $0.variant.architecture == variant.architecture }) {
          throw Failure.sameVariant(
            image: medium.record.image, architecture: variant.architecture, same.medium.path, file)
        }
        found[medium.record.image, default: []].append((medium, variant))
      }
    }
    if let image {
      guard found[image] != nil else { throw Failure.noSuchImage(image, names: found.keys.sorted()) }
      found = found.filter { $0.key == image }
    }
    return found.mapValues { $0.sorted { $0.variant.architecture < $1.variant.architecture } }
  }

  /// Which architectures an image had and has no more.
  private static func lost(_ old: SetIndex?, _ new: SetIndex) -> [String] {
    (old?.images ?? []).flatMap { before in
      let now = new.images.first { $0.name == before.name }?.media ?? before.media
      return before.media.keys.filter { now[$0] == nil }.sorted().map { "\(before.name) \($0)" }
    }
  }

  /// The ISO files among paths, and in folders among them.
  private static func isoFiles(_ paths: [FilePath]) throws -> [FilePath] {
    guard !paths.isEmpty else { throw Failure.noMedia(nil) }
    return try paths.flatMap { path in
      guard FileTree.kind(of: FileTree.resolved(path) ?? path) == .folder else { return [path] }
      let names = FileTree.names(in: path).filter { $0.hasSuffix(".iso") && !$0.hasPrefix(".") }
      guard !names.isEmpty else { throw Failure.noMedia(path) }
      return names.map { path.appending($0) }
    }
  }
}
