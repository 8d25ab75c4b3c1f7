// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia
@testable import lifeboat

/// What `write` decides before it opens a drive, on machines that are fixtures.
@Suite struct WritePlanTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func job(
    _ mode: FlashSession.Mode = .write, name: String = "stick.img", requirement: Requirement = Requirement(),
    data: DataPartition? = nil
  ) async throws -> FlashJob {
    let image = try folder.write(name, [UInt8](repeating: 7, count: 3_000_000))
    var options = FlashSession.Options()
    options.mode = mode
    options.data = data
    let console = Console(
      results: TestScreen().stream, progress: ProgressRenderer(TestScreen().stream) { .zero }, environment: [:])
    return FlashJob(
      source: try await FlashSource(image).open(), options: options, requirement: requirement, json: false,
      console: console)
  }

  @Test func thePlanNamesImageAndDrives() async throws {
    let plan = try await job().plan(["/dev/sdb"], in: Machine.survey("laptop-usb-stick"))
    #expect(
      plan.text == """
        write and verify \(folder.appending("stick.img")), 3.0 MB
          /dev/sdb  SanDisk Ultra  4C530001230415111234  30.7 GB  dos: vfat "USB"
        Everything on it will be lost.
        """)
    let two = try await job().plan(["/dev/sdb", "/dev/sdc"], in: Machine.survey("two-identical-sticks"))
    #expect(two.text.contains("no serial number") && two.text.hasSuffix("Everything on them will be lost."))
  }

  @Test(arguments: [
    (FlashSession.Mode.update, "update to "), (.verifyOnly, "compare with "),
    (.writeWithoutVerifying, "write, without verifying, "),
  ])
  func thePlanSaysWhatIsDone(mode: FlashSession.Mode, verb: String) async throws {
    let text = try await job(mode).plan(["/dev/sdb"], in: Machine.survey("laptop-usb-stick")).text
    #expect(text.hasPrefix(verb), "\(text)")
    #expect(text.contains("will be lost") == (mode == .writeWithoutVerifying), "\(text)")
  }

  @Test func thePlanSaysWhatBecomesOfThePartitionForData() async throws {
    let machine = "usb-medium-with-data"
    let update = try await job(.update).plan(["/dev/sdb"], in: Machine.survey(machine)).text
    #expect(update.hasSuffix("Lifeboat medium TIER1, exfat \"RESCUED\"  keeps 30.2 GB exfat \"RESCUED\""), "\(update)")
    let anew = try await job(data: DataPartition(.ext4)).plan(["/dev/sdb"], in: Machine.survey(machine)).text
    #expect(
      anew.hasSuffix(
        """
        exfat "RESCUED"  + 30.6 GB ext4 "LIFEBOAT"
        Everything on it will be lost, including what was saved in the data partition of /dev/sdb (30.2 GB exfat "RESCUED").
        """), "\(anew)")
    let added = try await job(.update, data: DataPartition()).plan(["/dev/sdb"], in: Machine.survey("usb-old-medium"))
    #expect(added.text.hasSuffix("Lifeboat medium TIER1  + 30.6 GB exfat \"LIFEBOAT\""), "\(added.text)")
  }

  @Test func thePlanNamesWhatProvesTheImage() async throws {
    try folder.write("stick.img.sha256", String(repeating: "0", count: 64) + "  stick.img\n")
    let text = try await job().plan(["/dev/sdb"], in: Machine.survey("laptop-usb-stick")).text
    #expect(text.contains("\n  with the checksum \(folder.appending("stick.img.sha256"))\n"), "\(text)")
  }

  /// A path, a port and a model may be another drive's tomorrow.
  @Test(arguments: [
    ("/dev/sdb", "path"), ("sdb", "path"), ("/dev/disk/by-path/pci-0000:00:14.0-usb-0:2:1.0-scsi-0:0:0:0", "port"),
    ("SanDisk Ultra", "model"),
  ])
  func aScriptMustGiveAnIdentity(name: String, what: String) async throws {
    let plan = try await job().plan([name], in: Machine.survey("usb-stick-blank"))
    let failure = #expect(throws: WriteFailure.self) { try plan.requireIdentities() }
    #expect(failure == .notAnIdentity(path: "/dev/sdb", name: what, identity: "4C530001230415111234"))
    #expect(failure?.kind == .badRequest && failure?.remedy?.contains("4C530001230415111234") == true)
  }

  @Test(arguments: ["4C530001230415111234", "usb-SanDisk_Ultra_4C530001230415111234-0:0"])
  func anIdentityIsEnough(name: String) async throws {
    try await job().plan([name], in: Machine.survey("usb-stick-blank")).requireIdentities()
  }

  @Test func oneNameThatIsNoneStopsAll() async throws {
    let survey = try Machine.survey("two-identical-sticks")
    let plan = try await job().plan(["/dev/sdb", "/dev/sdc"], in: survey)
    let failure = #expect(throws: WriteFailure.self) { try plan.requireIdentities() }
    #expect(failure == .notAnIdentity(path: "/dev/sdb", name: "path", identity: nil))
    #expect(failure?.remedy?.contains("neither a serial number") == true)
  }

  /// A loop device is a file that somebody named: no next one takes its place by being plugged in.
  @Test func aLoopDeviceNeedsNoIdentity() async throws {
    let job = try await job(requirement: Requirement(allowsLoopDevices: true))
    try job.plan(["/dev/loop0"], in: Machine.survey("loop-allowed")).requireIdentities()
  }

  @Test(arguments: [
    ("usb-mounted", "/dev/sdb", "mounted"), ("laptop-usb-stick", "/dev/nvme0n1", "system-disk"),
    ("usb-lvm-inactive", "/dev/sdb", "member"), ("loop-allowed", "/dev/loop0", "loop-device"),
  ])
  func whatMayNotBeWrittenIsNotPlanned(machine: String, drive: String, code: String) async throws {
    let job = try await job()
    let failure = #expect(throws: DriveDiscoveryFailure.self) { try job.plan([drive], in: Machine.survey(machine)) }
    #expect(failure?.code == code && failure?.kind == .refusedTarget)
  }

  /// An image without tables, such as a file system, may go to any blocks.
  @Test func blocksOfAnotherSizeAreRefusedForImagesWithTables() async throws {
    let survey = try Machine.survey("usb-4k-native")
    let job = try await job()
    let failure = #expect(throws: DriveDiscoveryFailure.self) { try job.plan(["/dev/sdb"], in: survey) }
    #expect(failure?.code == "block-size" && failure?.kind == .refusedTarget)
    #expect(failure?.message.contains("logical blocks of 4096 bytes") == true)
    #expect(
      try await self.job(requirement: Requirement(blockSize: nil)).plan(["/dev/sdb"], in: survey).drives.count == 1)
  }

  @Test func oneRefusedDriveStopsTheOthers() async throws {
    let job = try await job()
    #expect(throws: DriveDiscoveryFailure.self) {
      try job.plan(["/dev/sdb", "/dev/nvme0n1"], in: Machine.survey("laptop-usb-stick"))
    }
  }

  @Test func aDriveNamedTwiceIsWrittenOnce() async throws {
    let plan = try await job().plan(["/dev/sdb", "4C530001230415111234"], in: Machine.survey("usb-stick-blank"))
    #expect(plan.drives.map(\.path) == ["/dev/sdb"])
  }

  @Test func allRemovableIsWhatMayBeWritten() async throws {
    let job = try await job()
    #expect(
      try job.plan(everythingIn: Machine.survey("two-identical-sticks")).drives.map(\.path) == ["/dev/sdb", "/dev/sdc"])
    let failure = #expect(throws: WriteFailure.self) { try job.plan(everythingIn: Machine.survey("usb-mounted")) }
    #expect(failure == .nothingToWrite)
  }

  @Test func aStationPassesOverWhatWasThereAndSaysHowToHaveItWritten() throws {
    let before = try Machine.survey("laptop-usb-stick")
    let stick = try before.select("/dev/sdb").drive
    let appeared = [DriveChange(kind: .removed, drive: stick), DriveChange(kind: .added, drive: stick)]
    let door = StationDoor(image: "tier1.iso")
    #expect(door.sort(appeared, in: before).come == [stick], "nothing was there")
    door.close(to: before)
    let (come, words) = door.sort(appeared, in: before)
    #expect(come.isEmpty)
    #expect(words.first?.hasPrefix("/dev/sdb (SanDisk Ultra, 4C530001230415111234, ") == true)
    #expect(words.first?.hasSuffix("the station began, since a drive with its serial number was there.") == true)
    #expect(words.last?.hasSuffix("name it: lifeboat write tier1.iso 4C530001230415111234") == true, "\(words)")
  }

  @Test func theStatusIsThatOfAllOrPartial() throws {
    let drive = try #require(try Machine.survey("usb-stick-blank").drives.last)
    let good = FlashReport.Target(drive, outcome(nil))
    let gone = FlashReport.Target(drive, outcome(.gone("/dev/sdb")))
    let worn = FlashReport.Target(drive, outcome(.verify("/dev/sdb", [])))
    func status(_ targets: FlashReport.Target...) -> lifeboat.ExitStatus {
      FlashReport(image: "x", targets: targets).status
    }
    #expect(status(good, good) == .success)
    #expect(status(gone) == .deviceGone && status(gone, gone) == .deviceGone && status(worn) == .verifyFailed)
    #expect(status(good, gone) == .partial && status(worn, gone) == .partial)
    #expect(status(FlashReport.Target(drive, outcome(nil, cancelled: true))) == .interrupted)
    #expect(
      status(FlashReport.Target(drive, notOpened: FlashMediaFailure.writeProtected("/dev/sdb"))) == .writeProtected)
  }

  private func outcome(_ failure: FlashMediaFailure?, cancelled: Bool = false) -> FlashOutcome {
    FlashOutcome(
      target: "/dev/sdb", state: .complete, failure: failure, wasCancelled: cancelled, written: .zero, skipped: .zero,
      zeroed: .zero, seconds: 0, repaired: [])
  }
}
