// SPDX-License-Identifier: GPL-3.0-or-later
public import RecoveryManifest
public import SystemPackage

/// What one variant brings to a boot tree: its kernel, initrd and layers, as files of the host.
public struct SystemFiles: Sendable {
  public var architecture: Architecture
  public var kernel: FilePath
  public var initrd: FilePath
  /// Bottom first: a name for the medium such as `10-base.squashfs`, and the file.
  public var layers: [(name: String, file: FilePath)]

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
  /// From the amd64 index: shim-signed, shim-helpers-amd64-signed, grub-efi-amd64-signed, grub-pc-bin, grub-common, memtest86+.
  public var amd64: FilePath
  /// From the i386 index: shim-signed, shim-helpers-i386-signed, grub-efi-ia32-signed.
  public var i386: FilePath

  public init(amd64: FilePath, i386: FilePath) {
    self.amd64 = amd64
    self.i386 = i386
  }
}
