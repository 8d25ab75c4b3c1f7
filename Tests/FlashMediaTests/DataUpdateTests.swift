// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// What people have saved survives an update of the image.
@Suite(.serialized) struct DataUpdateTests {
  let stick: DataStick
  init() throws { stick = try DataStick() }

  static let partition = 76 << 20..<207 << 20
  /// In the middle of the partition, where no file system has anything of its own.
  static let saved = 150 << 20

  /// A stick with an image and a data partition, in which something has been saved.
  private func written(_ image: FilePath) async throws -> FakeTarget {
    let target = FakeTarget(size: Int64(DataStick.size))
    let outcome = try await stick.one(image, target, data: try DataPartition(.ext4, label: "SAVED"))
    try #require(outcome.isSuccess, "\(outcome)")
    target.put(ImageMaker.bytes(1 << 20, seed: 99), at: Self.saved)
    target.forgetWrites()
    return target
  }

  /// The partition's bytes, in short.
  private func content(_ target: FakeTarget) -> Digest { Digest(of: Array(target.bytes[Self.partition])) }

  @Test(arguments: [true, false]) func anUpdateOfTheSameImageWritesNothing(asksForData: Bool) async throws {
    let image = try await stick.image()
    let target = try await written(image)
    let outcome = try await stick.one(image, target, .update, data: asksForData ? try DataPartition() : nil)
    #expect(outcome.isSuccess && outcome.state == .complete && target.writes.isEmpty, "\(outcome) \(target.writes)")
    #expect(outcome.data == DataPartition.Placed(range: FlashRange(76 << 20..<207 << 20), made: nil))
    let compared = try await stick.one(image, target, .verifyOnly)
    #expect(compared.isSuccess && compared.state == .complete, "\(compared)")
  }

  @Test(arguments: [12, 40, 76]) func aNewImageKeepsThePartition(megabytes: Int) async throws {
    let target = try await written(try await stick.image())
    let before = try await stick.dataPartition(try stick.dump(target))
    let content = content(target)
    let image = try await stick.image("new", megabytes: megabytes, seed: 5)
    let differs = try await stick.one(image, target, .verifyOnly)
    #expect(differs.failure?.code == "verify-failed" && target.writes.isEmpty, "\(differs)")

    let outcome = try await stick.one(image, target, .update)
    #expect(outcome.isSuccess && outcome.state == .complete, "\(outcome)")
    #expect(try stick.holds(target, image))
    #expect(self.content(target) == content, "nothing in it has changed")
    #expect(target.writes.allSatisfy { !$0.range.overlaps(76 << 20..<207 << 20) }, "and nothing was written there")
    let after = try await stick.dataPartition(try stick.dump(target))
    #expect(after.entry == before.entry && after.found == before.found)

    target.forgetWrites()
    #expect(try await stick.one(image, target, .update).isSuccess && target.writes.isEmpty)
    #expect(try await stick.one(image, target, .verifyOnly).isSuccess)
  }

  @Test func anImageThatReachesIntoThePartitionIsRefused() async throws {
    let target = try await written(try await stick.image())
    let image = try await stick.image("large", megabytes: 77, seed: 5)
    let outcome = try await stick.one(image, target, .update, data: try DataPartition())
    #expect(
      outcome.failure
        == .data(.inTheWay("fake", partition: FlashRange(76 << 20..<207 << 20), image: .mebibytes(77))), "\(outcome)")
    #expect(outcome.state == .untouched && target.writes.isEmpty)
    let message = outcome.failure?.message ?? ""
    #expect(message.contains("79,691,776") && message.contains("80,740,352") && outcome.failure?.remedy != nil)
    let compared = try await stick.one(image, target, .verifyOnly)
    #expect(compared.failure?.code == "verify-failed", "\(compared)")
  }

  @Test func imagesThatCannotKeepItAreRefused() async throws {
    let target = try await written(try await stick.image())
    let plain = try ImageMaker.sparse(stick.folder.appending("plain"), size: 3 << 20, data: [0..<3 << 20])
    let outcome = try await stick.one(plain, target, .update)
    #expect(outcome.failure == .data(.noTable(image: plain)) && target.writes.isEmpty, "\(outcome)")
    let image = try await stick.image("new", seed: 5)
    #expect(try await Tool.run("gzip", ["-1k", image.string]).status == 0)
    let packed = FilePath(image.string + ".gz")
    let late = try await stick.one(packed, target, .update)
    #expect(late.failure == .data(.unknownSize(image: packed)) && target.writes.isEmpty, "\(late)")
  }

  /// An I/O error, then the same drive without the fault.
  @Test func anInterruptedUpdateStartsNothingAndTheNextOneKeepsThePartition() async throws {
    let first = try await written(try await stick.image())
    let content = content(first)
    let before = try await stick.dataPartition(try stick.dump(first))
    let image = try await stick.image("new", seed: 5)
    let broken = FakeTarget(size: Int64(DataStick.size), .failsWrite(at: 5 << 20, .ioError))
    broken.put(first.bytes, at: 0)
    let outcome = try await stick.one(image, broken, .update)
    #expect(outcome.failure?.code == "write-failed" && outcome.state == .incompleteNotBootable, "\(outcome)")
    #expect(outcome.data != nil && broken.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })

    let mended = FakeTarget(size: Int64(DataStick.size))
    mended.put(broken.bytes, at: 0)
    let again = try await stick.one(image, mended, .update)
    #expect(again.isSuccess && again.data?.made == nil, "\(again)")
    #expect(self.content(mended) == content)
    let after = try await stick.dataPartition(try stick.dump(mended))
    #expect(after.entry == before.entry)
  }

  /// The backup is written, and the drive is pulled out before its start is emptied, or while the backup is written.
  @Test(arguments: [0, Int64(DataStick.size) - 512] as [Int64])
  func atNoMomentIsTheEntryInNeitherTable(place: Int64) async throws {
    let first = try await written(try await stick.image())
    let image = try await stick.image("new", seed: 5)
    let pulled = FakeTarget(size: Int64(DataStick.size), .pulled(at: place))
    pulled.put(first.bytes, at: 0)
    #expect(try await stick.one(image, pulled, .update).failure?.code == "device-gone")
    let back = FakeTarget(size: Int64(DataStick.size))
    back.put(pulled.bytes, at: 0)
    let again = try await stick.one(image, back, .update)
    #expect(again.isSuccess && again.data?.made == nil, "\(again)")
    #expect(content(back) == content(first))
  }

  @Test func aDamagedBackupIsMended() async throws {
    let image = try await stick.image()
    let target = try await written(image)
    target.put([1, 2, 3], at: DataStick.size - 512)
    #expect(try await stick.one(image, target, .verifyOnly).failure?.code == "verify-failed")
    #expect(try await stick.one(image, target, .update).isSuccess)
    _ = try await stick.dataPartition(try stick.dump(target))
    #expect(try await stick.one(image, target, .verifyOnly).isSuccess)
  }

  @Test func anUpdateAddsAPartitionWhereThereIsNone() async throws {
    let image = try await stick.image()
    let target = FakeTarget(size: Int64(DataStick.size))
    #expect(try await stick.one(image, target).isSuccess)
    let outcome = try await stick.one(image, target, .update, data: try DataPartition())
    let usual = try DataPartition()
    #expect(outcome.isSuccess && outcome.data?.made == usual, "\(outcome)")
    #expect(try await stick.dataPartition(try stick.dump(target)).found["TYPE"] == "exfat")
    target.forgetWrites()
    let again = try await stick.one(image, target, .update, data: try DataPartition())
    #expect(again.isSuccess && again.data?.made == nil && target.writes.isEmpty)

    let small = FakeTarget(size: 140 << 20)
    #expect(try await stick.one(image, small).isSuccess)
    small.forgetWrites()
    let refused = try await stick.one(image, small, .update, data: try DataPartition())
    #expect(refused.failure?.code == "too-small" && refused.state == .untouched && small.writes.isEmpty)
  }

  /// Made with gdisk up to the last block that there is: the backup's first byte is the partition's end.
  @Test func aPartitionUpToTheLastBlockIsNotTouched() async throws {
    let image = try await stick.image()
    let target = FakeTarget(size: Int64(DataStick.size))
    #expect(try await stick.one(image, target).isSuccess)
    let file = try stick.dump(target)
    let made = try await Tool.run(
      "sgdisk", ["-e", "-a", "1", "-n", "0:160001:0", "-c", "0:lifeboat-data", file.string])
    #expect(made.status == 0, "\(made)")
    target.put(try FileTree.bytes(of: file), at: 0)
    let entry = try #require(try await stick.table(file).last)
    target.put([UInt8](repeating: 0x77, count: 4096), at: Int(entry.range.upperBound) - 4096)
    let outcome = try await stick.one(try await stick.image("new", seed: 5), target, .update)
    #expect(outcome.isSuccess && outcome.data?.range == FlashRange(entry.range), "\(outcome)")
    #expect(target.bytes[Int(entry.range.upperBound) - 4096..<Int(entry.range.upperBound)].allSatisfy { $0 == 0x77 })
    #expect(try await stick.table(try stick.dump(target)).contains(entry))
  }
}
