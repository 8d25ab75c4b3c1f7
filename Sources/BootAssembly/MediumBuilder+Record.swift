// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
internal import Signing
internal import SystemPackage

/// What is said about a medium, and signed.
extension MediumBuilder {
  /// The record of a medium with these files.
  func record(
    _ systems: [SystemFiles], files: [MediumRecord.File], bootImage: FilePath,
    efiSystemPartition: MediumRecord.Whole, mbr: [UInt8]
  ) throws -> MediumRecord {
    let variants = systems.map { system in
      let folder = folder(system.architecture)
      return MediumRecord.Variant(
        architecture: system.architecture.rawValue, kernel: "\(folder)/vmlinuz", initrd: "\(folder)/initrd.img",
        layers: system.layers.map { "\(folder)/\($0.name)" })
    }
    let bootImage = MediumRecord.BootImage(path: Self.eltoritoPath, patched: try FileTree.bytes(of: bootImage))
    func present(_ names: [String]) -> [String]? { names.isEmpty ? nil : names }
    return MediumRecord(
      lifeboat: lifeboat, identifier: identifier, image: image.name, title: title, release: image.release,
      timestamp: timestamp, expires: image.expires, withoutSuites: present(withoutSuites),
      loadersWithoutSuites: present(loadersWithoutSuites), foreignArchives: present(foreignArchives),
      variants: variants, files: files, bootImages: [bootImage], efiSystemPartition: efiSystemPartition,
      bootCode: Digest(of: mbr.prefix(MediumRecord.bootCodeLength)), layout: MediumRecord.layoutToCome)
  }

  /// The record as a file, and the signature over that file's bytes where a key is given.
  func recordEntries(_ record: MediumRecord, signingKey: FilePath?) async throws -> [BootTree.Entry] {
    let bytes = try record.encoded()
    var entries = [BootTree.Entry(MediumRecord.path, .bytes(bytes))]
    if let signingKey {
      let signature = try await SiteKey.sign(bytes, with: signingKey)
      entries.append(BootTree.Entry(MediumRecord.signaturePath, .bytes(signature)))
    }
    return entries
  }
}
