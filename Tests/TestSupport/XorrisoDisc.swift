// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// A second opinion on how a bootable ISO is made: xorriso instead of Lifeboat's own writer.
public enum XorrisoDisc {
  /// The command that makes a hybrid ISO of a folder which holds `boot/grub/i386-pc/eltorito.img`.
  public static func command(
    folder: FilePath, masterBootRecord: FilePath, efiSystemPartition: FilePath, volume: String, output: FilePath
  ) -> ExternalCommand {
    ExternalCommand(
      "xorriso",
      [
        "-as", "mkisofs", "-quiet", "-r", "-J", "-joliet-long", "-V", volume, "-o", output.string, "-partition_offset",
        "16", "--grub2-mbr", masterBootRecord.string, "--mbr-force-bootable", "-append_partition", "2", "0xEF",
        efiSystemPartition.string, "-appended_part_as_gpt", "-c", "boot.cat", "-b", "boot/grub/i386-pc/eltorito.img",
        "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info", "-eltorito-alt-boot", "-e",
        "--interval:appended_partition_2:all::", "-no-emul-boot", folder.string,
      ], package: "xorriso")
  }
}
