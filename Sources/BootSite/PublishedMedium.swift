// SPDX-License-Identifier: GPL-3.0-or-later
package import BootAssembly
package import HostSystem
internal import MediumReading
package import Signing
package import SystemPackage

/// A medium whose every byte was compared with its record, opened for taking out what the network needs of it.
package struct PublishedMedium: Sendable {
  package let settings: BootMenuSettings
  private let medium: VerifiedMedium

  package var path: FilePath { medium.path }
  package var record: MediumRecord { medium.record }
  package var recordBytes: [UInt8] { medium.recordBytes }
  package var signatureBytes: [UInt8]? { medium.signatureBytes }
  private var reader: ISOReader { medium.reader }

  /// Reads all of a medium and compares it; with a key the record's signature has to be by that key.
  /// - Throws: `Site.Failure`, `MediumVerification.Failure`, `ISOReader.Failure`, `OperationFailure`.
  package init(_ path: FilePath, key: FilePath?, progress: ProgressEvent.Handler) async throws {
    do {
      medium = try await VerifiedMedium(path, key: key, progress: progress)
    } catch MediumVerification.Failure.damaged(_, let findings) {
      throw Site.Failure.mediumDamaged(path, findings: findings)
    } catch MediumVerification.Failure.notSigned(_, let reason) {
      throw Site.Failure.mediumNotSigned(path, reason: reason)
    }
    // From here on nothing is read but what the record answers for, digest by digest: the file may have changed.
    let menu = try Self.content("boot/grub/grub.cfg", of: medium.record, medium.reader, path)
    guard let settings = BootMenuSettings(menu: String(decoding: menu, as: UTF8.self)) else {
      throw Site.Failure.mediumUnsuitable(path, reason: "this Lifeboat does not know its start menu")
    }
    self.settings = settings
    try check()
  }

  /// What becomes a name of an object, or a word in the list that a shell reads, must be harmless.
  private func check() throws(Site.Failure) {
    guard SetIndex.isImageName(record.image) else {
      throw .mediumUnsuitable(path, reason: "“\(record.image)” is not a valid image name")
    }
    guard record.identifier.wholeMatch(of: /[0-9a-f]{16}/) != nil, !record.variants.isEmpty else {
      throw .mediumUnsuitable(path, reason: "its record names no system, or has no identifier")
    }
    for variant in record.variants {
      let folder = folder(variant)
      guard ["x64", "x86"].contains(variant.architecture), variant.kernel == "\(folder)/vmlinuz",
        variant.initrd == "\(folder)/initrd.img", !variant.layers.isEmpty
      else { throw .mediumUnsuitable(path, reason: "its files are not where this version puts them") }
      for layer in variant.layers
      where layer != "\(folder)/\(name(ofLayer: layer))"
        || name(ofLayer: layer).wholeMatch(of: /[0-9]{2}-[A-Za-z0-9._-]+\.squashfs/) == nil
      {
        throw .mediumUnsuitable(path, reason: "“\(layer)” is not a valid layer name")
      }
    }
  }

  /// Where a system's files lie, on the medium and in memory after a start from the network.
  package func folder(_ variant: MediumRecord.Variant) -> String {
    "lifeboat/\(record.identifier)/\(variant.architecture)"
  }
  /// The last part of a layer's path.
  package func name(ofLayer path: String) -> String { FilePath(path).lastComponent?.string ?? "" }

  /// What the record says of a file.
  /// - Throws: `Site.Failure.mediumUnsuitable`.
  package func file(_ name: String) throws(Site.Failure) -> MediumRecord.File {
    guard let file = record.files.first(where: { $0.path == name }) else {
      throw .mediumUnsuitable(path, reason: "its record has no \(name)")
    }
    return file
  }

  /// Hands out the bytes of a file of the medium; whoever takes them compares them.
  package func read(_ name: String, _ take: ([UInt8]) throws -> Void) throws {
    guard let node = reader.tree.node(name), node.kind == .file else {
      throw Site.Failure.mediumUnsuitable(path, reason: "it has no \(name)")
    }
    for extent in node.extents { try read(extent.bounds, take) }
  }

  /// The EFI system partition as a file.
  /// - Throws: `Site.Failure`, `OperationFailure`, `ISOReader.Failure`.
  package func writeSystemPartition(to target: FilePath) throws {
    guard let whole = record.efiSystemPartition,
      let start = reader.partitionTable?.partitions.first(where: \.isEFISystemPartition)?.range.offset.bytes
    else { throw Site.Failure.mediumUnsuitable(path, reason: "it has no EFI system partition") }
    try AtomicFile.create(at: target) { descriptor, _ in
      var hasher = Digest.Hasher()
      try read(start..<start + whole.size.bytes) { piece in
        hasher.update(piece)
        try OperationFailure.wrap("write", target) { _ = try descriptor.writeAll(piece) }
      }
      guard hasher.finish() == whole.sha256 else { throw changed }
    }
  }

  /// Whether it carries what clients of PXE begin with; media of an older Lifeboat do not.
  var hasNetworkLoaders: Bool { record.files.contains { $0.path == NetworkLoaders.signedGRUB } }

  /// Writes the files of one folder of the medium, under their paths, below a folder of the host.
  /// - Throws: `Site.Failure`, `OperationFailure`, `ISOReader.Failure`.
  func extract(_ folder: String, to target: FilePath) throws {
    for file in record.files where file.path.hasPrefix(folder + "/") {
      // A path of the record that leads elsewhere is no relative one without `..`.
      guard let path = target.lexicallyResolving(FilePath(file.path)) else {
        throw Site.Failure.mediumUnsuitable(self.path, reason: "“\(file.path)” is not a valid path")
      }
      try FileTree.makeFolder(path.removingLastComponent())
      try AtomicFile.write(Self.content(file.path, of: record, reader, self.path), to: path)
    }
  }

  /// Theme and font of the menu.
  package func look() throws -> [BootTree.Entry] {
    try record.files.filter { file in NetworkBootDisk.lookFolders.contains { file.path.hasPrefix($0) } }.map {
      BootTree.Entry($0.path, .bytes(try Self.content($0.path, of: record, reader, path)))
    }
  }

  /// The file is not any more what was verified a moment ago.
  package var changed: Site.Failure { .mediumDamaged(path, findings: ["it changed while it was being read"]) }

  private func read(_ range: Range<Int64>, _ take: ([UInt8]) throws -> Void) throws {
    var offset = range.lowerBound
    while offset < range.upperBound {
      try Task.checkCancellation()
      let count = Int(min(1 << 20, range.upperBound - offset))
      try take(try reader.image.bytes(at: offset, count: count))
      offset += Int64(count)
    }
  }

  private static func content(
    _ name: String, of record: MediumRecord, _ reader: ISOReader, _ path: FilePath
  ) throws -> [UInt8] {
    let bytes = try reader.content(of: name)
    guard Digest(of: bytes) == record.files.first(where: { $0.path == name })?.sha256 else {
      throw Site.Failure.mediumDamaged(path, findings: ["\(name) is not what the record says"])
    }
    return bytes
  }
}
