// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// What a file is, its bytes say; what comes out of it, the drive gets. Nothing packed is written as it lies.
@Suite struct PackedFormatTests {
  let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    try ImageMaker.sparse(
      folder.appending("disk.img"), size: (5 << 20) + 100, data: [0..<3 << 20, 5 << 20..<(5 << 20) + 100])
  }

  private func shell(_ script: String) async throws {
    let made = try await Tool.run("sh", ["-ec", script], in: folder.path)
    try #require(made.status == 0, "\(made)")
  }

  private func write(_ name: String = "packed") async throws -> (FlashOutcome, FakeTarget) {
    let target = FakeTarget(size: 8 << 20)
    let source = try await FlashSource(folder.appending(name)).open()
    return (try #require(await FlashSession(source).run(onBlocks: [target]).first), target)
  }

  @Test(arguments: [
    ("bzip2 -c disk.img >packed", "bzip2"), ("lz4 -q -c disk.img >packed", "lz4"),
    ("xz --format=lzma -1 -c disk.img >packed", "lzma"),
    ("zip -q packed.zip disk.img && mv packed.zip packed", "zip"), ("7z a p.7z disk.img >log && mv p.7z packed", "7z"),
    ("mkdir t && cp disk.img t && tar cf packed t", "tar"), ("tar cf - disk.img | gzip -1 >packed", "tar"),
    ("tar cf - disk.img | xz -1 >packed", "tar"), ("tar cf - disk.img | bzip2 >packed", "tar"),
    ("{ printf '\\120\\052\\115\\030\\004\\000\\000\\000abcd'; zstd -q -c disk.img; } >packed", "zstd"),
    ("head -c 3000000 disk.img | bzip2 >packed && tail -c +3000001 disk.img | bzip2 >>packed", "bzip2"),
    ("gzip -1 -c disk.img >packed; head -c 1024 /dev/zero >>packed", "gzip"),
  ]) func whatIsInItIsWritten(_ script: String, _ format: String) async throws {
    try await shell(script)
    #expect(try await FlashSource(folder.appending("packed")).open().format.rawValue == format)
    let (outcome, target) = try await write()
    #expect(outcome.isSuccess, "\(outcome)")
    let isEqual = target.begins(with: try FileTree.bytes(of: folder.appending("disk.img")))
    #expect(isEqual)
  }

  @Test(arguments: ["qcow2", "qed", "vpc", "vhdx", "vmdk", "vdi", "parallels"])
  func aVirtualDiskIsRefusedByItsName(_ form: String) async throws {
    guard Tool.isInstalled("qemu-img") else { return }
    try await shell("truncate -s 8M disk.img; cp disk.img original; qemu-img convert -f raw -O \(form) disk.img packed")
    let file = folder.appending("packed")
    let failure = await #expect(throws: FlashMediaFailure.self) { try await FlashSource(file).open() }
    #expect(failure?.code == "no-raw-image")
    // The remedy is a line that works.
    let line = try #require(failure?.remedy?.split(separator: ": ").last)
    try await shell(line + " && cmp -n 3000000 disk.img original")
  }

  @Test(arguments: [
    ("head -c 4096 /dev/urandom >packed; { printf koly; head -c 508 /dev/zero; } >>packed", ForeignForm.dmg),
    ("{ printf 'MSWIM\\0\\0\\0'; head -c 4096 /dev/zero; } >packed", .wim),
    ("{ printf 'Rar!\\032\\007\\001\\0'; head -c 4096 /dev/zero; } >packed", .rar),
    ("{ cat disk.img; printf conectix; head -c 504 /dev/zero; } >packed", .vhd),
    ("{ printf 'QFI\\373'; head -c 4096 /dev/zero; } | gzip >packed", .qcow2),
  ]) func otherForms(_ script: String, _ form: ForeignForm) async throws {
    try await shell(script)
    let file = folder.appending("packed")
    await #expect(throws: FlashMediaFailure.source(file, .form(form))) { try await FlashSource(file).open() }
  }

  @Test(arguments: [
    ("cp disk.img b && zip -q p.zip disk.img b && mv p.zip packed", FlashMediaFailure.SourceProblem.severalFiles),
    ("cp disk.img b && tar cf packed disk.img b", .severalFiles),
    ("gzip -c disk.img | bzip2 >packed", .packedTwice(.gzip)),
  ]) func whatIsNoSingleImage(_ script: String, _ problem: FlashMediaFailure.SourceProblem) async throws {
    try await shell(script)
    let file = folder.appending("packed")
    await #expect(throws: FlashMediaFailure.source(file, problem)) { try await FlashSource(file).open() }
  }

  /// Whatever unpacks it: bytes behind its end are not passed over, and damage is found.
  @Test(arguments: [
    "{ gzip -1 -c disk.img; echo junk; } >packed", "{ bzip2 -c disk.img; echo junk; } >packed",
    "{ xz -1 -c disk.img; echo junk; } >packed", "{ zstd -q -c disk.img; echo junk; } >packed",
    "{ lz4 -q -c disk.img; echo junk; } >packed", "bzip2 -c disk.img | head -c 2000000 >packed",
    "cp disk.img b; tar cf - disk.img b | gzip -1 >packed",
    "tar cf - disk.img | gzip -1 >packed; printf 0123 | dd of=packed bs=1 seek=$(($(stat -c %s packed) - 8)) conv=notrunc",
  ]) func whatDoesNotBelongToItNeverBoots(_ script: String) async throws {
    try await shell(script)
    do {
      let (outcome, target) = try await write()
      #expect(outcome.failure?.kind == .badInput, "\(outcome)")
      #expect(outcome.state == .untouched || target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
    } catch let failure as FlashMediaFailure { #expect(failure.kind == .badInput) }
  }

  @Test func anAddressIsNoFile() async throws {
    let failure = await #expect(throws: FlashMediaFailure.self) {
      try await FlashSource("http://example.org/tier1.iso").open()
    }
    #expect(failure?.remedy?.hasSuffix("wget http://example.org/tier1.iso") == true, "\(String(describing: failure))")
  }
}
