// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import RecoveryManifest
public import SystemPackage

/// What one variant brings to a boot tree: its kernel, initrd and layers, as files of the host.
public struct SystemFiles: Sendable {
  /// What the system runs on.
  public var architecture: Architecture
  /// Becomes `vmlinuz`.
  public var kernel: FilePath
  /// Becomes `initrd.img`.
  public var initrd: FilePath
  /// Bottom first: a name for the medium such as `10-base.squashfs`, and the file.
  public var layers: [(name: String, file: FilePath)]

  /// Names the files; none is read before the boot tree is built.
  public init(architecture: Architecture, kernel: FilePath, initrd: FilePath, layers: [(name: String, file: FilePath)])
  {
    self.architecture = architecture
    self.kernel = kernel
    self.initrd = initrd
    self.layers = layers
  }
}

/// Where Debian's boot loader packages have been unpacked, one folder for each architecture's index
/// (`amd64/usr/lib/shim/shimx64.efi.signed`, `i386/usr/lib/shim/shimia32.efi.signed`, …).
public struct LoaderFiles: Sendable {
  /// From the amd64 index: `packages.amd64`.
  public var amd64: FilePath
  /// From the i386 index: `packages.i386`.
  public var i386: FilePath

  /// The Debian packages to unpack into each folder.
  public static let packages = (
    amd64: [
      "shim-signed", "shim-helpers-amd64-signed", "grub-efi-amd64-signed", "grub-efi-ia32-bin", "grub-pc-bin",
      "grub-common", "memtest86+",
    ],
    i386: ["shim-signed", "shim-helpers-i386-signed", "grub-efi-ia32-signed"]
  )

  /// Names the two folders.
  public init(amd64: FilePath, i386: FilePath) {
    self.amd64 = amd64
    self.i386 = i386
  }

  /// The path itself where there is a readable file.
  /// - Throws: `BootAssemblyFailure.loaderMissing`.
  static func require(_ file: FilePath, package: String) throws -> FilePath {
    guard access(file.string, R_OK) == 0 else {
      throw BootAssemblyFailure.loaderMissing(file: file, package: package)
    }
    return file
  }
}
