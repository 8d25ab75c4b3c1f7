// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// Sticks with a partition for data, judged by sgdisk, sfdisk, blkid, fsck.exfat and e2fsck.
@Suite(.serialized) struct DataTests {
  let stick: DataStick
  init() throws { stick = try DataStick() }

  private func target(_ fault: FakeTarget.Fault = .none, size: Int = DataStick.size) -> FakeTarget {
    FakeTarget(size: Int64(size), fault)
  }

  // MARK: Layout

  @Test func thePartitionBeginsWhereALargerImageEnds() {
    let (mebibyte, gigabyte): (Int64, Int64) = (1 << 20, 1 << 30)
    #expect(DataLayout.partition(behind: 10 * mebibyte + 1, on: gigabyte) == 75 * mebibyte..<1023 * mebibyte)
    #expect(DataLayout.partition(behind: 400 * mebibyte, on: gigabyte + 512) == 500 * mebibyte..<1023 * mebibyte)
    #expect(DataLayout.needed(image: 400 * mebibyte) == 565 * mebibyte)
    #expect(DataLayout.partition(behind: 400 * mebibyte, on: 565 * mebibyte) == 500 * mebibyte..<564 * mebibyte)
    #expect(DataLayout.partition(behind: 400 * mebibyte, on: 565 * mebibyte - 1) == nil)
  }

  @Test func nothingOfTheMBRButTheLengthIsTakenOver() throws {
    let image = (0..<2048).map { UInt8(truncatingIfNeeded: $0 &* 7) }.replacing(450, with: 0xee)
    let table = [UInt8](repeating: 0x55, count: 2048).replacing(450, with: 0xee)
    let head = try #require(MergedHead.bytes(image: image, table: table, bound: 1024))
    let changed = head.indices.filter { head[$0] != image[$0] }
    #expect(head.count == 1024 && changed.allSatisfy { (451..<454).contains($0) || 458..<462 ~= $0 || $0 >= 512 })
    #expect(head[512...].allSatisfy { $0 == 0x55 } && head[451] == 0x55 && head[461] == 0x55)
    #expect(MergedHead.bytes(image: image.replacing(450, with: 0x17), table: table, bound: 1024) == nil)
    #expect(MergedHead.bytes(image: image, table: table.replacing(450, with: 0x83), bound: 1024) == nil)
    #expect(MergedHead.bytes(image: Array(image[..<1023]), table: table, bound: 1024) == nil)
  }

  @Test(arguments: [
    (DataPartition.FileSystem.exfat, ""), (.exfat, "TWELVE CHARS"), (.exfat, "A/B"), (.ext4, ""), (.ext4, "A/B"),
    (.ext4, "A\nB"), (.ext4, " A"), (.ext4, "seventeen letters"), (.ext4, "äöüäöüäöü"),
  ])
  func whatIsNoLabelIsRefused(fileSystem: DataPartition.FileSystem, label: String) {
    let failure = #expect(throws: FlashMediaFailure.self) { try DataPartition(fileSystem, label: label) }
    #expect(failure?.code == "bad-label" && failure?.kind == .badRequest && failure?.remedy != nil)
  }

  @Test func theProgramsPackagesAreKnown() {
    #expect(DataPartition.FileSystem.exfat.commands("/x", label: "A").allSatisfy { $0.package == "exfatprogs" })
    #expect(DataPartition.FileSystem.ext4.commands("/x", label: "A").allSatisfy { $0.package == "e2fsprogs" })
    #expect(PartitionTable.program.package == "fdisk")
    let failure = FlashMediaFailure.data(.program(.notInstalled(program: "sfdisk", package: "fdisk")))
    #expect(failure.remedy == "Install it: apt-get install fdisk" && failure.kind == .unavailable)
  }

  // MARK: Writing

  @Test(arguments: [
    (DataPartition.FileSystem.exfat, "Fotos", "exfat", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"),
    (.ext4, "saved-by-lifebt", "ext4", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"),
  ])
  func theDriveHoldsImageAndFileSystem(
    fileSystem: DataPartition.FileSystem, label: String, type: String, identifier: String
  ) async throws {
    let image = try await stick.image()
    let target = target()
    let outcome = try await stick.one(image, target, data: try DataPartition(fileSystem, label: label))
    #expect(outcome.isSuccess && outcome.state == .complete && outcome.repaired.isEmpty, "\(outcome)")
    #expect(try stick.holds(target, image))
    let file = try stick.dump(target)
    let (entry, found) = try await stick.dataPartition(file)
    #expect(found["TYPE"] == type && found["LABEL"] == label && entry.type == identifier, "\(found)")
    #expect(entry.range == 76 << 20..<207 << 20 && outcome.data?.range == FlashRange(entry.range))
    #expect(try await stick.table(file).map(\.name) == ["ISO9660", "Appended2", "lifeboat-data"])
    #expect(target.writes.last?.range == 0..<2 << 20, "the first piece last")
    if fileSystem == .ext4 {
      let root = try await Tool.run("debugfs", ["-R", "stat /", stick.folder.appending("part").string])
      #expect(root.output.contains("Mode:  01777"), "whoever is logged in can save something: \(root)")
    }
  }

  @Test func eachDriveGetsItsOwnSizeAndIdentifiers() async throws {
    let targets = [target(), target(size: 149 << 20)]
    let outcomes = try await stick.run(try await stick.image(), targets, data: try DataPartition())
    #expect(outcomes.allSatisfy { $0.isSuccess }, "\(outcomes)")
    let first = try await stick.dataPartition(try stick.dump(targets[0]))
    let second = try await stick.dataPartition(try stick.dump(targets[1]))
    #expect(first.entry.range.upperBound == 207 << 20 && second.entry.range.upperBound == 148 << 20)
    #expect(first.entry.uuid != second.entry.uuid && first.found["UUID"] != second.found["UUID"])
  }

  @Test func aFullWriteWithoutDataLeavesNoPartition() async throws {
    let image = try await stick.image()
    let target = target()
    #expect(try await stick.one(image, target, data: try DataPartition()).isSuccess)
    let outcome = try await stick.one(image, target)
    #expect(outcome.isSuccess && outcome.data == nil)
    #expect(target.begins(with: try FileTree.bytes(of: image)), "the table is the image's again")
    #expect(target.bytes.suffix(1 << 20).allSatisfy { $0 == 0 }, "and its backup is gone")
  }

  /// The boot record of exFAT, the partition's erased front, and the backup of the table.
  @Test(arguments: [76 << 20, (78 << 20) + 5000, Int64(DataStick.size) - 512] as [Int64])
  func aBitThatFlipsIsRepaired(place: Int64) async throws {
    let image = try await stick.image()
    let target = target(.flipsBit(at: place, times: 2))
    let outcome = try await stick.one(image, target, data: try DataPartition()) { $0.probe = .none }
    #expect(outcome.isSuccess, "\(outcome)")
    #expect(outcome.repaired.contains { $0.bounds.contains(place) }, "\(outcome)")
    _ = try await stick.dataPartition(try stick.dump(target))
  }

  @Test func aDriveWhoseFileSystemStaysWrongStartsNothing() async throws {
    let target = target(.flipsBit(at: 76 << 20, times: .max))
    let outcome = try await stick.one(try await stick.image(), target, data: try DataPartition())
    #expect(outcome.failure?.code == "verify-failed" && outcome.state == .incompleteNotBootable, "\(outcome)")
    #expect(target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
  }

  @Test(arguments: [5 << 20, 76 << 20, Int64(DataStick.size) - 512] as [Int64])
  func aWriteThatFailsInTheMiddleStartsNothing(place: Int64) async throws {
    let target = target(.failsWrite(at: place, .ioError))
    let outcome = try await stick.one(try await stick.image(), target, data: try DataPartition())
    #expect(outcome.failure?.code == "write-failed" && outcome.state == .incompleteNotBootable, "\(outcome)")
    #expect(target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
  }

  // MARK: Refusals

  private func expectRefusal(
    _ image: FilePath, _ target: FakeTarget, _ mode: FlashSession.Mode = .write, _ expected: FlashMediaFailure
  ) async throws {
    let before = target.writes.count
    let outcome = try await stick.one(image, target, mode, data: try DataPartition())
    #expect(outcome.failure == expected && outcome.state == .untouched, "\(outcome)")
    #expect(target.writes.count == before, "nothing is written")
  }

  @Test func aDriveThatIsTooSmallIsRefusedWithTheSizeThatIsNeeded() async throws {
    let image = try await stick.image()
    let target = target(size: (141 << 20) - 512)
    try await expectRefusal(
      image, target, .write, .refused("fake", .tooSmall(size: ByteCount((141 << 20) - 512), needed: .mebibytes(141))))
    #expect(DataPartition.needed(for: .mebibytes(12)) == .mebibytes(141))
    let enough = self.target(size: 141 << 20)
    let outcome = try await stick.one(image, enough, data: try DataPartition())
    #expect(outcome.data?.range.length == .mebibytes(64), "\(outcome)")
    _ = try await stick.dataPartition(try stick.dump(enough))
  }

  @Test func anImageWithoutATableIsRefused() async throws {
    let plain = try ImageMaker.sparse(stick.folder.appending("plain"), size: 3 << 20, data: [0..<3 << 20])
    try await expectRefusal(plain, target(), .write, .data(.noTable(image: plain)))
    let old = try ImageMaker.sparse(stick.folder.appending("dos"), size: 3 << 20, data: [])
    let script = Array("label: dos\nstart=64, size=4096, type=ef\n".utf8)
    #expect(try await Tool.run("sfdisk", ["-q", old.string], input: script).status == 0)
    try await expectRefusal(old, target(), .write, .data(.noTable(image: old)))
    await #expect(throws: FlashMediaFailure.data(.noTable(image: old))) {
      try await DataPartition().check(try await FlashSource(old).open())
    }
  }

  @Test func anImageThatDoesNotTellItsSizeIsRefused() async throws {
    let image = try await stick.image()
    #expect(try await Tool.run("gzip", ["-1k", image.string]).status == 0)
    let packed = FilePath(image.string + ".gz")
    try await expectRefusal(packed, target(), .write, .data(.unknownSize(image: packed)))
    await #expect(throws: FlashMediaFailure.data(.unknownSize(image: packed))) {
      try await DataPartition().check(try await FlashSource(packed).open())
    }
  }

  @Test func aPackedImageThatTellsItsSizeIsTaken() async throws {
    let image = try await stick.image()
    #expect(try await Tool.run("zstd", ["-q", "-1", image.string]).status == 0)
    let packed = FilePath(image.string + ".zst")
    try await DataPartition().check(try await FlashSource(packed).open())
    let target = target()
    #expect(try await stick.one(packed, target, data: try DataPartition(.ext4)).isSuccess)
    #expect(try stick.holds(target, image))
    _ = try await stick.dataPartition(try stick.dump(target))
  }

  @Test func largerBlocksAreRefused() async throws {
    let target = FakeTarget(size: Int64(DataStick.size), blockSize: 4096)
    try await expectRefusal(try await stick.image(), target, .write, .data(.blockSize("fake", 4096)))
  }

  @Test(arguments: [true, false]) func nothingIsLeftBehind(fails: Bool) async throws {
    struct Failed: Error { var folder: FilePath }
    var folder: FilePath
    do {
      folder = try await DriveFile.withFolder {
        let drive = try DriveFile(in: $0, size: 1 << 20)
        #expect(FileTree.status(of: drive.path)?.size == 1 << 20)
        if fails { throw Failed(folder: $0) }
        return $0
      }
    } catch let failed as Failed { folder = failed.folder }
    #expect(FileTree.kind(of: folder) == nil)
  }
}

extension [UInt8] {
  fileprivate func replacing(_ index: Int, with byte: UInt8) -> [UInt8] {
    var bytes = self
    bytes[index] = byte
    return bytes
  }
}
