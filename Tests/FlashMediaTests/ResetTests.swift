// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// Reset drives are what blkid, sfdisk, wipefs and fsck take for ordinary empty ones.
@Suite(.serialized) struct ResetTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  // MARK: Layout

  @Test func thePartitionReachesFromTheFirstToTheLastWholeMebibyte() {
    #expect(ResetLayout(size: 64 << 20).partition == 1 << 20..<64 << 20)
    #expect(ResetLayout(size: (64 << 20) + 4096).partition == 1 << 20..<64 << 20)
    #expect(FlashReset.partition(of: ByteCount(30_752_636_928)).bounds == 1 << 20..<((30_752_636_928 >> 20) << 20))
  }

  @Test func onlyTheEndsAndWhatMkfsWroteAreMoved() {
    let mebibyte: Int64 = 1 << 20
    let layout = ResetLayout(size: 100 * mebibyte + 4096)
    let data = [0..<512, mebibyte..<mebibyte + 8192, 20 * mebibyte..<21 * mebibyte]
    let pieces = PiecePlan.pieces(size: layout.size, data: data, zeroing: layout.wiped)
    #expect(
      pieces == [
        Piece(0..<2 * mebibyte, .data), Piece(2 * mebibyte..<5 * mebibyte, .zero),
        Piece(20 * mebibyte..<21 * mebibyte, .data), Piece(99 * mebibyte..<100 * mebibyte + 4096, .zero),
      ])
  }

  @Test(
    arguments: [(2 << 40, 512, false), ((2 << 40) - 512, 512, true), (2 << 40, 4096, true)] as [(Int64, Int, Bool)])
  func blocksAreCountedInFourBytes(size: Int64, block: Int, fits: Bool) {
    #expect(ResetLayout.fits(size: size, blockSize: block) == fits)
  }

  @Test(arguments: [512, 4096])
  func theTableIsThatOfSfdisk(block: Int) async throws {
    let record = ResetLayout(size: 64 << 20).masterBootRecord(type: 0x0c, blockSize: block, identifier: 0x1234_abcd)
    let judged = try await Tool.run(
      "sfdisk", ["-d", try folder.write("mbr", record + [UInt8](repeating: 0, count: (64 << 20) - 512)).string])
    // sfdisk takes a file's blocks to be of 512 bytes.
    let sectors = block == 512 ? "start=        2048, size=      129024" : "start=         256, size=       16128"
    #expect(judged.output.contains("label-id: 0x1234abcd"), "\(judged)")
    #expect(judged.output.contains("\(sectors), type=c\n"), "\(judged)")
  }

  // MARK: Labels

  @Test func labelsAreThoseOfTheFileSystem() throws {
    #expect(try FlashReset(.exfat, label: "Fotos 2026").label == "Fotos 2026")
    #expect(try FlashReset(.exfat, label: "Größe").label == "Größe")
    #expect(try FlashReset(.fat32, label: "camera-1").label == "CAMERA-1")
    #expect(try FlashReset().label == nil)
  }

  @Test(arguments: ["", " A", "TWELVE CHARS", "A/B", "A\nB", "A:B"], FlashReset.FileSystem.allCases)
  func whatIsNoLabelIsRefused(label: String, fileSystem: FlashReset.FileSystem) {
    let failure = #expect(throws: FlashMediaFailure.self) { try FlashReset(fileSystem, label: label) }
    #expect(failure?.code == "bad-label" && failure?.kind == .badRequest && failure?.remedy != nil)
  }

  @Test func olderFileSystemsKnowFewerLetters() {
    #expect(throws: FlashMediaFailure.self) { try FlashReset(.fat32, label: "Größe") }
    #expect(throws: FlashMediaFailure.self) { try FlashReset(.fat32, label: "A.B") }
  }

  @Test func theProgramsPackageIsKnown() {
    #expect(FlashReset.FileSystem.exfat.command("/x", label: "-A", blockSize: 512).arguments == ["-L", "-A", "/x"])
    #expect(FlashReset.FileSystem.exfat.command("/x", label: nil, blockSize: 512).package == "exfatprogs")
    let command = FlashReset.FileSystem.fat32.command("/x", label: "A", blockSize: 4096)
    #expect(command.arguments == ["-F", "32", "-S", "4096", "-h", "256", "-n", "A", "/x"])
    #expect(command.package == "dosfstools")
  }

  // MARK: Drives

  /// A drive that was many things before: a GPT with its backup, an ISO on the drive and one in the first partition.
  private func used(_ megabytes: Int) async throws -> FilePath {
    let file = try ImageMaker.filled(folder.appending("backing"), size: megabytes << 20)
    let outcome = try await Tool.run(
      "sh",
      [
        "-c",
        """
        set -e; PATH=$PATH:/usr/sbin:/sbin; mkdir "$2/tree"; echo a >"$2/tree/a"
        xorriso -as mkisofs -quiet -R -V OLD -o "$2/iso" "$2/tree"
        dd if="$2/iso" of="$1" conv=notrunc status=none; dd if="$2/iso" of="$1" bs=1M seek=1 conv=notrunc status=none
        sgdisk -n 1:2048:0 "$1" >/dev/null
        wipefs --no-act --noheadings "$1" | wc -l
        """, "sh", file.string, folder.path.string,
      ])
    #expect(outcome.status == 0 && (Int(outcome.lines.last ?? "") ?? 0) >= 3, "it has many marks: \(outcome)")
    return file
  }

  private func reset(_ reset: FlashReset, _ device: FilePath) async throws -> FlashOutcome {
    try await reset.run(on: try FlashTarget(device, expected: nil) { _ in throw CancellationError() })
  }

  private func probe(_ device: FilePath, _ more: String...) async throws -> [String: String] {
    let outcome = try await Tool.run("blkid", ["-p", "-o", "export"] + more + [device.string], package: "util-linux")
    #expect(outcome.status == 0, "\(outcome)")
    let pairs = outcome.lines.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }.filter { $0.count == 2 }
    return Dictionary(pairs.map { ($0[0], $0[1]) }) { first, _ in first }
  }

  @Test(
    .enabled(if: Loop.isAllowed, "needs root and loop devices"),
    arguments: [
      (FlashReset.FileSystem.exfat, "exfat", "Fotos", "fsck.exfat", "7", 512),
      (.fat32, "vfat", "CAMERA", "fsck.vfat", "c", 512), (.fat32, "vfat", "CAMERA", "fsck.vfat", "c", 4096),
    ])
  func aResetDriveIsAnEmptyOne(
    fileSystem: FlashReset.FileSystem, type: String, label: String, checker: String, code: String, block: Int
  ) async throws {
    try await Loop.with(try await used(160), ["--sector-size", "\(block)"]) { device in
      let outcome = try await reset(try FlashReset(fileSystem, label: label), device)
      #expect(outcome.state == .complete && outcome.isSuccess && outcome.repaired.isEmpty, "\(outcome)")
      #expect(outcome.written.bytes < 24 << 20, "most of the drive was left alone: \(outcome)")

      let marks = try await Tool.run("wipefs", ["--no-act", "--noheadings", device.string])
      #expect(marks.lines.count == 1 && marks.output.contains(" dos "), "nothing else is left: \(marks)")
      #expect(try await probe(device)["PTTYPE"] == "dos")
      let table = try await Tool.run("sfdisk", ["--json", device.string])
      let parsed = try JSONSerialization.jsonObject(with: Data(table.bytes)) as? [String: [String: Any]]
      let partitions = try #require(parsed?["partitiontable"]?["partitions"] as? [[String: Any]])
      #expect(partitions.count == 1 && partitions[0]["type"] as? String == code, "\(table)")
      #expect(
        partitions[0]["start"] as? Int == (1 << 20) / block && partitions[0]["size"] as? Int == (159 << 20) / block)

      try await Loop.with(device, ["-o", "1048576", "--sector-size", "\(block)"]) { partition in
        let found = try await probe(partition)
        #expect(found["TYPE"] == type && found["LABEL"] == label, "\(found)")
        let checked = try await Tool.run(checker, ["-n", partition.string], package: "exfatprogs, dosfstools")
        #expect(checked.status == 0, "\(checked)")
      }
    }
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices"))
  func whatCannotBecomeOneIsLeftAlone() async throws {
    let file = try ImageMaker.filled(folder.appending("small"), size: 15 << 20)
    let before = try Digest(ofFile: file)
    try await Loop.with(file) { device in
      await #expect(
        throws: FlashMediaFailure.refused(device, .tooSmall(size: .mebibytes(15), needed: .mebibytes(16)))
      ) { _ = try await reset(try FlashReset(), device) }
      await #expect(
        throws: FlashMediaFailure.refused(device, .tooSmall(size: .mebibytes(15), needed: .mebibytes(64)))
      ) { _ = try await reset(try FlashReset(.fat32), device) }
    }
    #expect(try Digest(ofFile: file) == before)
    let large = try ImageMaker.filled(folder.appending("large"), size: 32 << 20)
    try await Loop.with(large, ["--sector-size", "4096"]) { device in
      await #expect(throws: FlashMediaFailure.refused(device, .blockSize(4096))) {
        _ = try await reset(try FlashReset(), device)
      }
    }
  }

  /// A file stands for a drive in virtual machines; its blocks are taken to be of 4096 bytes.
  @Test func aFileCanBeResetToo() async throws {
    let file = try ImageMaker.filled(folder.appending("file"), size: 300 << 20)
    let outcome = try await reset(try FlashReset(.fat32, label: "stick"), file)
    #expect(outcome.state == .complete, "\(outcome)")
    let found = try await probe(file, "-O", "1048576", "-S", "\(299 << 20)")
    #expect(found["TYPE"] == "vfat" && found["LABEL"] == "STICK", "\(found)")
    #expect(folder.names == ["file"])
  }
}
