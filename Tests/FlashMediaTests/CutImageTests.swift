// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia
@testable import MediumReading

/// What an image says about its own size; made by the programs that everybody makes images with.
@Suite struct CutImageTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func number(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
  }

  private func sector(_ entries: [(type: UInt8, start: UInt64, count: UInt64)]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 65536)
    for (index, entry) in entries.enumerated() {
      let place = 446 + index * 16
      bytes[place + 4] = entry.type
      bytes.replaceSubrange(place + 8..<place + 16, with: number(entry.start, 4) + number(entry.count, 4))
    }
    bytes[510] = 0x55
    bytes[511] = 0xaa
    return bytes
  }

  @Test func tablesOfBytes() {
    #expect(DeclaredSize(head: []) == nil)
    #expect(DeclaredSize(head: Array(repeating: 0, count: 65536)) == nil)
    let plain = DeclaredSize(head: sector([(0x83, 2048, 4096), (0, 0, 0), (0x0c, 8192, 100)]))
    #expect(plain?.bytes == 8292 * 512 && plain?.by == "partition 3 of its MBR" && plain?.blockSize == 512)
    // A protective entry names the drive, not the image.
    #expect(DeclaredSize(head: sector([(0xee, 1, 0xffff_ffff)])) == nil)
    // A FAT volume without partitions ends its first sector alike.
    var volume = sector([(0x83, 1, .max)])
    volume.replaceSubrange(82..<87, with: Array("FAT32".utf8))
    #expect(DeclaredSize(head: volume) == nil)
  }

  /// Numbers from anybody: nothing traps, whatever they are and wherever the bytes end.
  @Test func numbersThatNoImageHas() {
    for count in [511, 512, 513, 600, 1024, 4096 + 92, 32768 + 129, 65536] {
      #expect(DeclaredSize(head: Array(repeating: 0xff, count: count)) == nil)
    }
    var table = sector([(0xee, 1, 1)])
    table.replaceSubrange(512..<520, with: Array("EFI PART".utf8))
    table.replaceSubrange(536..<544, with: number(1, 8))
    for place in stride(from: 544, to: 600, by: 4) {
      table.replaceSubrange(place..<place + 8, with: number(0x7fff_ffff_ffff_ffff, 8))
      _ = DeclaredSize(head: table)
    }
    table.replaceSubrange(544..<552, with: number(0x7fff_ffff_ffff_ffff, 8))
    #expect(DeclaredSize(head: table)?.bytes == .max)
  }

  private static let iso = "mkdir -p t/sources && head -c 3000000 /dev/urandom >t/sources/install.wim && "

  /// Whole, each of them is taken, also with room behind; without its last block, none is.
  @Test(arguments: [
    "genisoimage -quiet -o image -R -J t", "genisoimage -quiet -udf -o image -R -J t",
    "genisoimage -quiet -no-pad -o image t",
    "xorriso -as mkisofs -quiet -o image -R -J -partition_offset 16 t",
    "xorriso -as mkisofs -quiet -o image -isohybrid-gpt-basdat -append_partition 2 0xef t/sources/install.wim t",
    "xorriso -as mkisofs -quiet -o image -appended_part_as_gpt -append_partition 2 0xef t/sources/install.wim t",
    "truncate -s 8M image && echo 'start=2048, type=83' | sfdisk -q image",
    "truncate -s 8M image && echo 'label: gpt' | sfdisk -q image",
    "truncate -s 8M image && sgdisk -n 1:2048:10000 image",
    "grub-mkrescue -o image t",
  ]) func imagesOfOtherMakers(_ command: String) async throws {
    let program = String(command.prefix { $0 != " " })
    guard program != "grub-mkrescue" || Tool.isInstalled(program) else { return }
    let made = try await Tool.run("sh", ["-ec", Self.iso + command], in: folder.path)
    #expect(made.status == 0, "\(made)")
    let image = folder.appending("image")
    let size = try #require(try await FlashSource(image).open().size)
    #expect(try await FlashSource(image).open().tableBlockSize == 512)
    let file = try FileDescriptor.open(image, .readWrite)
    defer { try? file.close() }
    try file.resize(to: size.bytes + 1_000_000)
    #expect(try await FlashSource(image).open().size == size + ByteCount(Int64(1_000_000)))
    try file.resize(to: size.bytes / 2)
    let failure = await #expect(throws: FlashMediaFailure.self) { try await FlashSource(image).open() }
    #expect(failure?.code == "image-truncated" && failure?.kind == .badInput, "\(String(describing: failure))")
    #expect(failure?.remedy?.contains("truncate -s ") == true)
  }

  /// Packed, the end is known before the first write, or at least before a drive could start anything.
  @Test(arguments: ["gzip", "xz", "zstd", "bzip2"]) func aCutImageThatIsPacked(_ program: String) async throws {
    let made = try await Tool.run(
      "sh",
      [
        "-ec",
        Self.iso
          + "genisoimage -quiet -o whole t && head -c 2800000 whole | \(program) -1 -c >cut && \(program) -c whole >image",
      ],
      in: folder.path)
    #expect(made.status == 0, "\(made)")
    let target = FakeTarget(size: 20 << 20)
    let whole = await FlashSession(try await FlashSource(folder.appending("image")).open()).run(onBlocks: [target])
    #expect(whole.first?.isSuccess == true, "\(whole)")
    do {
      let source = try await FlashSource(folder.appending("cut")).open()
      #expect(source.size == nil && source.least != nil, "xz and zstd tell it")
      let outcome = await FlashSession(source).run(onBlocks: [target]).first
      #expect(outcome?.failure?.code == "image-truncated", "\(String(describing: outcome))")
      #expect(outcome?.state != .complete && outcome?.state != .writtenNotVerified)
    } catch let failure as FlashMediaFailure { #expect(failure.code == "image-truncated") }
  }
}
