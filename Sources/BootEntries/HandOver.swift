// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly

/// How the recovery's GRUB, where it stands first in the order of UEFI, goes on with what stood first before. Pure.
///
/// The partition's menu reads it, if it is there and nobody has pressed Esc. The other loader is found by the serial
/// number of its file system and started from there; under Secure Boot shim checks its signature. Leaving GRUB instead
/// would not do: EDK2 shows its own menu when a loader ends without an error (BdsDxe, BootBootOptions).
enum HandOver {
  /// Its path on the partition.
  static let path = PartitionMenu.firstPath

  /// - Parameters:
  ///   - serial: the file system's serial number, as blkid writes it.
  ///   - loader: the file, as the firmware writes it: `\EFI\Microsoft\Boot\bootmgfw.efi`.
  /// - Returns: nil where the loader's name has characters that no loader's has.
  static func text(serial: String, loader: String) -> String? {
    let file = loader.replacing("\\", with: "/")
    let isPlain = file.wholeMatch(of: /\/[A-Za-z0-9_.\/+ -]+/) != nil && serial.wholeMatch(of: /[0-9A-Fa-f-]+/) != nil
    guard isPlain else { return nil }
    return """
      # What stood first in the firmware's order. Written by lifeboat install.
      set partition="$root"
      search --no-floppy --fs-uuid --set=root \(serial)
      if [ "$root" != "$partition" ]; then
        if chainloader "(${root})\(file)"; then boot; fi
      fi
      echo "The computer's own system cannot be started."
      set root="$partition"

      """
  }
}
