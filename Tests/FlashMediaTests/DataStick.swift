// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// Images with a GUID partition table, and what foreign programs say of a drive that they were written to.
struct DataStick {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  static let size = 208 << 20

  /// A hybrid image as ours are: boot code, a protective MBR with an active entry beside it, a GPT, an odd end.
  func image(_ name: String = "image", megabytes: Int = 12, seed: UInt64 = 1) async throws -> FilePath {
    let path = try ImageMaker.sparse(folder.appending(name), size: megabytes << 20, data: [])
    let script = """
      label: gpt
      label-id: 3C6FB299-ED29-488E-8817-C5634312593F
      table-length: 248
      first-lba: 64
      start=64, size=4096, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="ISO9660"
      start=8192, size=4096, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="Appended2"

      """
    let made = try await Tool.run("sfdisk", ["-q", path.string], input: Array(script.utf8), package: "fdisk")
    try #require(made.status == 0, "\(made)")
    let file = try FileDescriptor.open(path, .readWrite)
    defer { try? file.close() }
    try file.writeAll(toAbsoluteOffset: 0, ImageMaker.bytes(440, seed: seed + 1))
    try file.writeAll(toAbsoluteOffset: 462, [0x80, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0] as [UInt8])
    try file.writeAll(toAbsoluteOffset: 1 << 20, ImageMaker.bytes(6 << 20, seed: seed))
    try file.writeAll(toAbsoluteOffset: Int64(megabytes - 1) << 20, ImageMaker.bytes(1 << 19, seed: seed + 2))
    return path
  }

  func run(
    _ image: FilePath, _ targets: [any BlockTarget], _ mode: FlashSession.Mode = .write, data: DataPartition? = nil,
    _ change: (inout FlashSession.Options) -> Void = { _ in }
  ) async throws -> [FlashOutcome] {
    var options = FlashSession.Options()
    change(&options)
    options.mode = mode
    options.data = data
    return await FlashSession(try await FlashSource(image).open(), options: options).run(onBlocks: targets)
  }

  /// Runs with one target.
  func one(
    _ image: FilePath, _ target: FakeTarget, _ mode: FlashSession.Mode = .write, data: DataPartition? = nil,
    _ change: (inout FlashSession.Options) -> Void = { _ in }
  ) async throws -> FlashOutcome { try #require(try await run(image, [target], mode, data: data, change).first) }

  /// The target's bytes as a file.
  func dump(_ target: FakeTarget) throws -> FilePath {
    let path = folder.appending("dump")
    try target.bytes.withUnsafeBytes { bytes in
      let file = try FileDescriptor.open(path, .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
      defer { try? file.close() }
      try file.writeAll(toAbsoluteOffset: 0, bytes)
    }
    return path
  }

  struct Entry: Decodable, Equatable {
    var start: Int64
    var size: Int64
    var type: String
    var uuid: String
    var name: String?
    var range: Range<Int64> { start * 512..<(start + size) * 512 }
  }

  /// The partitions of a table that sgdisk and sfdisk find no fault with.
  func table(_ file: FilePath) async throws -> [Entry] {
    struct Document: Decodable {
      struct Table: Decodable { var partitions: [Entry] }
      var partitiontable: Table
    }
    let sgdisk = try await Tool.run("sgdisk", ["-v", file.string], package: "gdisk")
    #expect(sgdisk.output.contains("No problems found") && !sgdisk.output.contains("aution"), "\(sgdisk)")
    let sfdisk = try await Tool.run("sfdisk", ["--verify", file.string], package: "fdisk")
    #expect(sfdisk.status == 0 && sfdisk.errors.isEmpty, "\(sfdisk)")
    let json = try await Tool.run("sfdisk", ["--json", file.string], package: "fdisk")
    return try JSONDecoder().decode(Document.self, from: Data(json.bytes)).partitiontable.partitions
  }

  /// The data partition's entry, and what blkid finds in it; fsck finds no fault.
  func dataPartition(_ file: FilePath) async throws -> (entry: Entry, found: [String: String]) {
    let entry = try #require(try await table(file).last { $0.name == "lifeboat-data" })
    let part = folder.appending("part")
    let cut = try await Tool.run(
      "dd",
      [
        "if=\(file)", "of=\(part)", "bs=1M", "skip=\(entry.range.lowerBound >> 20)", "count=\(entry.range.count >> 20)",
        "status=none",
      ])
    #expect(cut.status == 0, "\(cut)")
    let blkid = try await Tool.run("blkid", ["-p", "-o", "export", part.string], package: "util-linux")
    let pairs = blkid.lines.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }.filter { $0.count == 2 }
    let found = Dictionary(pairs.map { ($0[0], $0[1]) }) { first, _ in first }
    let checker = found["TYPE"] == "ext4" ? ("e2fsck", "-fn", "e2fsprogs") : ("fsck.exfat", "-n", "exfatprogs")
    let checked = try await Tool.run(checker.0, [checker.1, part.string], package: checker.2)
    #expect(checked.status == 0, "\(blkid) \(checked)")
    return (entry, found)
  }

  /// Whether the target holds the image, but for what belongs to the table: the GPT, and the length in the MBR.
  func holds(_ target: FakeTarget, _ image: FilePath) throws -> Bool {
    let expected = try FileTree.bytes(of: image)
    return target.bytes.withUnsafeBytes { found in
      expected.withUnsafeBytes { expected in
        [0..<451, 454..<458, 462..<512, 64 * 512..<expected.count].allSatisfy {
          memcmp(Array(expected[$0]), Array(found[$0]), $0.count) == 0
        }
      }
    }
  }
}
