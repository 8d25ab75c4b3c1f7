// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Boot entries, checks of file systems, and places to save to.
struct ToolProgramTests {
  private static let esp = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"

  /// - Parameter type: of the partition that is chosen.
  private func efi(type: String = esp, fileSystem: String = "vfat", loader: String? = "EFI/Microsoft/Boot/BOOTMGFW.EFI")
    async throws -> StartedImage
  {
    let image = try await OverwriteTests.image()
    try image.write("sys/firmware/efi/x", "")
    try image.write("sys/class/block/sda1/partition", "1\n")
    try image.standIn(
      "lsblk",
      """
      case $2 in
        PARTTYPE) echo \(type) ;; FSTYPE) echo \(fileSystem) ;; PKNAME) echo sda ;; PARTUUID) echo AAAA-1 ;; MOUNTPOINT) ;;
        *) cat "$LIFEBOAT_ROOT/devices" ;;
      esac
      """)
    let made = loader.map { "mkdir -p \"$point/\(FilePath($0).removingLastComponent())\"; : >\"$point/\($0)\"" } ?? ":"
    try image.standIn("mount", "for point; do :; done; case \" $* \" in *\" /dev/sda1 \"*) \(made) ;; esac")
    try image.write("entries", "BootOrder: 0001\nBoot0001* debian\n")
    try image.standIn(
      "efibootmgr",
      """
      case $1 in
        '' | -v) cat "$LIFEBOAT_ROOT/entries" ;;
        *) echo "efibootmgr $*" >>"$LIFEBOAT_ROOT/done" ;;
      esac
      case $1 in --create-only) echo 'Boot0007* Windows Boot Manager' >>"$LIFEBOAT_ROOT/entries" ;; esac
      """)
    return image
  }

  @Test(arguments: [("1 no", "0001,0007"), ("0 yes", "0007,0001")])
  func anEntryIsLastUnlessAskedFor(answer: String, order: String) async throws {
    let image = try await efi()
    try image.answer("0 /dev/sda1", answer)
    let outcome = try await image.run("usr/bin/lifeboat-boot-entry", "create")
    #expect(outcome.status == 0 && outcome.output.contains("in the order \(order)"), "\(outcome) \(image.boxes)")
    let done = image.done.split(separator: "\n")
    #expect(done.count == 2 && done[0].contains("--create-only --disk /dev/sda --part 1"), "\(done)")
    #expect(done.last == "efibootmgr --bootorder \(order)" && image.boxes.contains("--defaultno"), "\(done)")
  }

  /// A reserved partition of Microsoft's, an NTFS, an ESP of another system, and an entry that is there.
  @Test(arguments: [
    ("E3C9E316-0B5C-4DB8-817D-F92DF00215AE", "", "no EFI system partition"), (esp, "ntfs", "no EFI system partition"),
    (esp, "vfat", "would lead nowhere"), (esp, "vfat there", "already"),
  ]) func otherPartitionsAreRefused(type: String, fileSystem: String, reason: String) async throws {
    let isThere = fileSystem.hasSuffix("there")
    let image = try await efi(
      type: type, fileSystem: fileSystem.replacing(" there", with: ""),
      loader: isThere ? "EFI/Microsoft/Boot/bootmgfw.efi" : "EFI/debian/shimx64.efi")
    if isThere {
      try image.write(
        "entries", "Boot0003* Windows Boot Manager HD(1,GPT,aaaa-1,0x800)/File(\\EFI\\MICROSOFT\\BOOT\\BOOTMGFW.EFI)\n")
    }
    try image.answer("0 /dev/sda1", "0 ok")
    let outcome = try await image.run("usr/bin/lifeboat-boot-entry", "create")
    #expect(outcome.status == 1 && image.done.isEmpty && image.boxes.contains(reason), "\(outcome) \(image.boxes)")
  }

  @Test func anEntryIsRemovedAfterAQuestion() async throws {
    let image = try await efi()
    try image.answer("0 0001", "1 no")
    #expect(try await image.run("usr/bin/lifeboat-boot-entry", "remove").status == 130)
    #expect(image.done.isEmpty)
    try image.answer("0 0001", "0 yes")
    #expect(try await image.run("usr/bin/lifeboat-boot-entry", "remove").status == 0)
    #expect(image.done == "efibootmgr --bootnum 0001 --delete-bootnum\n" && image.boxes.contains("Boot0001  debian"))
  }

  @Test func aBIOSHasNoEntries() async throws {
    let image = try await OverwriteTests.image()
    try image.answer("0 ok")
    #expect(try await image.run("usr/bin/lifeboat-boot-entry", "create").status == 1)
    #expect(image.boxes.contains("started by a BIOS"))
  }

  @Test(arguments: [("ntfs", "chkdsk"), ("BitLocker", "unlock it first"), ("crypto_LUKS", "no program here")])
  func whatCannotBeCheckedIsSaidNotToBe(kind: String, words: String) async throws {
    let image = try await OverwriteTests.image()
    try image.standIn("lsblk", "if [ \"$2\" = FSTYPE ]; then echo \(kind); else cat \"$LIFEBOAT_ROOT/devices\"; fi")
    try image.standIn("fsck", "echo fsck >>\"$LIFEBOAT_ROOT/done\"")
    try image.answer("0 /dev/sda2", "0 ok")
    let outcome = try await image.run("usr/bin/lifeboat-check")
    #expect(outcome.status == 65 && image.done.isEmpty && image.boxes.contains(words), "\(outcome) \(image.boxes)")
    #expect(image.boxes.contains("was not checked"))
  }

  @Test func memoryIsAPlaceOnlyForWhoSaysSo() async throws {
    let image = try await OverwriteTests.image()
    let media = image.root.appending("media")
    try image.write("media/sdd1/x", "")
    try image.write(
      "proc/self/mounts",
      "/dev/sdb1 /run/live/medium iso9660 ro 0 0\n/dev/sdd1 \(media)/sdd1 ext4 rw 0 0\nx \(media)/y tmpfs rw 0 0\n"
        + "/dev/sda1 \(media)/sda1 vfat ro 0 0\n")
    try image.answer("0 =memory", "1 no")
    let refused = try await image.run("usr/bin/lifeboat-pick", "save", "table.txt")
    #expect(refused.status == 130 && refused.output.isEmpty && image.boxes.contains("--defaultno"), "\(refused)")
    #expect(!image.boxes.contains("media/y") && !image.boxes.contains("media/sda1"), "\(image.boxes)")
    try image.answer("0 \(media)/sdd1", "0 x", "0 a/b", "0 table.txt")
    let outcome = try await image.run("usr/bin/lifeboat-pick", "save", "table.txt")
    #expect(outcome.output == "\(media)/sdd1/table.txt\n", "\(outcome) \(image.boxes)")
    #expect(image.boxes.contains("x is there already"))
    // What is on a spared disk is no place.
    try image.write("boxes", "")
    try image.answer("1 ")
    _ = try await image.run("usr/bin/lifeboat-pick", ["--spare", "/dev/sdd", "place"])
    #expect(!image.boxes.contains("sdd1"), "\(image.boxes)")
  }

  @Test func closingTakesTheFoldersAway() async throws {
    let image = try await OverwriteTests.image()
    #expect(try await image.run("usr/bin/lifeboat-close").status == 3)
    let media = image.root.appending("media")
    try image.write("media/a/x", "")
    try image.write("media/b/x", "")
    try image.write("proc/self/mounts", "/dev/sda1 \(media)/a vfat rw 0 0\n/dev/sdd1 \(media)/b ext4 rw 0 0\n")
    try image.standIn("umount", "for point; do :; done; case $point in */b) exit 32 ;; esac; rm -f \"$point/x\"")
    let outcome = try await image.run("usr/bin/lifeboat-close")
    #expect(outcome.status == 1 && outcome.output.contains("/b is still in use"), "\(outcome)")
    #expect(FileTree.names(in: media) == ["b"])
  }
}
