// SPDX-License-Identifier: GPL-3.0-or-later
public import RecoveryManifest

/// Which Debian packages make the systems and loaders, beside what images ask for.
public enum SystemRecipe {
  /// The packages of every base, beside Debian's essential ones and apt.
  public static func basePackages(_ architecture: Architecture) -> [String] {
    let kernel = architecture == .x64 ? "linux-image-amd64" : "linux-image-686"
    return [
      kernel, "live-boot", "systemd-sysv", "udev", "dbus", "kmod", "whiptail", "kbd", "less", "iproute2",
      "isc-dhcp-client", "netbase", "tzdata", "zstd", "e2fsprogs", "ntfs-3g", "fdisk", "ca-certificates", "pciutils",
    ].sorted()
  }

  /// What an image needs beside its tools, because of its settings.
  static func settingsPackages(_ image: Image, _ architecture: Architecture) -> [String] {
    (needsLocale(image) ? ["locales"] : []) + (needsKeyboard(image) ? ["console-setup"] : [])
      + (image.needsProgram(architecture) ? programPackages : [])
  }

  /// The libraries that Lifeboat's program is linked with, beside those that it carries in itself.
  static let programPackages = ["libblkid1", "libfdisk1", "libisoburn1", "libstdc++6", "libsystemd0"]

  /// `C.UTF-8` is part of every Debian; other locales have to be generated.
  public static func needsLocale(_ image: Image) -> Bool { !["C.UTF-8", "C", "POSIX"].contains(image.locale) }
  /// The kernel's own keymap is `us`.
  public static func needsKeyboard(_ image: Image) -> Bool { image.keyboard != "us" }

  /// The packages that carry boot loaders. Both indexes are needed: `shim-signed` holds shimx64 on amd64 and
  /// shimia32 on i386.
  public static func loaderPackages(_ architecture: Architecture) -> [String] {
    switch architecture {
    case .x64:
      [
        "grub-common", "grub-efi-amd64-signed", "grub-efi-ia32-bin", "grub-pc-bin", "memtest86+",
        "shim-helpers-amd64-signed", "shim-signed",
      ]
    case .x86: ["grub-efi-ia32-signed", "shim-helpers-i386-signed", "shim-signed"]
    }
  }

  /// The requests of an image's layers, bottom first: the base; what the image that it extends asks for; what it
  /// adds to that. A layer of a parent can serve only where the child takes nothing of it away.
  public static func requests(_ image: Image, _ manifest: Manifest, _ architecture: Architecture) -> [[String]] {
    var chain = [image]
    while let parent = chain[0].extends.flatMap({ name in manifest.images.first { $0.name == name } }) {
      guard parent.release == image.release, !chain.contains(where: { $0.name == parent.name }) else { break }
      chain.insert(parent, at: 0)
    }
    var sets = chain.map { Set($0.requestedPackages(architecture) + settingsPackages($0, architecture)) }
    while let index = sets.indices.dropLast().first(where: { !sets[$0].isSubset(of: sets[$0 + 1]) }) {
      sets.remove(at: index)
    }
    var requests = [basePackages(architecture)]
    var below = Set<String>()
    for set in sets where !set.subtracting(below).isEmpty {
      requests.append(set.subtracting(below).sorted())
      below.formUnion(set)
    }
    return requests
  }
}
