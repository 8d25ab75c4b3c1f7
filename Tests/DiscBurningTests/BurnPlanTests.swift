// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import MediumReading
import SystemPackage
import Testing

@testable import DiscBurning

/// What may be burnt where, decided from descriptions.
@Suite struct BurnPlanTests {
  private static let image = ByteCount(400_000_001)
  private static let blanking = BurnRequest(mayBlank: true)

  /// The plan's preparation, or the code of the refusal.
  private func outcome(_ drive: OpticalDrive, _ request: BurnRequest = BurnRequest(), size: ByteCount = image)
    -> String
  {
    do { return try BurnPlan(size: size, drive: drive, request: request).preparation.rawValue } catch {
      return error.code
    }
  }

  @Test(arguments: [
    (Discs.cdr, "nothing", "nothing"), (Discs.blankCDRW, "nothing", "nothing"), (Discs.usedCDRW, "not-blank", "blank"),
    (Discs.appendableCDR, "not-blank", "not-blank"), (Discs.dvdr, "nothing", "nothing"),
    (Discs.closedDVDR, "not-blank", "not-blank"), (Discs.usedDVDRW, "not-blank", "blank"),
    (Discs.dvdPlusR, "nothing", "nothing"), (Discs.newDVDPlusRW, "nothing", "nothing"),
    (Discs.usedDVDPlusRW, "not-blank", "overwrite"), (Discs.dvdRAM, "nothing", "nothing"),
    (Discs.protectedDVDRAM, "write-protected", "write-protected"), (Discs.bdr, "nothing", "nothing"),
    (Discs.newBDRE, "format", "format"), (Discs.usedBDRE, "not-blank", "overwrite"),
    (Discs.dvdROM, "read-only-medium", "read-only-medium"), (Discs.unusable, "unusable-medium", "unusable-medium"),
  ])
  func everyDiscHasItsAnswer(medium: OpticalMedium, plain: String, blanking: String) {
    #expect(outcome(Discs.writer(medium)) == plain, "\(medium.profile.name)")
    #expect(outcome(Discs.writer(medium), Self.blanking) == blanking, "\(medium.profile.name) with --blank")
  }

  @Test func aDriveMayBeTheReason() {
    #expect(outcome(Discs.writer(nil)) == "no-medium")
    let reader = OpticalDrive(address: "/dev/sr0", vendor: "QEMU", model: "QEMU DVD-ROM", medium: Discs.closedDVDR)
    #expect(outcome(reader) == "drive-cannot-write")
    var old = Discs.writer(Discs.bdr)
    old.writes = [DiscProfile(0x09), DiscProfile(0x0A), DiscProfile(0x11)]
    #expect(outcome(old) == "wrong-medium")
    for (obstacle, code) in [
      (OpticalDrive.Obstacle.busy(mountedAt: "/mnt"), "drive-busy"), (.busy(mountedAt: nil), "drive-busy"),
      (.noPermission, "permission-denied"), (.silent(said: ""), "drive-silent"),
    ] {
      #expect(outcome(OpticalDrive(address: "/dev/sr0", vendor: "A", model: "B", obstacle: obstacle)) == code)
    }
  }

  @Test func sizeCountsInWholeSectors() throws {
    var medium = Discs.dvdPlusR
    medium.capacity = ByteCount(4096)
    #expect(try BurnPlan(size: ByteCount(2049), drive: Discs.writer(medium), request: BurnRequest()).size.bytes == 4096)
    #expect(outcome(Discs.writer(medium), size: ByteCount(4096)) == "nothing")
    #expect(outcome(Discs.writer(medium), size: ByteCount(4097)) == "too-small")
    // Blanking is no way to find out that a disc is too small.
    #expect(outcome(Discs.writer(Discs.usedCDRW), Self.blanking, size: ByteCount(800_000_000)) == "too-small")
  }

  @Test func simulatingNeedsADriveThatCanAndABlankDisc() {
    let simulation = BurnRequest(isSimulation: true)
    #expect(outcome(Discs.writer(Discs.cdr), simulation) == "nothing")
    #expect(outcome(Discs.writer(Discs.dvdPlusR), simulation) == "cannot-simulate")
    let blanked = BurnRequest(mayBlank: true, isSimulation: true)
    #expect(outcome(Discs.writer(Discs.usedCDRW), blanked) == "not-blank")
  }

  @Test func theOnlySuitableDriveIsTaken() throws {
    let (good, other) = (Discs.writer(Discs.cdr), Discs.writer(Discs.dvdr, address: "/dev/sr1"))
    let empty = Discs.writer(nil, address: "/dev/sr2")
    func choose(_ drives: [OpticalDrive]) -> String {
      do {
        return try BurnPlan.choose(among: drives, size: Self.image, request: BurnRequest()).drive.address
      } catch { return error.code }
    }
    #expect(choose([]) == "no-drive")
    #expect(choose([good]) == "/dev/sr0")
    #expect(choose([empty, good]) == "/dev/sr0")
    #expect(choose([good, other]) == "several-drives")
    #expect(choose([empty]) == "no-medium")
    #expect(choose([empty, Discs.writer(Discs.closedDVDR, address: "/dev/sr3")]) == "no-suitable-drive")
  }

  @Test func anotherDiscIsNoticed() throws {
    let plan = try BurnPlan(size: Self.image, drive: Discs.writer(Discs.usedCDRW), request: Self.blanking)
    #expect(plan.isStillRight(for: plan))
    #expect(plan.destroys)
    let other = try BurnPlan(size: Self.image, drive: Discs.writer(Discs.usedBDRE), request: Self.blanking)
    #expect(!plan.isStillRight(for: other))
    var drive = Discs.writer(Discs.usedCDRW)
    drive.model = "OTHER"
    #expect(!plan.isStillRight(for: try BurnPlan(size: Self.image, drive: drive, request: Self.blanking)))
  }

  @Test func theStateOfTheDiscIsSaid() throws {
    let once = try BurnPlan(size: Self.image, drive: Discs.writer(Discs.dvdr), request: BurnRequest())
    #expect(once.discState(at: .untouched) == "The DVD-R is unchanged.")
    #expect(
      once.discState(at: .writing(ByteCount(1_000_000)))
        == "The DVD-R is spoilt, about 1.0 MB of 400.0 MB were burnt: use another one.")
    #expect(once.discState(at: .verifying) == "The DVD-R is burnt to its end, but not verified.")
    let again = try BurnPlan(size: Self.image, drive: Discs.writer(Discs.usedCDRW), request: Self.blanking)
    #expect(again.discState(at: .writing(ByteCount(5))).hasSuffix("blank it, and burn it again."))
    let simulation = try BurnPlan(
      size: Self.image, drive: Discs.writer(Discs.cdr), request: BurnRequest(isSimulation: true))
    #expect(simulation.discState(at: .writing(ByteCount(5))) == "The CD-R is unchanged: nothing was burnt.")
  }

  @Test func aDiscIsDescribedAsPeopleWould() {
    let texts = [
      (Discs.cdr, "blank"), (Discs.usedCDRW, "used, can be blanked"), (Discs.appendableCDR, "used, not closed"),
      (Discs.closedDVDR, "closed"), (Discs.usedDVDPlusRW, "used, can be overwritten"), (Discs.dvdROM, "read-only"),
      (Discs.newBDRE, "blank, to be formatted"), (Discs.protectedDVDRAM, "write-protected"),
    ]
    for (medium, text) in texts { #expect(medium.stateText == text) }
  }

  @Test func speedsAreThoseOfTheFamily() {
    #expect(BurnSpeed("4")?.kilobytesPerSecond(.cd) == 706)
    #expect(BurnSpeed("4x")?.kilobytesPerSecond(.dvd) == 5540)
    #expect(BurnSpeed("2.4x")?.kilobytesPerSecond(.dvd) == 3324)
    #expect(BurnSpeed("min")?.kilobytesPerSecond(.bd) == -1)
    #expect(BurnSpeed("max")?.kilobytesPerSecond(.bd) == 0)
    for text in ["", "x", "-1", "0", "4xx", "1e3", "fast", "99999", " 4"] { #expect(BurnSpeed(text) == nil, "\(text)") }
    #expect([2822, 8467].map { BurnSpeed.text($0, .cd) } == ["16x", "48x"])
    #expect([3324, 5540, 22160].map { BurnSpeed.text($0, .dvd) } == ["2.4x", "4x", "16x"])
  }

  @Test func everyFailureHelps() {
    let failures: [DiscBurner.Failure] = [
      .noDrive, .noSuchDrive(address: "a", reason: "b"), .severalDrives(["a"]), .noSuitableDrive(["a"]),
      .busy(drive: "a", mountedAt: nil), .permission(drive: "a"), .silent(drive: "a", said: "b"),
      .cannotWrite(drive: "a"), .noMedium(drive: "a"), .wrongMedium(drive: "a", medium: "b"),
      .unusableMedium(drive: "a", medium: "b"), .readOnlyMedium(drive: "a", medium: "b"),
      .tooSmall(drive: "a", medium: "b", needed: .zero, capacity: .zero), .writeProtected(drive: "a"),
      .cannotSimulate(drive: "a", medium: "b"), .incompleteImage("a", size: .zero, volume: .zero),
      .noRegularFile("a"), .imageChanged("a"), .otherMedium(drive: "a"),
      .preparationFailed(drive: "a", said: [], state: "b"),
      .writeFailed(drive: "a", done: .zero, size: .zero, said: ["c"], state: "b"),
      .verifyFailed(drive: "a", first: ByteRange(0..<2048), bad: ByteCount(2048), isUnreadable: true),
      .interrupted(state: "b"), .library("a"),
    ]
    for failure in failures {
      #expect(!failure.message.isEmpty && failure.remedy?.isEmpty == false, "\(failure)")
    }
    #expect(Set(failures.map(\.code)).count == failures.count)
    #expect(DiscBurner.Failure.permission(drive: "/dev/sr0").remedy?.contains("group cdrom") == true)
  }
}
