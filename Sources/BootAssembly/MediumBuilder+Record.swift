// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
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
      bootCode: Digest(of: mbr.prefix(MediumRecord.bootCodeLength)))
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

extension MediumRecord.BootImage {
  /// Describes GRUB's El Torito image, of which the ISO writer fills in two places: the boot information table that
  /// mkisofs invented (bytes 8 to 63), and GRUB's own copy of the image's block address (bytes 2548 to 2555).
  init(path: String, patched bytes: [UInt8]) {
    let ranges = [[8, 56], [2548, 8]]
    self.init(
      path: path, size: ByteCount(bytes.count), sha256: Digest(of: Self.mask(bytes, ranges)), masked: ranges)
  }

  /// The bytes with the ranges (pairs of offset and length) read as zero; what lies outside the bytes, or makes
  /// no sense, is left out.
  public static func mask(_ bytes: [UInt8], _ ranges: [[Int]]) -> [UInt8] {
    var bytes = bytes
    for range in ranges where range.count == 2 && range[0] >= 0 && range[1] > 0 && range[0] < bytes.count {
      for index in range[0]..<(range[0] + min(range[1], bytes.count - range[0])) { bytes[index] = 0 }
    }
    return bytes
  }
}
