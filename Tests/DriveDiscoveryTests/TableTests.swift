// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import DriveDiscovery

@Suite struct TableTests {
  @Test func mountinfoIsRead() {
    let mounts = Mount.table(
      """
      36 35 98:0 /mnt1 /mnt/parent\\040one rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
      27 1 254:0 / / rw - ext4 /dev/vda rw
      broken line
      41 27 0:41 / / rw - overlay overlay rw,lowerdir=/a\\072b:/c::/d,upperdir=/u,workdir=/w
      """)
    #expect(mounts.count == 3)
    #expect(mounts[0].point == "/mnt/parent one" && mounts[0].root == "/mnt1" && mounts[0].type == "ext3")
    #expect(mounts[0].source == "/dev/root" && mounts[0].options == "rw,errors=continue")
    #expect(mounts[1].number == DeviceNumber(major: 254, minor: 0) && mounts[1].overlayFolders.isEmpty)
    #expect(mounts[2].overlayFolders == ["/a", "b", "/c", "/d", "/u", "/w"])
    let escaped = Mount(
      number: DeviceNumber(major: 0, minor: 1), point: "/", type: "overlay", source: "o", options: "lowerdir=/a\\:b:/c")
    #expect(escaped.overlayFolders == ["/a:b", "/c"])
  }

  @Test func swapsAreRead() {
    let swaps = Swap.table("Filename\tType\tSize\n/dev/dm-1 partition 1 0 -2\n/swap\\040file\tfile\t1\t0\t-3\n")
    #expect(swaps == [Swap(path: "/dev/dm-1", isFile: false), Swap(path: "/swap file", isFile: true)])
    #expect(Swap.table("") == [])
  }

  @Test func udevsRecordIsRead() {
    let record = UdevRecord(
      """
      S:disk/by-id/usb-A_B_1-0:0
      I:1234
      E:ID_FS_TYPE=vfat
      E:ID_FS_LABEL=MY_STICK
      E:ID_FS_LABEL_ENC=MY\\x20STICK
      E:ID_FS_USAGE=filesystem
      E:ID_PART_TABLE_TYPE=dos
      """)
    #expect(record.links == ["disk/by-id/usb-A_B_1-0:0"] && record.isComplete)
    #expect(record.probe.signatures == [.init(type: "vfat", usage: "filesystem", label: "MY STICK")])
    #expect(record.probe.table?.type == "dos" && record.probe.source == .udev && !record.probe.isAmbivalent)
    #expect(!UdevRecord("").isComplete)
  }

  @Test(arguments: ["", "8", "8:", ":1", "8:1:2", "a:b", "-1:2"])
  func whatIsNoDeviceNumber(text: String) { #expect(DeviceNumber(text) == nil) }

  @Test func aDeviceNumberIsTakenApart() {
    // makedev(259, 1048575) and makedev(8, 17).
    #expect(DeviceNumber(rawValue: 0x811) == DeviceNumber(major: 8, minor: 17))
    #expect(DeviceNumber(rawValue: 0xfff1_03ff) == DeviceNumber(major: 259, minor: 0xfffff))
  }

  /// A tree of files in the shape of sysfs, proc and /run, with an image for the node.
  @Test func aTreeOfFilesIsReadLikeAMachine() async throws {
    let folder = try TemporaryFolder()
    let place = "devices/pci0000:00/0000:00:14.0/usb1/1-2"
    let disk = "\(place)/1-2:1.0/host6/target6:0:0/6:0:0:0/block/sdb"
    for (name, text) in [
      ("\(place)/idVendor", "0781"), ("\(place)/serial", "4C53"), ("\(place)/speed", "480"),
      ("\(place)/1-2:1.0/bInterfaceNumber", "00"), ("\(disk)/dev", "8:16"), ("\(disk)/size", "131072"),
      ("\(disk)/ro", "0"), ("\(disk)/removable", "1"), ("\(disk)/diskseq", "21"), ("\(disk)/sdb1/dev", "8:17"),
      ("\(disk)/sdb1/partition", "1"), ("\(disk)/sdb1/start", "2048"), ("\(disk)/sdb1/size", "32768"),
      ("\(disk)/sdb1/holders/dm-0", ""), ("\(place)/1-2:1.0/host6/target6:0:0/6:0:0:0/vendor", "SanDisk "),
      ("\(place)/1-2:1.0/host6/target6:0:0/6:0:0:0/model", "Ultra           "),
    ] { try folder.write("sys/\(name)", text + "\n") }
    for name in ["sdb", "sdb/sdb1"] {
      let link = folder.appending("sys/class/block/\(name == "sdb" ? "sdb" : "sdb1")")
      try FileTree.makeFolder(link.removingLastComponent())
      try FileTree.makeLink(link, to: "../../" + (name == "sdb" ? disk : disk + "/sdb1"))
    }
    let device = folder.appending("sys/\(place)/1-2:1.0/host6/target6:0:0/6:0:0:0")
    try FileTree.makeLink(folder.appending("sys/\(disk)/device"), to: device.string)
    try FileTree.makeLink(folder.appending("sys/\(place)/1-2:1.0/driver"), to: "../../drivers/usb-storage")
    try folder.write("proc/self/mountinfo", "27 1 8:17 / /mnt rw - vfat /dev/sdb1 rw\n")
    try folder.write("run/udev/data/b8:16", "S:disk/by-id/usb-SanDisk_Ultra_4C53-0:0\n")
    for (node, size) in [("sdb", 64 << 20), ("sdb1", 16 << 20)] {
      try folder.write("dev/\(node)", [UInt8](repeating: 0, count: size))
    }
    let machine = await MachineReader(
      system: folder.appending("sys"), processes: folder.appending("proc"), run: folder.appending("run"),
      nodes: folder.appending("dev")
    ).read()
    #expect(machine.devices.map(\.name) == ["sdb", "sdb1"])
    let drive = try #require(DriveSurvey(machine).drives.first)
    #expect(drive.identity.serial == "4C53" && drive.identity.model == "SanDisk Ultra" && drive.identity.sequence == 21)
    #expect(drive.bus == .usb && drive.isRemovable && drive.speed == "480" && drive.size == .mebibytes(64))
    #expect(drive.stableNames == ["/dev/disk/by-id/usb-SanDisk_Ultra_4C53-0:0"] && drive.mountPoints == ["/mnt"])
    #expect(machine.devices[0].hardware.driver == "usb-storage")
    #expect(drive.contents.partitions.map(\.start) == [.mebibytes(1)])
    #expect(DriveSurvey(machine).verdict(on: drive).refusals.map(\.code) == ["mounted", "in-use"])
  }
}
