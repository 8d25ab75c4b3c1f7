// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// Finds out what each firmware would start: El Torito's entries for a disc, boot code and partitions for a stick.
struct BootPathSearch {
  typealias BootPath = ISOInspection.BootPath

  let reader: ISOReader
  let loaders: LoaderSearch.Result

  func paths() -> [BootPath] {
    BootPath.Firmware.allCases.flatMap { firmware in
      BootPath.Attachment.allCases.map { path(firmware, $0) }
    }
  }

  private func path(_ firmware: BootPath.Firmware, _ from: BootPath.Attachment) -> BootPath {
    let found: (loader: String?, note: String?) =
      switch (firmware, from) {
      case (.bios, .disc): biosDisc()
      case (.bios, .stick): biosStick()
      case (.uefiX64, _): uefi("BOOTX64.EFI", from)
      case (.uefiIA32, _): uefi("BOOTIA32.EFI", from)
      case (.uefiARM64, _): uefi("BOOTAA64.EFI", from)
      }
    return BootPath(firmware: firmware, from: from, loader: found.loader, note: found.note)
  }

  private func biosDisc() -> (String?, String?) {
    guard let entry = reader.catalogue?.entries.first(where: { $0.platform == 0 && $0.isBootable }) else {
      return (nil, "no El Torito entry for BIOS")
    }
    guard isThere(entry.offset, max(entry.loadSize.bytes, 512)) else { return (nil, Self.cut) }
    return (name(at: entry.offset), entry.emulation == 0 ? nil : "by emulation of a drive")
  }

  private func biosStick() -> (String?, String?) {
    guard let record = reader.masterBootRecord, record.hasBootCode else { return (nil, "no boot code in the MBR") }
    if let offset = record.grubLoaderOffset {
      guard isThere(offset, 2048) else { return (nil, Self.cut) }
      return (name(at: offset), "through GRUB's boot code in the MBR")
    }
    return ("MBR", record.bootCode.map { "boot code of \($0)" } ?? "boot code of unknown origin")
  }

  private static let cut = "the image is truncated: its loader is not there"

  /// Whether bytes lie in the image, and those of the file that they begin.
  private func isThere(_ offset: ByteCount, _ count: Int64) -> Bool {
    let file = reader.tree.nodes.first { $0.kind == .file && $0.extents.first?.offset == offset }
    return max(offset.bytes + count, file?.extents.map(\.bounds.upperBound).max() ?? 0) <= reader.image.size.bytes
  }

  /// The file that starts at an offset, or the place itself.
  private func name(at offset: ByteCount) -> String {
    let file = reader.tree.nodes.first { $0.kind == .file && $0.extents.first?.offset == offset }
    return file.map { "/" + $0.path } ?? "the image at byte \(offset.exact)"
  }

  /// A removable medium is started by the file /EFI/BOOT/BOOT{machine}.EFI of its FAT (UEFI, 3.5.1.1).
  private func uefi(_ name: String, _ from: BootPath.Attachment) -> (String?, String?) {
    let offsets: [ByteCount]
    switch from {
    case .disc:
      offsets = (reader.catalogue?.entries ?? []).filter { $0.platform == 0xEF && $0.isBootable }.map(\.offset)
      guard !offsets.isEmpty else { return (nil, "no El Torito entry for UEFI") }
    case .stick:
      let isEFI = reader.partitionTable?.partitions.filter(\.isEFISystemPartition).map(\.range.offset) ?? []
      offsets = isEFI + (reader.masterBootRecord?.partitions.filter { $0.type == 0xEF }.map(\.range.offset) ?? [])
      guard !offsets.isEmpty else { return (nil, "no EFI system partition") }
    }
    var isUnknown = false
    var isCut = false
    for offset in offsets {
      guard isThere(offset, loaders.sizes[offset] ?? 512) else {
        isCut = true
        continue
      }
      guard let files = loaders.partitions[offset] else {
        isUnknown = true
        continue
      }
      if let file = files.first(where: { $0.path.uppercased() == "/EFI/BOOT/" + name }) { return (file.path, nil) }
    }
    if isCut { return (nil, Self.cut) }
    return (nil, isUnknown ? "unknown: \(loaders.obstacle ?? "its FAT cannot be read")" : "no /EFI/BOOT/\(name)")
  }
}
