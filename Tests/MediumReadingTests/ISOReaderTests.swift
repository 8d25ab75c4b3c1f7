// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// The reader's view of images that foreign programs made, judged by foreign programs.
@Suite struct ISOReaderTests {
  /// What `xorriso -find` says of each file: path to its extents as (first block, bytes).
  private func xorrisoFiles(_ iso: FilePath) async throws -> [String: [(block: Int64, bytes: Int64)]] {
    let text = try await ExternalCommand("xorriso", ["-indev", iso.string, "-find", "/", "-exec", "report_lba"]).text()
    var found: [String: [(Int64, Int64)]] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix("File data lba:") {
      let fields = line.dropFirst(14).split(separator: ",", maxSplits: 4).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      let (block, bytes) = (try #require(Int64(fields[1])), try #require(Int64(fields[3])))
      found[String(fields[4].dropFirst(2).dropLast()), default: []].append((block, bytes))
    }
    return found
  }

  private func write(_ medium: TestMedium, _ scratch: TemporaryFolder) throws -> FilePath {
    try scratch.write("test.iso", medium.bytes)
  }

  @Test func treeAgreesWithXorriso() async throws {
    let scratch = try TemporaryFolder()
    let iso = try write(try await TestMedium.shared, scratch)
    let reader = try ISOReader(iso)
    #expect(reader.problems == [])
    let theirs = try await xorrisoFiles(iso).filter { $0.value.contains { $0.bytes > 0 } }
    let ours = reader.tree.nodes.filter { $0.kind == .file && $0.size > .zero && $0.path != "boot.cat" }
    #expect(Set(ours.map(\.path)) == Set(theirs.keys))
    for node in ours {
      #expect(node.extents.map { $0.offset.bytes / 2048 } == theirs[node.path]?.map(\.block))
      #expect(node.size.bytes == theirs[node.path]?.reduce(0) { $0 + $1.bytes })
    }
  }

  @Test func contentAndLinksAgreeWithOsirrox() async throws {
    let scratch = try TemporaryFolder()
    let iso = try write(try await TestMedium.shared, scratch)
    let out = scratch.path.appending("out")
    try await ExternalCommand("osirrox", ["-indev", iso.string, "-extract", "/", out.string]).run()
    let reader = try ISOReader(iso)
    #expect(reader.tree.flavour == .rockRidge)
    #expect(reader.tree.nodes.count > 10)
    for node in reader.tree.nodes where !node.path.isEmpty {
      let file = out.appending(node.path).string
      let attributes = try FileManager.default.attributesOfItem(atPath: file)
      switch node.kind {
      case .file:
        #expect(try reader.content(of: node) == Array(try Data(contentsOf: URL(fileURLWithPath: file))), "\(node.path)")
        #expect((attributes[.posixPermissions] as? NSNumber)?.uint16Value == node.permissions)
      case .symbolicLink(let target):
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: file) == target)
      case .folder: #expect(attributes[.type] as? FileAttributeType == .typeDirectory)
      case .special: Issue.record("\(node.path) is special")
      }
    }
    #expect(reader.tree.node("link")?.kind == .symbolicLink("../boot/./grub/grub.cfg"))
  }

  @Test func theTreesShowTheSameFiles() async throws {
    let reader = try ISOReader(try await TestMedium.shared.image)
    #expect(reader.volumes.map(\.offset.bytes) == [0, 32768])
    #expect(reader.volumes.map { $0.trees.map(\.flavour) } == [[.rockRidge, .joliet], [.rockRidge, .joliet]])
    let main = Set(reader.tree.nodes.filter { $0.kind == .file }.map(\.extents))
    for tree in reader.volumes.flatMap(\.trees) {
      #expect(Set(tree.nodes.filter { $0.kind == .file }.map(\.extents)).isSubset(of: main))
    }
    #expect(reader.volumes[1].trees[0].nodes.map(\.path) == reader.tree.nodes.map(\.path))
    #expect(reader.volumes[0].trees[1].node("docs/Grüße – 日本.txt") != nil)
  }

  @Test func partitionTableAgreesWithSgdisk() async throws {
    let scratch = try TemporaryFolder()
    let iso = try write(try await TestMedium.shared, scratch)
    let reader = try ISOReader(iso)
    let table = try #require(reader.partitionTable)
    #expect(table.primary?.isValid == true)
    #expect(table.backup?.isValid == true)
    #expect(table.primary?.other == table.backup?.range.offset)
    #expect(table.backup?.other == ByteCount(512))
    for partition in table.partitions {
      let text = try await ExternalCommand("sgdisk", ["-i", "\(partition.number)", iso.string]).text()
      #expect(text.contains("Partition GUID code: \(partition.type) "))
      #expect(text.contains("Partition unique GUID: \(partition.identifier)\n"))
      #expect(text.contains("First sector: \(partition.range.offset.bytes / 512) "))
      #expect(text.contains("Last sector: \(partition.range.bounds.upperBound / 512 - 1) "))
      #expect(text.contains("Partition name: '\(partition.name)'"))
    }
    let print = try await ExternalCommand("sgdisk", ["-p", iso.string]).text()
    #expect(print.contains("Disk identifier (GUID): \(table.primary?.diskIdentifier ?? "none")"))
    #expect(
      print.split(separator: "\n").suffix(table.partitions.count).map { $0.split(separator: " ")[0] }
        == table.partitions.map { "\($0.number)" })
    let system = try #require(table.partitions.first { $0.isEFISystemPartition })
    #expect(reader.efiSystemPartition == system.range)
  }

  @Test func aDamagedGPTHeaderIsSeen() async throws {
    let medium = try await TestMedium.shared
    let flipped = Patched(base: medium.bytes, patches: [520: 7, 1030: 1])
    let reader = try ISOReader(DiskImageReader(path: "x", source: flipped))
    #expect(reader.partitionTable?.primary?.checksumMatches == false)
    #expect(reader.partitionTable?.primary?.entriesChecksumMatches == false)
    #expect(reader.partitionTable?.backup?.isValid == true)
    #expect(reader.efiSystemPartition == (try ISOReader(medium.image)).efiSystemPartition)
  }

  @Test func bootCatalogueAgreesWithXorriso() async throws {
    let scratch = try TemporaryFolder()
    let iso = try write(try await TestMedium.shared, scratch)
    let reader = try ISOReader(iso)
    let text = try await ExternalCommand("xorriso", ["-indev", iso.string, "-report_el_torito", "plain"]).text()
    let theirs = text.split(separator: "\n").filter { $0.hasPrefix("El Torito boot img :") }.map {
      $0.dropFirst(20).split(separator: " ").map(String.init)
    }
    let catalogue = try #require(reader.catalogue)
    #expect(catalogue.isValid)
    #expect(
      catalogue.entries.map {
        [$0.platformName, $0.isBootable ? "y" : "n", "\($0.loadSize.bytes / 512)", "\($0.offset.bytes / 2048)"]
      } == theirs.map { [$0[1], $0[2], $0[6], $0[7]] })
    #expect(text.contains("El Torito catalog  : \(catalogue.range.offset.bytes / 2048)  1\n"))
    let master = try #require(reader.masterBootRecord)
    #expect(master.bootCode == "GRUB")
    #expect(master.grubLoaderOffset == reader.tree.node(TestMedium.loader)?.extents.first?.offset)
    #expect(master.kind == .protective)
  }

  @Test func theLayoutCoversEveryByteOnce() async throws {
    let medium = try await TestMedium.shared
    let layout = ImageLayout(try ISOReader(medium.image))
    #expect(layout.misplaced.isEmpty)
    var cursor: Int64 = 0
    for region in layout.regions {
      #expect(region.range.lowerBound == cursor)
      #expect(!region.range.isEmpty)
      cursor = region.range.upperBound
    }
    #expect(cursor == Int64(medium.bytes.count))
    let kinds = Set(layout.regions.compactMap { if case .structure(let kind) = $0.owner { kind } else { nil } })
    #expect(
      kinds.isSuperset(of: [
        .masterBootRecord, .primaryTableHeader, .primaryTableEntries, .primaryVolumeDescriptor, .jolietVolumeDescriptor,
        .bootRecord, .descriptorTerminator, .pathTable, .directory, .continuationArea, .jolietPathTable,
        .jolietDirectory, .bootCatalogue, .filePadding, .backupTableEntries, .backupTableHeader,
      ]))
  }

  // MARK: Other images

  /// Makes an image from a tree, by a program that takes `-o OUT TREE`.
  private func image(_ program: String, _ arguments: [String], _ scratch: TemporaryFolder) async throws -> FilePath {
    let iso = scratch.path.appending("\(UUID().uuidString).iso")
    try await ExternalCommand(
      program, arguments + ["-o", iso.string, scratch.path.appending("tree").string]
    ).run()
    return iso
  }

  @Test func deepDirectoriesThatWereMovedUpStandWhereTheyBelong() async throws {
    let scratch = try TemporaryFolder()
    let deep = (1...14).map { "level\($0)" }.joined(separator: "/")
    try scratch.write("tree/\(deep)/file", "deep\n")
    try scratch.write("tree/level1/other", "high\n")
    for (program, arguments) in [("genisoimage", ["-quiet", "-R"]), ("xorriso", ["-as", "mkisofs", "-R", "-D"])] {
      let reader = try ISOReader(try await image(program, arguments, scratch))
      #expect(reader.problems == [])
      #expect(try reader.content(of: "\(deep)/file") == Array("deep\n".utf8), "\(program)")
      #expect(!reader.tree.nodes.contains { $0.path.hasPrefix("rr_moved/") })
    }
    // The same through relocation by xorriso, with its own name for the folder.
    let moved = try await image("xorriso", ["-as", "mkisofs", "-R", "-rr_reloc_dir", "/moved"], scratch)
    #expect(try ISOReader(moved).content(of: "\(deep)/file") == Array("deep\n".utf8))
  }

  @Test func fileOverFourGiBHasSeveralExtents() async throws {
    let scratch = try TemporaryFolder()
    let size = Int64(4) << 30 + 5000
    let path = try scratch.write("tree/big", "start")
    try await ExternalCommand("truncate", ["-s", "\(size)", path.string]).run()
    // Only the structures at the start are made; the rest of the image is a hole.
    let iso = scratch.path.appending("big.iso")
    try await ExternalCommand(
      "sh",
      [
        "-c",
        "xorriso -as mkisofs -quiet -R -iso-level 3 \"$1\" 2>/dev/null | head -c 1M >\"$2\"; truncate -s 5G \"$2\"",
        "sh", scratch.path.appending("tree").string, iso.string,
      ]
    ).run()
    let reader = try ISOReader(iso)
    let node = try #require(reader.tree.node("big"))
    #expect(node.size == ByteCount(size))
    #expect(node.extents.count == 2)
    let theirs = try #require(try await xorrisoFiles(iso)["big"])
    #expect(node.extents.map { $0.offset.bytes / 2048 } == theirs.map(\.block))
    #expect(throws: ISOReader.Failure.tooLarge(path: iso, file: "big", size: ByteCount(size))) {
      try reader.content(of: "big")
    }
  }

  @Test func imagesWithoutRockRidgeAreReadByTheBestNames() async throws {
    let scratch = try TemporaryFolder()
    try scratch.write("tree/Folder/Ümläut name.txt", "hello\n")
    let joliet = try ISOReader(try await image("genisoimage", ["-quiet", "-J"], scratch))
    #expect(joliet.tree.flavour == .joliet)
    #expect(try joliet.content(of: "Folder/Ümläut name.txt") == Array("hello\n".utf8))
    let plain = try ISOReader(try await image("genisoimage", ["-quiet"], scratch))
    #expect(plain.tree.flavour == .plain)
    let file = try #require(plain.tree.nodes.first { $0.kind == .file })
    #expect(file.path.hasPrefix("FOLDER/") && file.path.hasSuffix(".TXT"))
    #expect(try plain.content(of: file) == Array("hello\n".utf8))
    #expect(plain.partitionTable == nil)
    #expect(plain.catalogue == nil)
  }

  @Test func sharedAndEmptyFilesAreNoOverlap() async throws {
    let scratch = try TemporaryFolder()
    let file = try scratch.write("tree/one", TestMedium.noise(5000, seed: 1))
    try FileManager.default.linkItem(atPath: file.string, toPath: scratch.path.appending("tree/two").string)
    try scratch.write("tree/empty", "")
    let reader = try ISOReader(try await image("genisoimage", ["-quiet", "-R", "-cache-inodes"], scratch))
    #expect(reader.tree.node("one")?.extents == reader.tree.node("two")?.extents)
    let layout = ImageLayout(reader)
    #expect(layout.misplaced.isEmpty)
    #expect(layout.contents.map(\.paths) == [["one", "two"]])
    #expect(reader.tree.node("empty")?.size == .zero)
  }

  @Test func whatIsNoISOIsRefusedWithARemedy() async throws {
    let scratch = try TemporaryFolder()
    let empty = try scratch.write("empty", "")
    #expect(throws: ISOReader.Failure.empty(path: empty)) { try ISOReader(empty) }
    let text = try scratch.write("text", TestMedium.noise(100_000, seed: 2))
    #expect(throws: ISOReader.Failure.notAnISO(path: text, size: ByteCount(100_000))) { try ISOReader(text) }
    #expect(ISOReader.Failure.empty(path: empty).remedy != nil)
    let missing = scratch.path.appending("missing")
    #expect(throws: OperationFailure("open", missing, .noSuchFileOrDirectory)) { try ISOReader(missing) }
    #expect(throws: OperationFailure("open", scratch.path, .isDirectory)) { try ISOReader(scratch.path) }
  }
}
