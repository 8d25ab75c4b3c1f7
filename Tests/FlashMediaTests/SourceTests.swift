// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

@Suite struct SourceTests {
  let folder = try? TemporaryFolder()

  func image() throws -> FilePath {
    try ImageMaker.sparse(
      try #require(folder).appending("disk.img"), size: (13 << 20) + 100,
      data: [0..<3 << 20, 9 << 20..<(9 << 20) + 300_000, 13 << 20..<(13 << 20) + 100])
  }

  func write(_ image: FilePath, _ change: (inout FlashSource) -> Void = { _ in }) async throws -> (
    FlashOutcome, FakeTarget
  ) {
    let target = FakeTarget(size: 20 << 20)
    var source = FlashSource(image)
    change(&source)
    let outcome = await FlashSession(try await source.open()).run(onBlocks: [target])
    return (try #require(outcome.first), target)
  }

  /// A small image can be found bad before the target's first write, or after it.
  func expectUnbootable(_ outcome: FlashOutcome, _ target: FakeTarget) {
    switch outcome.state {
    case .untouched: #expect(target.writes.isEmpty)
    case .incompleteNotBootable: #expect(target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
    case .writtenNotVerified, .complete: Issue.record("\(outcome)")
    }
  }

  @Test(arguments: [
    ("gzip", ["-1k"], ".gz"), ("xz", ["-1k", "-T2", "--block-size=2MiB"], ".xz"), ("zstd", ["-q", "-1"], ".zst"),
    ("pigz", ["-1k"], ".gz"),
  ])
  func readsPackedImages(_ program: String, _ arguments: [String], _ suffix: String) async throws {
    let image = try image()
    #expect(try await Tool.run(program, arguments + [image.string]).status == 0)
    let packed = FilePath(image.string + suffix)
    let opened = try await FlashSource(packed).open()
    #expect(opened.size == (suffix == ".gz" ? nil : ByteCount((13 << 20) + 100)))
    let (outcome, target) = try await write(packed)
    #expect(outcome.isSuccess, "\(outcome)")
    let bytes = try FileTree.bytes(of: image)
    let isEqual = target.begins(with: bytes)
    #expect(isEqual)
    #expect(outcome.zeroed.bytes > 0, "pieces of zeros are not sent")
  }

  @Test(arguments: ["gzip", "xz", "zstd"])
  func aPackedImageThatIsCutOffNeverBoots(_ program: String) async throws {
    let image = try image()
    let packed = try #require(folder).appending("cut.packed")
    let whole = try await Tool.run(program, ["-1", "-c", image.string]).bytes
    try AtomicFile.write(Array(whole[..<(whole.count * 2 / 3)]), to: packed)
    do {
      let (outcome, target) = try await write(packed)
      #expect(outcome.failure?.kind == .badInput, "\(outcome)")
      expectUnbootable(outcome, target)
    } catch let failure as FlashMediaFailure {
      #expect(failure.kind == .badInput, "xz sees it before anything is written")
    }
  }

  @Test(arguments: [true, false]) func checksumFiles(_ isRight: Bool) async throws {
    let image = try image()
    let sum = try await Tool.run("sha256sum", ["-b", image.lastComponent?.string ?? ""], in: folder?.path)
    let text = isRight ? sum.output : "0" + (sum.output.hasPrefix("0") ? "1" : "0") + sum.output.dropFirst(2)
    try folder?.write("disk.img.sha256", text)
    let (outcome, target) = try await write(image)
    #expect(outcome.isSuccess == isRight)
    guard !isRight else { return }
    #expect(outcome.failure?.code == "digest-mismatch")
    #expect(outcome.failure?.kind == .notAsPromised)
    expectUnbootable(outcome, target)
    #expect(try await write(image) { $0.checksum = .none }.0.isSuccess)
  }

  @Test(arguments: ["disk.img.zst", "disk.img"]) func checksumsOfPackedImages(_ named: String) async throws {
    let image = try image()
    _ = try await Tool.run("zstd", ["-q", "-1", image.string])
    let sum = try await Tool.run("sha256sum", [named], in: folder?.path)
    try folder?.write("disk.img.zst.sha256", sum.output)
    let packed = FilePath(image.string + ".zst")
    #expect(try await write(packed).0.isSuccess)
    let wrong = (sum.output.hasPrefix("0") ? "1" : "0") + sum.output.dropFirst()
    try folder?.write("disk.img.zst.sha256", String(wrong))
    #expect(try await write(packed).0.failure?.code == "digest-mismatch")
  }

  @Test func aChecksumFileForSomethingElseIsRefused() async throws {
    let image = try image()
    try folder?.write("disk.img.sha256", String(repeating: "0", count: 64) + "  other.img\n")
    await #expect(throws: FlashMediaFailure.self) { try await FlashSource(image).open() }
  }

  @Test(.enabled(if: Tool.isInstalled("bmaptool"), "needs bmap-tools")) func blockMaps() async throws {
    let image = try image()
    let made = try await Tool.run("bmaptool", ["create", "-o", image.string + ".bmap", image.string])
    #expect(made.status == 0, "\(made)")
    let opened = try await FlashSource(image).open()
    #expect(opened.blockMap?.lastComponent?.string == "disk.img.bmap")
    let (outcome, target) = try await write(image)
    #expect(outcome.isSuccess, "\(outcome)")
    let isEqual = target.begins(with: try FileTree.bytes(of: image))
    #expect(isEqual)

    let file = try FileDescriptor.open(image, .readWrite)
    try file.writeAll(toAbsoluteOffset: 9 << 20, [UInt8]([0]))
    try file.close()
    let (bad, unbootable) = try await write(image)
    guard case .source(_, .range(let range, _)) = bad.failure else {
      Issue.record("\(bad)")
      return
    }
    #expect(range.bounds.contains(9 << 20))
    expectUnbootable(bad, unbootable)
  }

  /// A checksum file that is right, beside a block map of an earlier image: what the map leaves out would be lost.
  @Test(.enabled(if: Tool.isInstalled("bmaptool"), "needs bmap-tools"), arguments: ["", ".gz", "none"])
  func aBlockMapOfAnotherImage(_ suffix: String) async throws {
    let image = try image()
    #expect(try await Tool.run("bmaptool", ["create", "-o", image.string + ".bmap", image.string]).status == 0)
    let file = try FileDescriptor.open(image, .readWrite)
    try file.writeAll(toAbsoluteOffset: 6 << 20, [UInt8]("more".utf8))
    try file.close()
    var written = image
    if suffix == ".gz" {
      #expect(try await Tool.run("gzip", ["-1k", image.string]).status == 0)
      written = FilePath(image.string + suffix)
    }
    let name = written.lastComponent?.string ?? ""
    if suffix != "none" {
      try folder?.write(name + ".sha256", try await Tool.run("sha256sum", [name], in: folder?.path).output)
    }
    let (outcome, target) = try await write(written)
    guard case .source(_, .unmapped(let range, let map)) = outcome.failure else {
      Issue.record("\(outcome)")
      return
    }
    #expect(range.bounds.contains(6 << 20) && map.lastComponent?.string == "disk.img.bmap")
    #expect(outcome.failure?.kind == .notAsPromised)
    expectUnbootable(outcome, target)
    #expect(try await write(written) { $0.blockMap = .none }.0.isSuccess)
  }

  @Test(arguments: [
    ("", "no-such-file"), ("/dev/null", "bad-source"), ("/", "bad-source"),
  ]) func badSources(_ path: String, _ code: String) async throws {
    let image = path.isEmpty ? try #require(folder).appending("missing") : FilePath(path)
    do {
      _ = try await FlashSource(image).open()
      Issue.record("opened")
    } catch let failure as FlashMediaFailure {
      #expect(failure.code == code)
    }
  }
}
