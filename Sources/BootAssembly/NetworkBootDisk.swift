// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
package import SystemPackage

/// The small disk that UEFI firmware loads from the network into memory and starts from (UEFI 2.10, section 24.7.6): a
/// medium's own EFI system partition, with a menu, kernels and initrds, but no layers.
///
///     firmware ─HTTP─▶ this disk in memory ─▶ shim ─▶ signed GRUB ─▶ boot/grub/grub.cfg ─▶ kernel, initrd ─HTTP─▶ layers
///
/// Medium and disk share the EFI system partition byte for byte, so the disk carries the marker of that medium.
package struct NetworkBootDisk: Sendable {
  /// What one architecture starts with.
  package struct System: Sendable {
    /// `x64` or `x86`.
    package var architecture: String
    /// The identifier of the medium that it came from.
    package var identifier: String
    /// The kernel.
    package var kernel: FilePath
    /// The initrd with the list of layers behind it.
    package var initrd: FilePath

    /// Names the files.
    package init(architecture: String, identifier: String, kernel: FilePath, initrd: FilePath) {
      (self.architecture, self.identifier, self.kernel, self.initrd) = (architecture, identifier, kernel, initrd)
    }
  }

  /// The image's name.
  package var image: String
  /// The image's title.
  package var title: String
  /// Seconds since 1970 that everything is stamped with.
  package var timestamp: Int64
  /// The medium's menu settings.
  package var settings: BootMenuSettings
  /// At least one; each architecture at most once.
  package var systems: [System]
  /// The identifier of the medium that the EFI system partition is from.
  package var marker: String
  /// That medium's EFI system partition.
  package var efiSystemPartition: FilePath
  /// That medium's theme and font.
  package var look: [BootTree.Entry]

  /// Describes a disk; nothing is read.
  package init(
    image: String, title: String, timestamp: Int64, settings: BootMenuSettings, systems: [System], marker: String,
    efiSystemPartition: FilePath, look: [BootTree.Entry]
  ) {
    (self.image, self.title, self.timestamp, self.settings) = (image, title, timestamp, settings)
    (self.systems, self.marker, self.efiSystemPartition) = (systems, marker, efiSystemPartition)
    self.look = look
  }

  /// The paths of a medium that make the look of its menu.
  package static let lookFolders = ["boot/grub/theme/", "boot/grub/fonts/"]

  /// The menu; its kernels get the medium's arguments and `lifeboat.boot=net`.
  package var menu: String { menu(isServed: false) }

  /// The same menu for a GRUB that loads each file from a server.
  package var servedMenu: String { menu(isServed: true) }

  private func menu(isServed: Bool) -> String {
    let identifiers = systems.compactMap { system in
      Architecture(rawValue: system.architecture).map { ($0, system.identifier) }
    }
    var menu = BootMenu(
      title: GrubText.line(title), identifier: marker, architectures: identifiers.map(\.0).sorted(),
      kernelArguments: [], password: settings.password, timeout: settings.timeout)
    menu.network = .init(
      identifiers: Dictionary(identifiers) { first, _ in first }, arguments: settings.arguments,
      served: isServed ? image : nil)
    return menu.text
  }

  /// All that the disk carries.
  /// - Throws: `OperationFailure` naming a file.
  package func tree() throws -> BootTree {
    let names = systems.map(\.architecture).sorted().joined(separator: " + ")
    let identifiers = systems.map(\.identifier).sorted().joined(separator: " ")
    var entries = [
      BootTree.Entry(".disk/info", .bytes(Array("Lifeboat \(image) (\(names)) \(marker), from the network\n".utf8))),
      BootTree.Entry("boot/grub/grub.cfg", .bytes(Array(menu.utf8))),
      BootTree.Entry(BootMenu.marker(marker), .bytes(Array("\(marker)\n".utf8))),
    ]
    for system in systems {
      let folder = "lifeboat/\(system.identifier)/\(system.architecture)"
      for (name, file) in [("vmlinuz", system.kernel), ("initrd.img", system.initrd)] {
        entries.append(BootTree.Entry("\(folder)/\(name)", .file(file, try HostFile.size(file))))
      }
    }
    return BootTree(
      volumeIdentifier: MediumBuilder.volumeIdentifier(of: image), timestamp: timestamp, entries: entries + look,
      efiSystemPartition: efiSystemPartition, identity: "network \(identifiers)")
  }

  /// The kernel command line of one architecture without a boot loader: what the menu's first entry gives, and no
  /// console, which is for whoever uses it to choose.
  package static func kernelArguments(
    _ settings: BootMenuSettings, architecture: String, identifier: String
  ) -> [String] {
    [
      "boot=live", "lifeboat.boot=net", "live-media-path=/lifeboat/\(identifier)/\(architecture)",
      "lifeboat.id=\(identifier)", "quiet",
    ] + settings.words
  }
}
