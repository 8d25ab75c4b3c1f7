// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Disks

/// Another disk comes in place of the one that was opened.
@Suite struct OtherDiskTests {
  private let small = 8 << 20

  /// The name leads to a stranger: what is written goes to what was opened, and nobody goes on.
  @Test func aFileThatWasRenamed() async throws {
    let folder = try TemporaryFolder()
    let path = try ImageMaker.sparse(folder.appending("disk"), size: small, data: [])
    let disk = try Disk(path, isWriting: true)
    try disk.requireSame()
    #expect(try disk.device() == path)
    try await ExternalCommand("mv", [path.string, folder.appending("moved").string]).run()
    let stranger = try ImageMaker.sparse(path, size: small, data: [0..<4096])
    let before = try Digest(ofFile: stranger)
    for check in [disk.requireSame, { _ = try disk.device() }] {
      #expect(throws: DiskFailure.nameTaken(path)) { try check() }
    }
    try disk.write([1, 2, 3], at: 0)
    #expect(try Digest(ofFile: stranger) == before)
    #expect(try FileTree.bytes(of: folder.appending("moved")).prefix(3) == [1, 2, 3])
  }

  /// The device's number belongs to another drive by now, or did so when it was opened.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func anotherDriveUnderTheNumber() async throws {
    let folder = try TemporaryFolder()
    let path = try ImageMaker.sparse(folder.appending("disk"), size: small, data: [])
    try await Loop.with(path) { device in
      let meant = DriveIdentity(
        serial: "A1", wwn: nil, model: "Stick", size: ByteCount(Int64(small)), port: "usb1", sequence: 7)
      let found = Mutex(meant)
      let disk = try Disk(device, isWriting: true, expected: meant) { _ in found.withLock { $0 } }
      try disk.requireSame()
      #expect(try disk.device() == device)
      found.withLock { $0.serial = "B2" }
      let failure = DiskFailure.otherDisk(device, field: "serial number", expected: "A1", found: "B2")
      #expect(throws: failure) { try disk.requireSame() }
      #expect(throws: failure) {
        try Disk(device, isWriting: false, expected: meant) { _ in found.withLock { $0 } }
      }
      #expect(failure.kind == .refusedTarget && failure.code == "other-device")
    }
  }

  /// A loop device that was detached and has another file by now.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func aDeviceWithAnotherMedium() async throws {
    let folder = try TemporaryFolder()
    let first = try ImageMaker.sparse(folder.appending("first"), size: small, data: [])
    let meant = try await Loop.with(first) { device in
      let place = try Disk.Place(device)
      return (device, try DriveIdentity.current(of: DeviceNumber(rawValue: place.number)))
    }
    let second = try ImageMaker.sparse(folder.appending("second"), size: small * 2, data: [])
    try await Loop.with(second) { device in
      #expect {
        try Disk(device, isWriting: true, expected: meant.1)
      } throws: {
        ($0 as? DiskFailure)?.code == "other-device"
      }
    }
  }

  /// A table that leaves most of the disk to itself does not fill the memory.
  @Test func aTableThatEndsEarly() async throws {
    let folder = try TemporaryFolder()
    let path = try ImageMaker.sparse(folder.appending("disk"), size: 512 << 20, data: [])
    let script = "label: gpt\nlast-lba: 8191\nstart=2048, size=2048, type=L\nstart=4096, size=2048, type=L\n"
    let made = try await Tool.run("sfdisk", ["-q", path.string], input: Array(script.utf8))
    try #require(made.status == 0, "\(made)")
    let disk = try Disk(path, isWriting: true)
    let table = try PartitionTable(of: disk)
    #expect(table.tables.allSatisfy { $0.count <= 16 << 20 })
    _ = try table.remove(2)
    _ = try table.write(before: try PartitionTable(of: disk), by: disk)
    let judged = try await Tool.run("sgdisk", ["-v", path.string])
    #expect(judged.output.contains("No problems found"), "\(judged)")
    #expect(try PartitionTable(of: disk).layout().partitions.map(\.number) == [1])
  }
}
