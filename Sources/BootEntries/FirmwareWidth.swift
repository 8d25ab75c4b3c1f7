// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// What programs the firmware starts: 64-bit firmware starts 64-bit programs alone, 32-bit firmware 32-bit ones, whatever
/// the processor can do (Linux, `fw_platform_size`).
enum FirmwareWidth: Sendable {
  case bits64, bits32

  /// - Parameter firmware: `/sys/firmware/efi`; nil where this computer was not started by UEFI.
  init?(of firmware: FilePath) {
    guard FileTree.kind(of: firmware) == .folder else { return nil }
    let text = (try? FileTree.text(of: firmware.appending("fw_platform_size"))) ?? "64"
    self = text.hasPrefix("32") ? .bits32 : .bits64
  }

  /// The end of a loader's name.
  var suffix: String { self == .bits64 ? "x64" : "ia32" }
  /// The loader in `\EFI\BOOT` (UEFI specification, "Removable Media Boot Behavior").
  var fallbackLoader: String { "BOOT\(suffix.uppercased()).EFI" }
  /// GRUB's word.
  var platform: String { self == .bits64 ? "x86_64-efi" : "i386-efi" }
  /// Debian's package with GRUB's modules.
  var package: String { self == .bits64 ? "grub-efi-amd64-bin" : "grub-efi-ia32-bin" }
}
