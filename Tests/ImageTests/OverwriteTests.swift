// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// What may be overwritten, and what has to be typed before.
struct OverwriteTests {
  static let devices = #"""
    PATH="/dev/sda" TYPE="disk" PKNAME="" SIZE="500107862016" FSTYPE="" LABEL="" MODEL="Samsung\x20SSD\x20870" TRAN="sata" RO="0" UUID="" SERIAL="S5Y2NX0R" MOUNTPOINTS=""
    PATH="/dev/sda1" TYPE="part" PKNAME="sda" SIZE="104857600" FSTYPE="vfat" LABEL="" MODEL="" TRAN="" RO="0" UUID="1111-2222" SERIAL="" MOUNTPOINTS=""
    PATH="/dev/sda2" TYPE="part" PKNAME="sda" SIZE="499000000000" FSTYPE="ntfs" LABEL="Windows\x2011" MODEL="" TRAN="" RO="0" UUID="" SERIAL="" MOUNTPOINTS=""
    PATH="/dev/sdb" TYPE="disk" PKNAME="" SIZE="16000000000" FSTYPE="iso9660" LABEL="LIFEBOAT" MODEL="Stick" TRAN="usb" RO="0" UUID="2026-11-30-00-00-00-00" SERIAL="AA01" MOUNTPOINTS=""
    PATH="/dev/sdb1" TYPE="part" PKNAME="sdb" SIZE="400000000" FSTYPE="iso9660" LABEL="LIFEBOAT" MODEL="" TRAN="" RO="0" UUID="2026-11-30-00-00-00-00" SERIAL="" MOUNTPOINTS=""
    PATH="/dev/sdb2" TYPE="part" PKNAME="sdb" SIZE="8388608" FSTYPE="vfat" LABEL="EFI" MODEL="" TRAN="" RO="0" UUID="3333-4444" SERIAL="" MOUNTPOINTS=""
    PATH="/dev/sdc" TYPE="disk" PKNAME="" SIZE="2000000000" FSTYPE="" LABEL="" MODEL="" TRAN="usb" RO="0" UUID="" SERIAL="" MOUNTPOINTS=""
    PATH="/dev/sdd" TYPE="disk" PKNAME="" SIZE="900000000000" FSTYPE="" LABEL="" MODEL="Big" TRAN="sata" RO="0" UUID="" SERIAL="BIG7" MOUNTPOINTS=""
    PATH="/dev/sdd1" TYPE="part" PKNAME="sdd" SIZE="800000000000" FSTYPE="ext4" LABEL="data" MODEL="" TRAN="" RO="0" UUID="" SERIAL="" MOUNTPOINTS=""
    PATH="/dev/sr0" TYPE="rom" PKNAME="" SIZE="1073741312" FSTYPE="" LABEL="" MODEL="DVD" TRAN="sata" RO="0" UUID="" SERIAL="" MOUNTPOINTS=""

    """#

  /// - Parameter mounted: the line of /proc/self/mounts for the medium.
  static func image(
    mounted: String = "/dev/sdb1 /run/live/medium iso9660 ro 0 0", devices: String = devices
  ) async throws -> StartedImage {
    let image = try await StartedImage(tools: ["a|user|destroys-data|-|x|A|A|true"])
    try image.write("proc/self/mounts", "proc /proc proc rw 0 0\n\(mounted)\n")
    try image.write("devices", devices)
    try image.standIn("lsblk", "cat \"$LIFEBOAT_ROOT/devices\"")
    // The file system with the marker of the medium; any other is empty.
    try image.standIn(
      "mount",
      """
      for point; do :; done
      case " $* " in
        *" /dev/sdb1 "* | *" /dev/sdb "*) mkdir -p "$point/lifeboat/\(StartedImage.identifier)"; : >"$point/lifeboat/\(StartedImage.identifier)/medium" ;;
      esac
      """)
    try image.standIn("umount", "for point; do :; done; rm -rf \"$point\"/*")
    return image
  }

  /// The words of what was shown, without the note on the medium.
  private static func offered(_ image: StartedImage) -> [Substring] {
    image.boxes.replacing(/The recovery medium, .* is not listed\./, with: "").split(whereSeparator: \.isWhitespace)
  }

  private func pick(_ image: StartedImage, _ arguments: [String]) async throws -> Tool.Outcome {
    try await image.run("usr/bin/lifeboat-pick", arguments, environment: ["LIFEBOAT_RISK": "destroys-data"])
  }

  @Test(arguments: ["Samsung SSD 870", "samsung ssd870", "S5Y2NX0R", " s5y2nx0r "])
  func modelOrSerialIsTyped(answer: String) async throws {
    let image = try await Self.image()
    try image.answer("0 /dev/sda", "0 \(answer)")
    let outcome = try await pick(image, ["--overwrite", "disk"])
    #expect(outcome.status == 0 && outcome.output == "/dev/sda\n", "\(outcome)")
    for text in ["Samsung SSD 870", "S5Y2NX0R", "500 GB", "/dev/sda2", "ntfs", "Windows 11", "model or serial number"] {
      #expect(image.boxes.contains(text), "lacks \(text): \(image.boxes)")
    }
  }

  @Test(arguments: ["0 yes", "0 sda", "0 /dev/sda", "0 BIG7", "0 YES", "1 ", "0 "])
  func nothingElseWillDo(answer: String) async throws {
    let image = try await Self.image()
    try image.answer("0 /dev/sda", answer, "0 ok")
    let outcome = try await pick(image, ["--overwrite", "disk"])
    #expect(outcome.status == 130 && outcome.output.isEmpty, "\(outcome)")
  }

  @Test func aNamelessDiskByItsDevice() async throws {
    let image = try await Self.image()
    try image.answer("0 /dev/sdc", "0 sdc")
    #expect(try await pick(image, ["--overwrite", "disk"]).output == "/dev/sdc\n")
    #expect(image.boxes.contains("nothing that is recognised"))
  }

  /// The stick that this system was copied into memory from is known by the marker on it; a loop device by its file.
  @Test(arguments: [
    "lifeboat /run/live/medium tmpfs rw 0 0", "/dev/sdb /run/live/medium iso9660 ro 0 0",
    "/dev/sdb1 /run/live/medium iso9660 ro 0 0",
    "/dev/loop7 /run/live/medium iso9660 ro 0 0\n/dev/sdd1 /run/live/findiso ext4 ro 0 0",
  ]) func theRunningMediumIsNeverOffered(mounted: String) async throws {
    let image = try await Self.image(mounted: mounted)
    try image.write("sys/class/block/loop7/loop/backing_file", "/run/live/findiso/images/rescue.iso\n")
    for kind in ["disk", "partition"] {
      try image.answer("1 ")
      _ = try await pick(image, ["--overwrite", kind])
    }
    let offered = Self.offered(image)
    #expect(offered.contains("/dev/sda"))
    for device in ["/dev/sdb", "/dev/sdb1", "/dev/sdb2"] { #expect(!offered.contains(Substring(device)), "\(offered)") }
    #expect(offered.contains("/dev/sdd") == !mounted.contains("loop7"), "\(offered)")
    #expect(image.boxes.contains("is not listed"))
  }

  @Test func whatTheMediumIsOnIsFoundThroughLayers() async throws {
    let stacked =
      Self.devices
      + #"PATH="/dev/mapper/stick" TYPE="crypt" PKNAME="sdd1" SIZE="799000000000" FSTYPE="iso9660" LABEL="" MODEL="" TRAN="" RO="0""#
      + "\n"
    let image = try await Self.image(mounted: "/dev/mapper/stick /run/live/medium iso9660 ro 0 0", devices: stacked)
    try image.answer("1 ")
    _ = try await pick(image, ["disk"])
    #expect(image.boxes.contains("Samsung") && !image.boxes.contains("Big"), "\(image.boxes)")
  }

  @Test(arguments: [
    (
      #"FSTYPE="ext4" LABEL="data" MODEL="" TRAN="" RO="0" UUID="" SERIAL="" MOUNTPOINTS="/media/sdd1""#,
      "open at /media/sdd1"
    ),
    (#"FSTYPE="swap" LABEL="" MODEL="" TRAN="" RO="0" UUID="" SERIAL="" MOUNTPOINTS="[SWAP]""#, "swap space"),
  ]) func whatIsInUseIsRefused(fields: String, reason: String) async throws {
    let image = try await Self.image(
      devices: Self.devices.replacing(
        #"FSTYPE="ext4" LABEL="data" MODEL="" TRAN="" RO="0" UUID="" SERIAL="" MOUNTPOINTS="""#, with: fields))
    for options in [["--overwrite"], ["--unused"]] {
      try image.answer("0 /dev/sdd", "0 BIG7")
      let outcome = try await pick(image, options + ["disk"])
      #expect(outcome.status == 1 && outcome.output.isEmpty && image.boxes.contains(reason), "\(image.boxes)")
    }
  }

  @Test func aHeldOrReadOnlyDiskIsRefused() async throws {
    let held =
      Self.devices + #"PATH="/dev/mapper/vg-root" TYPE="lvm" PKNAME="sdd1" SIZE="7" FSTYPE="" MOUNTPOINTS="""# + "\n"
    let image = try await Self.image(devices: held)
    try image.answer("0 /dev/sdd", "0 BIG7")
    #expect(try await pick(image, ["--overwrite", "disk"]).status == 1)
    #expect(image.boxes.contains("/dev/mapper/vg-root makes use of it"), "\(image.boxes)")
    let locked = try await Self.image(
      devices: Self.devices.replacing(#"MODEL="Big" TRAN="sata" RO="0""#, with: #"MODEL="Big" TRAN="sata" RO="1""#))
    try locked.answer("0 /dev/sdd", "0 BIG7")
    #expect(try await pick(locked, ["--overwrite", "disk"]).status == 1)
    #expect(locked.boxes.contains("read-only"))
  }

  @Test func aSmallerTargetIsRefused() async throws {
    let image = try await Self.image()
    try image.answer("0 /dev/sdc", "0 sdc")
    let outcome = try await pick(image, ["--overwrite", "--source", "/dev/sda", "disk"])
    #expect(outcome.status == 1 && outcome.output.isEmpty, "\(outcome)")
    for text in ["too small", "2000000000", "500107862016"] { #expect(image.boxes.contains(text), "\(image.boxes)") }
    let offered = Self.offered(image)
    #expect(!offered.contains("Samsung"), "the source is no target: \(offered)")
  }

  // MARK: - the tools that overwrite

  @Test func aCopyKeepsItsMapUnderTheDisksNames() async throws {
    let image = try await Self.image()
    try image.standIn("ddrescue", "echo \"ddrescue $*\" >>\"$LIFEBOAT_ROOT/done\"")
    try image.standIn("ddrescuelog", "exit \"$(cat \"$LIFEBOAT_ROOT/incomplete\" 2>/dev/null || echo 0)\"")
    // Copy from, copy onto, typed; the map into memory, which has to be agreed to.
    try image.answer("0 /dev/sda", "0 /dev/sdd", "0 big7", "0 =memory", "0 yes")
    let outcome = try await image.run("usr/bin/lifeboat-copy", "disk")
    let map = "\(image.root)/root/Samsung_SSD_870-S5Y2NX0R-to-Big-BIG7.map"
    #expect(outcome.status == 0 && image.done == "ddrescue --force /dev/sda /dev/sdd \(map)\n", "\(outcome)")
    #expect(outcome.output.contains("map is in memory"))
    #expect(image.boxes.contains("lost when this computer is switched off"))
    try image.write("incomplete", "1")
    try image.answer("0 /dev/sda", "0 /dev/sdd", "0 big7", "0 =memory", "0 yes")
    #expect(try await image.run("usr/bin/lifeboat-copy", "disk").status == 3)
    // Not into memory after all: nothing is copied.
    try image.answer("0 /dev/sda", "0 /dev/sdd", "0 big7", "0 =memory", "1 no")
    #expect(try await image.run("usr/bin/lifeboat-copy", "disk").status == 130)
    #expect(image.done.split(separator: "\n").count == 2)
  }

  @Test func theWipeGetsOneDisk() async throws {
    let image = try await Self.image(mounted: "lifeboat /run/live/medium tmpfs rw 0 0")
    try image.standIn("nwipe", "echo \"nwipe $*\" >>\"$LIFEBOAT_ROOT/done\"; exit 1")
    try image.answer("0 /dev/sda", "0 no")
    #expect(try await image.run("usr/bin/lifeboat-wipe").status == 130)
    #expect(image.done.isEmpty)
    try image.answer("0 /dev/sda", "0 S5Y2NX0R", "0 zero")
    #expect(try await image.run("usr/bin/lifeboat-wipe").status == 1)
    #expect(image.done == "nwipe --autonuke --nowait --method=zero --verify=last /dev/sda\n")
  }
}
