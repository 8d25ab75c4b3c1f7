// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import MediumWriting
internal import Signing
internal import SystemPackage

/// Turns the media of one image into the objects of a set.
struct ImageObjects {
  let store: ObjectStore
  /// A folder on the file system of the store.
  let scratch: FilePath
  let servers: [String]
  /// What the set before holds, by name, as far as it is to be relied upon.
  var known: [String: SetIndex.Object] = [:]
  let progress: ProgressEvent.Handler

  /// What an image has become.
  struct Result {
    var image: SetIndex.Image
    var objects: [SetIndex.Object]
    /// Bytes that were not in the store before.
    var added: ByteCount
  }

  static let plain = "application/octet-stream"
  /// What firmware takes for a RAM disk: UEFI 2.10, section 24.7.6.
  static let ramDisk = "application/vnd.efi-iso"

  /// - Parameter systems: one for each architecture of the image, in the order of preference.
  /// - Throws: `Site.Failure`, `OperationFailure`, `ExternalCommand.Failure`, `ISOImage.Failure`, `CancellationError`.
  func make(_ systems: [(medium: PublishedMedium, variant: MediumRecord.Variant)]) async throws -> Result? {
    guard let lead = systems.first?.medium else { return nil }
    let name = lead.record.image
    var result = Result(
      image: SetIndex.Image(name: name, title: lead.record.title, media: [:], entries: [:]), objects: [], added: .zero)
    var starts: [NetworkBootDisk.System] = []
    for (medium, variant) in systems {
      let step = "publish \(name) \(variant.architecture)"
      progress(.started(step: step, total: nil))
      let start = try await add(variant, of: medium, to: &result)
      starts.append(start)
      progress(.finished(step: step, produced: nil))
    }
    let disk = scratch.appending("\(name).iso")
    let partition = scratch.appending("efi.img")
    try lead.writeSystemPartition(to: partition)
    let start = try NetworkBootDisk(
      image: name, title: lead.record.title, timestamp: systems.map(\.medium.record.timestamp).max() ?? 0,
      settings: lead.settings, systems: starts, marker: lead.record.identifier, efiSystemPartition: partition,
      look: lead.look())
    _ = try await ISOImage.write(try start.tree(), to: disk, progress: progress)
    let object = "boot/\(name).iso"
    try adopt(disk, as: object, type: Self.ramDisk, into: &result)
    result.image.entries["uefi-http"] = object
    try addScript(of: start, to: &result)
    try await addPXELoaders(of: start, from: systems.map(\.medium), to: &result)
    return result
  }

  /// Layers, kernel and initrd of one architecture.
  private func add(
    _ variant: MediumRecord.Variant, of medium: PublishedMedium, to result: inout Result
  ) async throws -> NetworkBootDisk.System {
    let (record, folder) = (medium.record, medium.folder(variant))
    let prefix = "boot/\(record.image)/\(variant.architecture)"
    var layers: [NetworkInitrd.Layer] = []
    for path in variant.layers { layers.append(try await add(layer: path, of: medium, to: &result)) }
    try copy(variant.kernel, of: medium, as: "\(prefix)/vmlinuz", into: &result)

    let files =
      [(MediumRecord.path, medium.recordBytes)]
      + (medium.signatureBytes.map { [(MediumRecord.signaturePath, $0)] } ?? [])
    let initrd = NetworkInitrd(
      servers: servers, image: record.image, folder: folder, layers: layers, mediumFiles: files,
      timestamp: record.timestamp)
    let target = scratch.appending("initrd.img")
    let expected = try medium.file(variant.initrd).sha256
    try await initrd.write(to: target, scratch: scratch) { write in
      var hasher = Digest.Hasher()
      try medium.read(variant.initrd) {
        hasher.update($0)
        try write($0)
      }
      guard hasher.finish() == expected else { throw medium.changed }
    }
    let start = try adopt(target, as: "\(prefix)/initrd.img", type: Self.plain, into: &result)
    result.image.media[variant.architecture] = SetIndex.Medium(
      identifier: record.identifier, release: record.release, kernel: "\(prefix)/vmlinuz",
      initrd: "\(prefix)/initrd.img",
      arguments: NetworkBootDisk.kernelArguments(
        medium.settings, architecture: variant.architecture, identifier: record.identifier),
      layers: layers.map(\.object), trees: layers.map(\.tree.object))
    return NetworkBootDisk.System(
      architecture: variant.architecture, identifier: record.identifier,
      kernel: store.path(try medium.file(variant.kernel).sha256), initrd: store.path(start))
  }

  /// A layer and its hash tree.
  private func add(
    layer path: String, of medium: PublishedMedium, to result: inout Result
  ) async throws -> NetworkInitrd.Layer {
    let file = try medium.file(path)
    guard file.size.bytes > 0, file.size.bytes.isMultiple(of: HashTree.block) else {
      throw Site.Failure.mediumUnsuitable(medium.path, reason: "\(path) ends within a block")
    }
    let names = ["squashfs", "verity"].map { "layers/\(file.sha256).\($0)" }
    try copy(path, of: medium, as: names[0], into: &result)
    let (root, tree) = try await tree(of: file.sha256, size: file.size, as: names[1], into: &result)
    result.objects.append(tree)
    return NetworkInitrd.Layer(
      name: medium.name(ofLayer: path), size: file.size, digest: file.sha256, object: names[0],
      tree: .init(root: root, size: tree.size, digest: tree.digest, object: names[1]))
  }

  /// A stored layer's hash tree: the stored one, since a layer has one alone, or a new one.
  private func tree(
    of layer: Digest, size: ByteCount, as name: String, into result: inout Result
  ) async throws -> (root: Digest, object: SetIndex.Object) {
    let isOneBlock = size.bytes == HashTree.block
    if let old = known[name], (old.size == .zero) == isOneBlock, store.holds(old.digest, size: old.size) {
      let top = store.path(isOneBlock ? layer : old.digest)
      return (try HashTree(at: top, digest: layer).root, old)
    }
    let file = scratch.appending("tree")
    let root = try await HashTree.write(of: store.path(layer), digest: layer, to: file).root
    let (digest, size, isNew) = try store.adopt(file)
    if isNew { result.added += size }
    return (root, .init(name: name, size: size, digest: digest, type: Self.plain))
  }

  /// A file of the medium as it is.
  private func copy(
    _ path: String, of medium: PublishedMedium, as name: String, into result: inout Result
  ) throws {
    let file = try medium.file(path)
    do {
      let isNew = try store.put(file.sha256, size: file.size) { try medium.read(path, $0) }
      if isNew { result.added += file.size }
    } catch is ObjectStore.Mismatch {
      throw medium.changed
    }
    result.objects.append(.init(name: name, size: file.size, digest: file.sha256, type: Self.plain))
  }

  @discardableResult func adopt(
    _ file: FilePath, as name: String, type: String, into result: inout Result
  ) throws -> Digest {
    let (digest, size, isNew) = try store.adopt(file)
    if isNew { result.added += size }
    result.objects.append(.init(name: name, size: size, digest: digest, type: type))
    return digest
  }
}
