// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// What others do to a disk between the plan and the work, and what cannot be read of it.
@Suite struct MeanwhileTests {
  /// While somebody thought about the plan, another program has made a partition where the new one was to be.
  @Test func aPartitionInThePlannedPlaceIsNotOverwritten() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let set = try await RecoverySet(try await SmallMedia.shared.iso(), key: nil) { _ in }
    let installer = try disk.installer()
    let plan = try await installer.plan(set, .init(size: .mebibytes(300)))
    let script = Array("start=649216, size=204800, type=L\n".utf8)
    #expect(try await Tool.run("sfdisk", ["-q", "--append", disk.path.string], input: script).status == 0)
    let before = try Digest(ofFile: disk.path)
    await #expect(throws: DiskFailure.changed(disk.path)) { try await installer.install(set, plan) }
    #expect(try Digest(ofFile: disk.path) == before)
  }

  /// The partition's number belongs to another one by now.
  @Test func onlyThePartitionThatWasShownIsRemoved() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    try await disk.install(try await SmallMedia.shared.iso())
    let installer = try disk.installer()
    let status = try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
    #expect(status.partition.number == 4)
    #expect(try await Tool.run("sfdisk", ["-q", "--delete", disk.path.string, "3", "4"]).status == 0)
    let script = "start=239616, size=409600, type=L, uuid=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"
    for line in ["4 : " + script, "3 : start=649216, size=614400, type=L\n"] {
      let made = try await Tool.run(
        "sfdisk", ["-q", "-N", String(line.prefix(1)), disk.path.string], input: Array(line.utf8.dropFirst(4)))
      #expect(made.status == 0, "\(made)")
    }
    let before = try Digest(ofFile: disk.path)
    for keeps in [true, false] {
      await #expect(throws: DiskFailure.changed(disk.path)) {
        try await installer.remove(status, keepsPartition: keeps)
      }
    }
    #expect(try Digest(ofFile: disk.path) == before)
  }

  /// A partition was deleted from the table while it was in use: for the kernel, and for who has mounted it, it is there.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices"))
  func whatTheKernelStillHasIsNotFree() async throws {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let medium = try await SmallMedia.shared.iso()
    try await Loop.with(disk.path, ["-P"]) { device in
      // Kernels without support for a GPT are told.
      #expect(try await Tool.run("partx", ["-u", device.string]).status == 0)
      let deleted = try await Tool.run(
        "sfdisk", ["-q", "--no-reread", "--no-tell-kernel", "--delete", device.string, "3"])
      #expect(deleted.status == 0, "\(deleted)")
      await #expect(
        throws: DiskFailure.kernelDiffers(device, device: FilePath("\(device)p3"))
      ) { try await disk.install(medium, on: device) }
      // The kernel takes the table: now the place is free.
      #expect(try await Tool.run("partx", ["-d", "--nr", "3", device.string]).status == 0)
      try await disk.install(medium, on: device)
    }
  }

  private static func hold(_ device: String) throws -> FileDescriptor {
    try FileDescriptor.open(FilePath(device), .readOnly, options: [.exclusiveCreate, .closeOnExec])
  }

  /// A mount holds a partition's device alone, and so does this test.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices"))
  func nobodyMountsItDuringAnUpdateNorTheOtherWayRound() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let set = try await RecoverySet(
      try await SmallMedia.shared.iso(tools: "newer tools", number: 2), key: nil
    ) { _ in }
    try await Loop.with(disk.path, ["-P"]) { device in
      try await disk.install(try await SmallMedia.shared.iso(), on: device)
      let attempts = Mutex<[Errno?]>([])
      let installer = RecoveryInstaller(try Disk(device, isWriting: true), registration: ImageBoot()) { _ in
        let outcome: Errno?
        do {
          try Self.hold("\(device)p4").close()
          outcome = nil
        } catch { outcome = error as? Errno }
        attempts.withLock { $0.append(outcome) }
      }
      let status = try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
      let mount = try Self.hold("\(device)p4")
      let refusal = DiskFailure.inUse(device, number: 4)
      await #expect(throws: refusal) { try await installer.update(to: set, allowing: .init()) }
      await #expect(throws: refusal) { try await installer.remove(status, keepsPartition: false) }
      #expect(throws: refusal) { try installer.rollBack() }
      try mount.close()
      attempts.withLock { $0 = [] }
      _ = try await installer.update(to: set, allowing: .init())
      #expect(attempts.withLock { !$0.isEmpty && $0.allSatisfy { $0 == .resourceBusy } })
      let now = try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
      #expect(try await installer.remove(now, keepsPartition: false).isKnownToKernel)
    }
  }

  /// What could not be read is not taken for empty: BitLocker may be there, or a recovery partition.
  @Test func whatCannotBeReadIsARefusal() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let target = try Disk(disk.path, isWriting: false)
    let probe = Probe.look(at: disk.path)
    #expect(try DiskExamination(target, probe).layout.partitions.count == 3)
    var partly = probe
    partly.table?.entries[2].signatures = nil
    let failure = RecoveryPartitionFailure.unreadable(disk.path, number: 3, reason: nil)
    #expect(throws: failure) { try DiskExamination(target, partly) }
    #expect(failure.message == "what lies on partition 3 of \(disk.path) cannot be read")
    #expect(throws: RecoveryPartitionFailure.unreadable(disk.path, number: nil, reason: "I/O error")) {
      try DiskExamination(target, Probe(source: .failed, error: "I/O error"))
    }
    var contradictory = probe
    (contradictory.isAmbivalent, contradictory.signatures) = (true, [.init(type: "ext4"), .init(type: "ntfs")])
    #expect(throws: RecoveryPartitionFailure.contradictory(disk.path, ["ext4", "ntfs"])) {
      try DiskExamination(target, contradictory)
    }
    // An older file system's signature beside it does not hide BitLocker.
    var both = probe
    both.table?.entries[2].signatures = [
      .init(type: "ext4", usage: "filesystem"), .init(type: "BitLocker", usage: "crypto"),
    ]
    #expect(try DiskExamination(target, both).hasBitLocker)
  }
}
