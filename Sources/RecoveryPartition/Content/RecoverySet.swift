// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
internal import BootAssembly
internal import BootSite
package import HostSystem
internal import Signing
package import SystemPackage

/// What one slot holds: all that a verified medium has for starting its systems.
package struct RecoverySet: Sendable {
  private let medium: PublishedMedium

  /// Reads and verifies a medium.
  /// - Parameter key: a public key that must have signed it; nil accepts any.
  /// - Throws: `Site.Failure`, `MediumVerification.Failure`, `ISOReader.Failure`, `OperationFailure`.
  package init(_ path: FilePath, key: FilePath?, progress: ProgressEvent.Handler) async throws {
    medium = try await PublishedMedium(path, key: key, progress: progress)
  }

  /// Reads and verifies a medium, which the key of an installed recovery must have signed.
  /// - Throws: `RecoveryPartitionFailure.otherKey`; as the other one.
  package init(_ path: FilePath, installedKey: [UInt8], progress: @escaping ProgressEvent.Handler) async throws {
    self = try await StagedVolume.withFolder { folder in
      let key = folder.appending("key.pub")
      try AtomicFile.write(installedKey, to: key)
      do { return try await RecoverySet(path, key: key, progress: progress) } catch Site.Failure.mediumNotSigned(
        _, let reason)
      {
        throw RecoveryPartitionFailure.otherKey(reason: reason)
      }
    }
  }

  /// 16 hexadecimal digits.
  package var identifier: String { medium.record.identifier }
  /// The image's name and title.
  package var image: String { medium.record.image }
  package var title: String { medium.record.title }
  /// Seconds since 1970 that the medium is stamped with.
  package var timestamp: Int64 { medium.record.timestamp }
  /// Whether there is a signature, by whomever.
  var isSigned: Bool { medium.signatureBytes != nil }

  /// Whether a text can be a set's name.
  static func isIdentifier(_ text: String) -> Bool { text.wholeMatch(of: /[0-9a-f]{16}/) != nil }

  /// A file on the partition.
  struct File: Sendable {
    var path: String
    var size: ByteCount
    var digest: Digest
    var origin: Origin

    enum Origin: Sendable {
      /// A file of the medium.
      case medium(String)
      case bytes([UInt8])
    }

    init(_ path: String, _ bytes: [UInt8]) {
      self.path = path
      (size, digest, origin) = (ByteCount(bytes.count), Digest(of: bytes), .bytes(bytes))
    }

    init(_ path: String, of file: MediumRecord.File) {
      (self.path, size, digest, origin) = (path, file.size, file.sha256, .medium(file.path))
    }
  }

  /// The folder of a set.
  static func folder(_ identifier: String) -> String { "lifeboat/\(identifier)" }
  /// Where layers, kernels and initrds lie, named by their digests; those that sets share lie there once.
  static let layerFolder = "lifeboat/layers"

  /// Layers, kernels, initrds, the record and its signature, the menu, and for each architecture the list that the
  /// initrd compares with.
  func files(startedFrom place: PartitionMenu.Place) throws -> [File] {
    let folder = Self.folder(identifier)
    var files = [File("\(folder)/\(MediumRecord.path)", medium.recordBytes)]
    if let signature = medium.signatureBytes {
      files.append(File("\(folder)/\(MediumRecord.signaturePath)", signature))
    }
    var systems: [String: PartitionMenu.Files] = [:]
    for variant in medium.record.variants {
      let own = "\(folder)/\(variant.architecture)"
      let kernel = try shared(variant.kernel, "vmlinuz")
      let initrd = try shared(variant.initrd, "initrd")
      systems[variant.architecture] = .init(kernel: kernel.path, initrd: initrd.path)
      let layers = try variant.layers.map { path in
        (name: medium.name(ofLayer: path), file: try shared(path, "squashfs"))
      }
      let list = SlotList(kernel: kernel, initrd: initrd, layers: layers)
      files += [kernel, initrd, File("\(own)/\(SlotList.name)", Array(list.text.utf8))]
      files += layers.map(\.file)
    }
    files.append(File("\(folder)/\(PartitionMenu.name)", Array(menu(systems, startedFrom: place).utf8)))
    var seen: Set<String> = []
    return files.filter { seen.insert($0.path).inserted }
  }

  private func shared(_ path: String, _ kind: String) throws -> File {
    let file = try medium.file(path)
    return File("\(Self.layerFolder)/\(file.sha256).\(kind)", of: file)
  }

  private func menu(_ systems: [String: PartitionMenu.Files], startedFrom place: PartitionMenu.Place) -> String {
    PartitionMenu(title: title, identifier: identifier, systems: systems, settings: medium.settings, place: place).text
  }

  /// Theme and font of the menus.
  var look: [File] {
    medium.record.files.filter { file in
      NetworkBootDisk.lookFolders.contains { file.path.hasPrefix($0) }
    }.map { File($0.path, of: $0) }
  }

  /// Takes a file's bytes off the medium, and compares them.
  /// - Throws: `Site.Failure`, `OperationFailure`, `ISOReader.Failure`.
  func write(_ file: File, to target: FilePath) throws {
    try AtomicFile.create(at: target) { descriptor, _ in
      var hasher = Digest.Hasher()
      func put(_ piece: [UInt8]) throws {
        hasher.update(piece)
        try OperationFailure.wrap("write", target) { _ = try descriptor.writeAll(piece) }
      }
      switch file.origin {
      case .bytes(let bytes): try put(bytes)
      case .medium(let name): try medium.read(name, put)
      }
      guard hasher.finish() == file.digest else { throw medium.changed }
    }
  }

  /// The largest file of a slot.
  var largestFile: ByteCount {
    let names = medium.record.variants.flatMap { [$0.kernel, $0.initrd] + $0.layers }
    return medium.record.files.filter { names.contains($0.path) }.map(\.size).max() ?? .zero
  }

  /// Refuses a medium whose initial RAM file systems cannot start from a partition.
  /// - Throws: `RecoveryPartitionFailure.cannotStart`.
  func requirePartitionStart() async throws {
    for variant in medium.record.variants {
      let file = try medium.file(variant.initrd)
      try await StagedVolume.withFolder(needing: file.size) { folder in
        let initrd = folder.appending("initrd")
        try write(File("initrd", of: file), to: initrd)
        guard try await InitrdContent.names(of: initrd).contains(where: InitrdContent.startsFromPartition) else {
          throw RecoveryPartitionFailure.cannotStart(image: image)
        }
      }
    }
  }

  /// What the loaders take at most.
  var systemPartitionSize: ByteCount { medium.record.efiSystemPartition?.size ?? .zero }

  /// The medium's EFI system partition as a file.
  func writeSystemPartition(to target: FilePath) throws { try medium.writeSystemPartition(to: target) }

  /// What all of it takes on a partition with clusters of 4 KiB.
  func room(_ files: [File]) -> ByteCount {
    let cluster = Int64(StagedVolume.clusterSize)
    return files.reduce(.zero) { $0 + ByteCount(($1.size.bytes + cluster - 1) / cluster * cluster) }
  }
}
