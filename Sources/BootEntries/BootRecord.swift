// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// The boot code of a disk's first sector that loads the recovery partition's GRUB on a BIOS, as values.
///
///     bytes 0…439    boot code: GRUB's boot.img with the sector of a core image
///     bytes 440…511  disk signature, four partitions, 55 AA: never written
///
/// The core image is a file of the recovery partition. Its first sector (GRUB's diskboot.img) loads the others, and
/// has a list of their sectors at its end. The offsets are those of GRUB 2.06, include/grub/i386/pc/boot.h and
/// include/grub/offsets.h; grub-bios-setup (util/setup.c) writes the same fields.
enum BootRecord {
  /// How much of the sector is boot code.
  static let codeLength = 440
  static let sectorLength = 512

  private static let coreSectorField = 0x5c
  private static let driveCheckField = 0x66
  private static let listField = 0x1f4
  /// Where the core's second sector goes in memory, in paragraphs: GRUB_BOOT_I386_PC_KERNEL_SEG + 0x20.
  private static let segment = 0x820

  /// The code of a sector.
  static func code(of sector: [UInt8]) -> [UInt8] { Array(sector.prefix(codeLength)) }

  /// Whether bytes are a sector that a BIOS starts.
  static func isRecord(_ sector: [UInt8]) -> Bool { sector.count == sectorLength && sector[510...] == [0x55, 0xaa] }

  /// The boot code that loads a core image.
  /// - Parameters:
  ///   - boot: GRUB's `boot.img`.
  ///   - sector: the core's first sector, counted from the disk's beginning in units of 512 bytes.
  /// - Returns: nil where this is no `boot.img`.
  static func code(_ boot: [UInt8], loading sector: Int64) -> [UInt8]? {
    // A jump over what follows, 63 hexadecimal 90 (or a BIOS parameter block), and the jump that is taken out below.
    guard boot.count == sectorLength, boot[0] == 0xeb, boot[driveCheckField] == 0xeb, boot[510...] == [0x55, 0xaa]
    else { return nil }
    var code = Array(boot[..<codeLength])
    code.replaceSubrange(coreSectorField..<coreSectorField + 8, with: sector.littleEndianBytes(8))
    // Without the jump GRUB no longer believes a BIOS that hands over a drive number of a floppy (setup.c, “boot_drive_check”).
    code.replaceSubrange(driveCheckField..<driveCheckField + 2, with: [0x90, 0x90])
    return code
  }

  /// The sector of the core image that GRUB's boot code loads; nil for other boot code.
  static func coreSector(ofCode sector: [UInt8]) -> Int64? {
    guard sector.count >= codeLength, sector[0] == 0xeb else { return nil }
    return sector[coreSectorField..<coreSectorField + 8].reversed().reduce(0) { $0 << 8 | Int64($1) }
  }

  /// A core image, in whole sectors, with its list of sectors set to those that follow its first.
  /// - Returns: nil where this is no core image of `grub-mkimage -O i386-pc`.
  static func core(_ image: [UInt8], at sector: Int64) -> [UInt8]? {
    var core = padded(image)
    let sectors = core.count / sectorLength
    guard sectors > 1, sectors < 0xffff, core[listField + 10] == 0x20, core[listField + 11] == 0x08 else { return nil }
    core.replaceSubrange(listField..<listField + 8, with: (sector + 1).littleEndianBytes(8))
    core.replaceSubrange(listField + 8..<listField + 10, with: Int64(sectors - 1).littleEndianBytes(2))
    core.replaceSubrange(listField + 10..<listField + 12, with: Int64(segment).littleEndianBytes(2))
    return core
  }

  /// An image in whole sectors.
  static func padded(_ image: [UInt8]) -> [UInt8] {
    image + [UInt8](repeating: 0, count: (sectorLength - image.count % sectorLength) % sectorLength)
  }

  /// The menu's part before the menu: waits for a key, and otherwise goes on with the record that was there before.
  ///
  /// GRUB's `sleep` is interrupted by Esc alone (commands/sleep.c).
  static func startMenu(delay: Int) -> String {
    """
    # The start through the disk's boot record. Written by lifeboat install.
    set partition="$root"
    set disk=
    regexp --set=1:disk "^(hd[0-9]+)" "$partition"
    echo "Press Esc for the recovery system."
    if sleep --verbose --interruptible \(delay); then
      set root="$disk"
      if chainloader "($partition)/\(BootRecordFiles.saved)"; then boot; fi
      echo "The computer's own boot record cannot be started."
    fi
    set root="$partition"
    set asked=yes
    source "($root)/boot/grub/grub.cfg"

    """
  }

  /// Built into the core and run by GRUB's rescue parser, which knows no `if`.
  static func early(serial: String) -> String {
    """
    search --no-floppy --fs-uuid --set=root \(serial)
    set prefix=($root)/boot/grub
    normal ($root)/\(BootRecordFiles.menu)

    """
  }
}

/// The files of a start through the boot record, on the recovery partition.
enum BootRecordFiles {
  static let folder = "boot/record"
  /// The sector that was there before.
  static let saved = "boot/record/saved.bin"
  /// One that was saved before another boot loader came in between; nothing reads it, but nothing is lost.
  static func older(_ digest: Digest) -> String { "boot/record/saved-\(digest.hex.prefix(8)).bin" }
  /// The boot code that is written, behind the one of ours that it replaces: noted before the sector changes.
  static let own = "boot/record/own.bin"
  /// What GRUB does first.
  static let menu = "boot/record/start.cfg"
  /// The core image; its name changes with its content, so that an older one stays whole until it is not used any more.
  static func core(_ digest: String) -> String { "boot/record/core-\(digest.prefix(8)).img" }
}

extension Int64 {
  /// The lowest bytes, least significant first.
  fileprivate func littleEndianBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: self >> Int64($0 * 8)) }
  }
}
