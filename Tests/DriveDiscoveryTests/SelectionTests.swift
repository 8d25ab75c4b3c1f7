// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem
import Testing

@Suite struct SelectionTests {
  @Test(arguments: [
    ("/dev/sdb", TargetSelection.Name.path, false), ("sdb", .path, false),
    ("/dev/disk/by-id/usb-SanDisk_Ultra_4C530001230415111234-0:0", .stableName, true),
    ("usb-SanDisk_Ultra_4C530001230415111234-0:0", .stableName, true),
    ("/dev/disk/by-path/pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0", .port, false),
    ("4C530001230415111234", .serial, true), ("4c530001230415111234", .serial, true),
    ("SanDisk Ultra", .model, false), ("  sandisk   ultra ", .model, false), ("Ultra", .model, false),
  ])
  func aDriveHasManyNames(text: String, name: TargetSelection.Name, isIdentity: Bool) throws {
    let selection = try Situation("usb-stick-blank").survey.select(text)
    #expect(selection.drive.path == "/dev/sdb" && selection.name == name && selection.isIdentity == isIdentity)
  }

  @Test(arguments: ["naa.500a0751e1e4b5a6", "0x500a0751e1e4b5a6", "500A0751E1E4B5A6"])
  func aWorldWideNameMayHaveAPrefix(text: String) throws {
    let selection = try Situation("live-medium").survey.select(text)
    #expect(selection.drive.path == "/dev/sda" && selection.name == .wwn && selection.isIdentity)
  }

  @Test func aModelThatTwoHaveIsNoName() throws {
    let survey = try Situation("two-identical-sticks").survey
    let failure = #expect(throws: DriveDiscoveryFailure.self) { try survey.select("Flash Disk") }
    guard case .severalDrives(_, let drives)? = failure else {
      return #expect(Bool(false), "\(String(describing: failure))")
    }
    #expect(drives.count == 2 && drives.allSatisfy { $0.contains("usb-0:") }, "\(drives)")
    #expect(survey.drives.filter(\.isCandidate).map(\.lookalikes) == [["/dev/sdc"], ["/dev/sdb"]])
    #expect(throws: DriveDiscoveryFailure.self) { try Situation("same-serial").survey.select("0123456789ABCDEF") }
  }

  @Test func ofAReadersSlotsTheOneWithACardIsMeant() throws {
    let survey = try Situation("card-reader-multi-slot").survey
    #expect(try survey.select("20120501030900000").drive.path == "/dev/sdb")
    #expect(survey.drives.filter(\.isCandidate).allSatisfy { $0.lookalikes.count == 3 && !$0.remarks.isEmpty })
  }

  @Test func aPartitionIsNoDrive() throws {
    let survey = try Situation("laptop-usb-stick").survey
    #expect(throws: DriveDiscoveryFailure.isPartition(wanted: "/dev/sdb1", drive: "/dev/sdb")) {
      try survey.select("/dev/sdb1")
    }
  }

  @Test(arguments: ["4C5300012304", "SanDisk", "/dev/sdx", "nonsense"])
  func whatIsSimilarIsShown(text: String) throws {
    let survey = try Situation("usb-stick-blank").survey
    let failure = #expect(throws: DriveDiscoveryFailure.self) { try survey.select(text) }
    #expect(
      failure?.message.contains("/dev/sdb (SanDisk Ultra, 4C530001230415111234") == true,
      "\(String(describing: failure))")
    #expect(failure?.kind == .badRequest && failure?.remedy != nil)
  }

  @Test(arguments: ["", "  ", "/", "/dev/", "/dev/disk/by-id/"])
  func nothingIsNoName(text: String) throws {
    let survey = try Situation("usb-stick-blank").survey
    #expect(throws: DriveDiscoveryFailure.self) { try survey.select(text) }
  }

  @Test func confirmationIsTheSerialOrTheModel() throws {
    let drive = try Situation("usb-stick-blank").survey.select("/dev/sdb").drive
    for text in ["SanDisk Ultra", "sandisk ultra\n", "4C530001230415111234"] {
      #expect(drive.matches(confirmation: text), "\(text)")
    }
    for text in ["", " ", "y", "yes", "SanDisk", "/dev/sdb", "4C53"] {
      #expect(!drive.matches(confirmation: text), "\(text)")
    }
  }

  @Test func aMountedDriveIsRefusedWithItsOwnStatus() {
    #expect(
      DriveDiscoveryFailure.refused(drive: "/dev/sdb", refusals: [.noMedium(drive: "/dev/sdb")]).kind
        == .refusedTarget)
    let locked = DriveDiscoveryFailure.refused(drive: "/dev/sdb", refusals: [.writeProtected(drive: "/dev/sdb")])
    #expect(locked.kind == .writeProtected && locked.code == "write-protected")
  }
}

@Suite struct IdentityTests {
  private let meant = DriveIdentity(
    serial: "A1", wwn: nil, model: "SanDisk Ultra", size: ByteCount(Int64(8) << 30), port: "pci-1-usb-0:2:1.0",
    sequence: 7)

  @Test func theSameDriveDiffersInNothing() { #expect(meant.differences(from: meant) == []) }

  @Test func everyFieldCounts() {
    var other = meant
    other.serial = nil
    #expect(other.differences(from: meant) == [.serial])
    other.model = "SanDisk Extreme"
    other.size = .zero
    other.port = "pci-1-usb-0:3:1.0"
    other.sequence = 8
    #expect(other.differences(from: meant) == [.serial, .model, .size, .port, .sequence])
    #expect(other.text(of: .size) == "0 bytes" && other.text(of: .serial) == "none")
  }

  @Test func whatWasNotKnownCannotDiffer() {
    var vague = meant
    vague.serial = nil
    vague.sequence = nil
    #expect(meant.differences(from: vague) == [])
  }

  @Test(arguments: [
    ("usb-stick-blank", "sdb", "4C530001230415111234", "SanDisk Ultra", "pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0"),
    ("usb-behind-hub", "sdb", "4C530001230415111234", "SanDisk Ultra", "pci-0000:00:14.0-usb-0:4.3.2:1.0-scsi-0:0:0:0"),
    (
      "card-reader-multi-slot", "sdc", "20120501030900000", "Generic- Compact Flash",
      "pci-0000:00:14.0-usb-0:6:1.0-scsi-0:0:0:1"
    ),
    ("sd-card", "mmcblk0", "0x3ae1f2c4", "SC32G", "pci-0000:00:1a.0-mmc-0"),
    ("laptop-usb-stick", "nvme0n1", "S5GXNF0R123456", "Samsung SSD 980 PRO 512GB", "pci-0000:3d:00.0-nvme-1"),
    ("sata-disks", "sda", "1907E1E4B5A6", "CT500MX500SSD1", "pci-0000:00:17.0-ata-1-scsi-0:0:0:0"),
  ])
  func identityComesFromTheHardware(situation: String, name: String, serial: String, model: String, port: String) throws
  {
    let device = try #require(try Situation(situation).machine.devices.first { $0.name == name })
    #expect(
      device.identity.serial == serial && device.identity.model == model && device.identity.port == port,
      "\(device.identity)")
  }

  @Test func aSerialNumberOfZerosIsNone() throws {
    let device = try #require(try Situation("usb-ssd-fixed").machine.devices.first { $0.name == "sdb" })
    #expect(device.identity.serial == nil && device.identity.wwn == "naa.5000000000000001")
  }

  @Test func anotherStickUnderTheSamePathIsAChange() throws {
    let before = try Situation("usb-stick-blank").machine
    var after = before
    let index = try #require(after.devices.firstIndex { $0.name == "sdb" })
    after.devices[index].sequence = 99
    let changes = DriveChange.between(DriveSurvey(before), and: DriveSurvey(after))
    #expect(changes.map(\.kind) == [.removed, .added] && changes.allSatisfy { $0.drive.path == "/dev/sdb" })
    after.devices[index].sequence = before.devices[index].sequence
    after.mounts.append(Mount(number: after.devices[index].number, point: "/mnt", type: "vfat", source: "/dev/sdb"))
    #expect(DriveChange.between(DriveSurvey(before), and: DriveSurvey(after)).map(\.kind) == [.changed])
    after.devices.remove(at: index)
    #expect(DriveChange.between(DriveSurvey(before), and: DriveSurvey(after)).map(\.kind) == [.removed])
    #expect(DriveChange.between(DriveSurvey(before), and: DriveSurvey(before)).isEmpty)
  }
}
