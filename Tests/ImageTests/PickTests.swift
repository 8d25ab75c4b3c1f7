// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// What may be chosen, on a computer that `lsblk` is made to describe.
struct PickTests {
  private static let devices = #"""
    PATH="/dev/sda" TYPE="disk" PKNAME="" SIZE="500107862016" FSTYPE="" LABEL="" MODEL="Samsung\x20SSD\x20870" TRAN="sata" RO="0"
    PATH="/dev/sda1" TYPE="part" PKNAME="sda" SIZE="104857600" FSTYPE="vfat" LABEL="" MODEL="" TRAN="" RO="0"
    PATH="/dev/sda2" TYPE="part" PKNAME="sda" SIZE="499000000000" FSTYPE="ntfs" LABEL="Windows\x2011" MODEL="" TRAN="" RO="0"
    PATH="/dev/sdb" TYPE="disk" PKNAME="" SIZE="16000000000" FSTYPE="iso9660" LABEL="LIFEBOAT" MODEL="Stick" TRAN="usb" RO="0"
    PATH="/dev/sdb1" TYPE="part" PKNAME="sdb" SIZE="400000000" FSTYPE="iso9660" LABEL="LIFEBOAT" MODEL="" TRAN="" RO="0"
    PATH="/dev/sdb2" TYPE="part" PKNAME="sdb" SIZE="8388608" FSTYPE="vfat" LABEL="EFI" MODEL="" TRAN="" RO="0"
    PATH="/dev/nvme0n1" TYPE="disk" PKNAME="" SIZE="1000204886016" FSTYPE="" LABEL="" MODEL="$(touch \x2ftmp)" TRAN="nvme" RO="1"
    PATH="/dev/nvme0n1p1" TYPE="part" PKNAME="nvme0n1" SIZE="1000000000000" FSTYPE="BitLocker" LABEL="" MODEL="" TRAN="" RO="1"
    PATH="/dev/sr0" TYPE="rom" PKNAME="" SIZE="1073741312" FSTYPE="" LABEL="" MODEL="DVD" TRAN="sata" RO="0"
    PATH="/dev/loop0" TYPE="loop" PKNAME="" SIZE="95264768" FSTYPE="squashfs" LABEL="" MODEL="" TRAN="" RO="1"
    """#

  private func image(medium: String = "/dev/sdb1", devices: String = PickTests.devices) async throws -> StartedImage {
    let image = try await StartedImage(tools: ["a|user|safe|-|x|A|A|true"])
    try image.write("proc/self/mounts", "\(medium) /run/live/medium iso9660 ro 0 0\n")
    try image.write("devices", devices.isEmpty ? "" : devices + "\n")
    try image.standIn("lsblk", "cat \"$LIFEBOAT_ROOT/devices\"")
    // Mounting shows a Windows on /dev/sda2 only.
    try image.standIn(
      "ntfs-3g",
      """
      echo "ntfs-3g $*" >>"$LIFEBOAT_ROOT/done"
      if [ -e "$LIFEBOAT_ROOT/hibernated" ] && [ "${2%%,*}" = rw ]; then echo 'Windows is hibernated' >&2; exit 14; fi
      [ "$3" != /dev/sda2 ] || mkdir -p "$4/WINDOWS/system32/config"
      """)
    try image.standIn("umount", "echo \"umount $*\" >>\"$LIFEBOAT_ROOT/done\"; rm -rf \"$1\"/*")
    return image
  }

  private func pick(_ image: StartedImage, _ arguments: String..., session: String = "session") async throws
    -> Tool.Outcome
  {
    let file = image.root.appending(session).string
    switch arguments.count {
    case 1: return try await image.run("usr/bin/lifeboat-pick", arguments[0], environment: ["LIFEBOAT_SESSION": file])
    default:
      return try await image.run(
        "usr/bin/lifeboat-pick", arguments[0], arguments[1], environment: ["LIFEBOAT_SESSION": file])
    }
  }

  @Test func disksWithoutTheMedium() async throws {
    let image = try await image()
    try image.answer("0 /dev/sda")
    let outcome = try await pick(image, "disk")
    #expect(outcome.status == 0 && outcome.output == "/dev/sda\n", "\(outcome)")
    for text in ["500 GB  sata  Samsung SSD 870", "1.0 TB  nvme", "(read-only)", "/dev/sdb1, is not listed"] {
      #expect(image.boxes.contains(text), "lacks \(text): \(image.boxes)")
    }
    for text in ["/dev/sdb ", "Stick", "/dev/sr0 ", "/dev/loop0"] { #expect(!image.boxes.contains(text)) }
  }

  @Test(arguments: ["/dev/sdb", "/dev/sdb1", "/dev/sdb2"])
  func theMediumIsNeverOffered(medium: String) async throws {
    for kind in ["disk", "partition"] {
      let image = try await image(medium: medium)
      try image.answer("1 ")
      _ = try await pick(image, kind)
      #expect(!image.boxes.replacing("medium, \(medium),", with: "").contains("/dev/sdb"), "\(kind): \(image.boxes)")
    }
  }

  @Test func partitions() async throws {
    let image = try await image()
    try image.answer("0 /dev/sda2")
    #expect(try await pick(image, "partition").output == "/dev/sda2\n")
    for text in ["/dev/sda1", "105 MB  vfat", "499 GB  ntfs", "Windows 11", "BitLocker"] {
      #expect(image.boxes.contains(text), "lacks \(text): \(image.boxes)")
    }
    // Whole disks only where a file system lies right on them; discs and layers not at all.
    for text in ["/dev/sda ", "/dev/sr0", "/dev/loop0"] { #expect(!image.boxes.contains(text)) }
  }

  /// What a system is read from that stays on the boot server is no choice.
  @Test func devicesOfTheNetworkAreNotOffered() async throws {
    let streamed = #"""

      PATH="/dev/nbd0" TYPE="disk" PKNAME="" SIZE="104316928" FSTYPE="squashfs" LABEL="" MODEL="" TRAN="" RO="1"
      PATH="/dev/mapper/lifeboat-10-base" TYPE="crypt" PKNAME="nbd0" SIZE="104316928" FSTYPE="squashfs" LABEL="" MODEL="" TRAN="" RO="1"
      """#
    let image = try await image(devices: Self.devices + streamed)
    try image.write("proc/self/mounts", "lifeboat /run/live/medium tmpfs ro 0 0\n")
    try image.write("run/lifeboat/stream/interface", "eth0\n")
    try image.answer("0 /dev/sda2")
    #expect(try await pick(image, "partition").output == "/dev/sda2\n")
    #expect(image.boxes.contains("/dev/sda1") && !image.boxes.contains("squashfs"), "\(image.boxes)")
  }

  @Test func notChoosingIsQuiet() async throws {
    let image = try await image()
    try image.answer("1 ")
    let outcome = try await pick(image, "disk")
    #expect(outcome.status == 130 && outcome.output.isEmpty)
  }

  @Test(arguments: ["disk", "partition", "windows"]) func nothingToChoose(kind: String) async throws {
    let image = try await image(devices: "")
    try image.answer("0 ok")
    let outcome = try await pick(image, kind)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(image.boxes.contains("was found"), "\(image.boxes)")
  }

  @Test func theOnlyWindowsIsTakenReadOnly() async throws {
    let image = try await image()
    let outcome = try await pick(image, "windows")
    let point = "\(image.root)/run/lifeboat/windows/1"
    #expect(outcome.status == 0 && outcome.output == point + "\n", "\(outcome)")
    #expect(image.boxes.isEmpty)
    #expect(
      image.done.split(separator: "\n").map(String.init) == [
        "ntfs-3g -o ro,noatime,big_writes /dev/sda2 \(point)", "umount \(point)",
        "ntfs-3g -o ro,noatime,big_writes /dev/sda2 \(point)",
      ])
    #expect(image.text("session") == point + "\n")
  }

  @Test func writingHasToBeAskedFor() async throws {
    let image = try await image()
    #expect(try await pick(image, "windows", "--write").status == 0)
    let mounts = image.done.split(separator: "\n").filter { $0.hasPrefix("ntfs-3g") }
    #expect(mounts.map { $0.contains(" rw,") } == [false, true])
  }

  @Test func aHibernatedWindowsIsNotWrittenTo() async throws {
    let image = try await image()
    try image.write("hibernated", "")
    try image.answer("0 ok")
    let outcome = try await pick(image, "windows", "--write")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(image.boxes.contains("is asleep") && image.boxes.contains("choose Restart"))
    #expect(image.text("session").isEmpty)
  }

  /// ntfs-3g mounts read-only where Windows sleeps, and ends as if all were well.
  @Test func aVolumeThatIsReadOnlyAfterAllIsNotWrittenTo() async throws {
    for (message, words) in [
      ("Windows is hibernated, refused to mount.", "is asleep"), ("The disk contains an unclean file system", "chkdsk"),
    ] {
      let image = try await image()
      try image.standIn(
        "ntfs-3g",
        """
        mkdir -p "$4/Windows/System32/config"
        [ "${2%%,*}" = ro ] || { echo "$3 $4 fuseblk ro 0 0" >>"$LIFEBOAT_ROOT/proc/self/mounts"; echo '\(message)' >&2; }
        """)
      try image.answer("0 ok")
      let outcome = try await pick(image, "windows", "--write")
      #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome)")
      #expect(image.boxes.contains(words) && image.text("session").isEmpty, "\(image.boxes)")
    }
  }

  @Test func severalAreChosenFrom() async throws {
    let image = try await image()
    try image.standIn("ntfs-3g", "mkdir -p \"$4/Windows/System32/config\"")
    try image.write("devices", Self.devices.replacing("BitLocker", with: "ntfs") + "\n")
    try image.answer("0 /dev/nvme0n1p1")
    #expect(try await pick(image, "windows").status == 0)
    #expect(image.boxes.contains("/dev/sda2") && image.boxes.contains("/dev/nvme0n1p1"))
  }

  @Test func encryptedVolumesAreMentioned() async throws {
    let image = try await image()
    try image.standIn("ntfs-3g", "exit 12")
    try image.answer("0 ok")
    #expect(try await pick(image, "windows").status == 1)
    #expect(image.boxes.contains("1 volume(s) encrypted by BitLocker"))
  }

  @Test func whatTheOtherConsoleUsesIsLeftAlone() async throws {
    let image = try await image()
    let point = "\(image.root)/run/lifeboat/windows/1"
    try image.write("run/lifeboat/windows/1/Windows/System32/config/SAM", "")
    try image.write(
      "proc/self/mounts", "/dev/sdb1 /run/live/medium iso9660 ro 0 0\n/dev/sda2 \(point) fuseblk rw 0 0\n")
    try image.answer("0 ok")
    #expect(try await pick(image, "windows", session: "another").status == 1)
    #expect(image.boxes.contains("in use already") && image.done.isEmpty, "\(image.boxes)")
    // The tool that mounted it may have it mounted in another way.
    try image.write("session", point + "\n")
    FileTree.remove(image.root.appending("run/lifeboat/windows/1/Windows"))
    try image.standIn("umount", "echo \"umount $*\" >>\"$LIFEBOAT_ROOT/done\"")
    try image.write("run/lifeboat/windows/1/Windows/System32/config/SAM", "")
    try image.standIn("rmdir", "exit 0")
    #expect(try await pick(image, "windows", "--write").status == 0)
    #expect(image.done.hasPrefix("umount \(point)\n"))
  }

  @Test func aFileBelowAFolder() async throws {
    let image = try await image()
    try image.write("disk/Users/anna/letter one.txt", "")
    try image.write("disk/Users/berta/x", "")
    let top = image.root.appending("disk").string
    try image.answer("0 Users/", "0 berta/", "0 ..", "0 anna/", "0 letter one.txt")
    #expect(try await pick(image, "file", top).output == "\(top)/Users/anna/letter one.txt\n")
    // There is no way up from where it starts.
    #expect(image.boxes.split(separator: "\n").first?.contains("../") == false)
  }

  /// The real whiptail, on a terminal of its own: nothing that begins with a hyphen is an option to it.
  @Test(.enabled(if: ["whiptail", "python3"].allSatisfy { Tool.isInstalled($0) }, "needs whiptail and python3"))
  func namesThatLookLikeOptions() async throws {
    let image = try await image()
    try image.write("disk/-rf.evtx", "")
    let whiptail = try Tool.require("whiptail")
    try image.standIn("python", "exec python3 \"$@\"")
    try image.standIn("whiptail", "exec \(whiptail) \"$@\"")
    let terminal = """
      import os, pty, sys
      child, line = pty.fork()
      if child == 0:
          os.environ["TERM"] = "linux"
          os.execvp("sh", ["sh", "-c", '"$1" file "$2" >"$3"', "sh"] + sys.argv[1:])
      seen, answered = b"", False
      while True:
          try:
              more = os.read(line, 4096)
          except OSError:
              break
          if not more:
              break
          seen += more
          if not answered and b"-rf.evtx" in seen:
              answered = True
              os.write(line, b"\\r")
      print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
      """
    let top = image.root.appending("disk").string
    let outcome = try await image.run(
      "stand-ins/python",
      [
        "-c", terminal, image.root.appending("usr/bin/lifeboat-pick").string, top,
        image.root.appending("chosen").string,
      ])
    #expect(outcome.output == "0\n" && image.text("chosen") == "\(top)/-rf.evtx\n", "\(outcome)")
  }

  /// What could act on the terminal is shown as `?`; such a file can be chosen all the same.
  @Test func namesThatActOnTheTerminal() async throws {
    let image = try await image()
    try image.write("disk/a\u{9B}31m\u{202E}gpj.exe", "")
    let top = image.root.appending("disk").string
    try image.answer("0 a\u{9B}31m\u{202E}gpj.exe")
    #expect(try await pick(image, "file", top).output == "\(top)/a\u{9B}31m\u{202E}gpj.exe\n")
    #expect(image.boxes.contains("a?31m?gpj.exe"), "\(image.boxes)")
  }

  @Test(arguments: ["", "nothing", "file", "windows"]) func wrongUse(kind: String) async throws {
    let outcome = try await pick(image(), kind, "/no such folder")
    #expect(outcome.status == (kind == "" || kind == "nothing" || kind == "file" || kind == "windows" ? 64 : 0))
    #expect(outcome.errors.contains("usage: lifeboat-pick"))
  }
}

/// Started from a recovery partition, whose disk is the computer's own.
struct PickOwnDiskTests {
  private static let devices = #"""
    PATH="/dev/sda" TYPE="disk" PKNAME="" SIZE="500107862016" FSTYPE="" MODEL="Samsung" TRAN="sata" RO="0" UUID=""
    PATH="/dev/sda1" TYPE="part" PKNAME="sda" SIZE="499000000000" FSTYPE="ntfs" LABEL="Windows" RO="0" UUID="0A1B2C3D4E5F6071"
    PATH="/dev/sda2" TYPE="part" PKNAME="sda" SIZE="1073741824" FSTYPE="vfat" LABEL="LIFEBOAT" RO="0" UUID="6C69-6665"
    PATH="/dev/sdb" TYPE="disk" PKNAME="" SIZE="16000000000" FSTYPE="" MODEL="Stick" TRAN="usb" RO="0" UUID=""
    PATH="/dev/sdb1" TYPE="part" PKNAME="sdb" SIZE="15000000000" FSTYPE="vfat" LABEL="OTHER" RO="0" UUID="1111-2222"
    """#

  private func image() async throws -> StartedImage {
    let image = try await StartedImage(tools: ["wipe|user|destroys-data|-|x|Wipe|W|true"])
    try image.write(
      "proc/cmdline",
      "boot=live lifeboat.boot=partition lifeboat.partition=6C69-6665 live-media-path=/\(StartedImage.mediumPath) quiet\n"
    )
    try image.write("proc/self/mounts", "/dev/sda2 /run/live/medium vfat ro 0 0\n")
    try image.write("devices", Self.devices + "\n")
    try image.standIn("lsblk", "cat \"$LIFEBOAT_ROOT/devices\"")
    return image
  }

  private func pick(_ image: StartedImage, _ what: String, risk: String) async throws -> Tool.Outcome {
    try await image.run("usr/bin/lifeboat-pick", what, environment: ["LIFEBOAT_RISK": risk])
  }

  @Test func onlyThePartitionItselfIsMissing() async throws {
    let image = try await image()
    try image.answer("0 /dev/sda1")
    #expect(try await pick(image, "partition", risk: "destroys-data").output == "/dev/sda1\n")
    for text in ["/dev/sda1", "/dev/sdb1", "The recovery partition itself is not listed."] {
      #expect(image.boxes.contains(text), "lacks \(text): \(image.boxes)")
    }
    #expect(!image.boxes.contains("/dev/sda2"))
  }

  @Test(arguments: ["safe", "reveals-secrets"]) func readingTheDiskNeedsNoMore(risk: String) async throws {
    let image = try await image()
    try image.answer("0 /dev/sda")
    #expect(try await pick(image, "disk", risk: risk).output == "/dev/sda\n")
    #expect(image.boxes.contains("Samsung  (holds this recovery system)"))
    #expect(!image.boxes.contains("--inputbox"))
  }

  /// A tool that nobody has said the risk of may do anything.
  @Test(arguments: ["destroys-data", "changes-data", ""]) func writingToTheDiskNeedsItsName(risk: String) async throws {
    for (answer, isChosen) in [
      ("0 sda", true), ("0 /dev/sda", true), ("0 sdb", false), ("0 yes", false), ("1 ", false),
    ] {
      let image = try await image()
      try image.answer("0 /dev/sda", answer)
      let outcome = try await pick(image, "disk", risk: risk)
      #expect(image.boxes.contains("--inputbox -- /dev/sda holds the recovery partition"), "\(image.boxes)")
      #expect(outcome.status == (isChosen ? 0 : 130) && outcome.output == (isChosen ? "/dev/sda\n" : ""), "\(outcome)")
    }
  }

  @Test func otherDisksNeedNoName() async throws {
    let image = try await image()
    try image.answer("0 /dev/sdb")
    #expect(try await pick(image, "disk", risk: "destroys-data").output == "/dev/sdb\n")
    #expect(!image.boxes.contains("--inputbox"))
  }

  @Test func theMenuSaysTheRisk() async throws {
    let image = try await StartedImage(
      tools: ["wipe|user|destroys-data|-|x|Wipe|W|echo \"risk $LIFEBOAT_RISK\" >\"$LIFEBOAT_ROOT/risk\""])
    try image.answer("0 Start")
    _ = try await image.run("usr/bin/lifeboat-menu", "--run", "wipe")
    #expect(image.text("risk") == "risk destroys-data\n")
  }
}
