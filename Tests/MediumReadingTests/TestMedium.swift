// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Signing
import SystemPackage
import TestSupport

@testable import MediumReading

/// A small medium with the layout of a real one, made by xorriso, with a record and a seal.
struct TestMedium: Sendable {
  /// The sealed image.
  var bytes: [UInt8]
  var record: MediumRecord
  /// The same image before it was sealed.
  var unsealed: [UInt8]

  static let identifier = "0123456789abcdef"
  static let layer = "lifeboat/\(identifier)/x64/10-base.squashfs"
  static let loader = "boot/grub/i386-pc/eltorito.img"
  static let masked = [[8, 56], [2548, 8]]

  private static let noSignature = Array("-----BEGIN SSH SIGNATURE-----\n".utf8)
  private static let cache = Task { try await TestMedium() }
  /// Made once for all tests.
  static var shared: TestMedium { get async throws { try await cache.value } }

  var image: DiskImageReader { DiskImageReader(path: "test.iso", source: MemoryBytes(bytes)) }

  /// Pseudo-random bytes that are the same in every run.
  static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SplitMix(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() >> 32) }
  }

  /// - Parameters:
  ///   - layout: what the record says of it; nil makes a medium of an older version.
  ///   - signingKey: signs the record; without it there is something else where the signature is.
  init(layout: Digest? = MediumRecord.layoutToCome, signingKey: FilePath? = nil) async throws {
    let scratch = try TemporaryFolder()
    try await Self.makeTree(scratch)
    let system = try await Self.makeSystemPartition(scratch)
    record = try Self.makeRecord(scratch, system)
    record.layout = layout
    let text = Array(try JSONEncoder().encode(record))
    try scratch.write("tree/\(MediumRecord.path)", text)
    let signature = if let signingKey { try await SiteKey.sign(text, with: signingKey) } else { Self.noSignature }
    try scratch.write("tree/\(MediumRecord.signaturePath)", signature)
    try scratch.write("tree/sha256sum.txt", "sums\n")
    let iso = scratch.path.appending("out.iso")
    try await Self.makeImage(scratch, system: system, iso: iso)
    let descriptor = try FileDescriptor.open(iso, .readWrite)
    let size = try ByteCount(descriptor.seek(offset: 0, from: .end))
    // Where xorriso writes spaces into the second volume's Application Use field, Lifeboat writes zeros.
    try descriptor.writeAll(toAbsoluteOffset: 65536 + 883, [UInt8](repeating: 0, count: 512))
    // On a thread of its own, as the writer's: it waits for ssh-keygen.
    try await BlockingThread.reading.run { _ in try StructureSeal.finish(signingKey: signingKey)(descriptor, size) }
    try descriptor.close()
    bytes = Array(try Data(contentsOf: URL(fileURLWithPath: iso.string)))
    unsealed = bytes
    for index in StructureSeal.range { unsealed[Int(index)] = 0 }
    let image = DiskImageReader(path: iso, source: MemoryBytes(bytes))
    record = try MediumVerification.record(of: ISOReader(image))
  }

  private static func makeTree(_ scratch: TemporaryFolder) async throws {
    try scratch.write("tree/.disk/info", "Lifeboat\n")
    try scratch.write("tree/boot/grub/grub.cfg", "menuentry start {}\n")
    try scratch.write("tree/boot/grub/empty", "")
    try scratch.write("tree/" + layer, noise(1_200_000, seed: 7))
    try scratch.write("tree/lifeboat/\(identifier)/x64/vmlinuz", noise(5000, seed: 8))
    try scratch.write("tree/docs/Grüße – 日本.txt", "unicode\n")
    try scratch.write("tree/docs/" + String(repeating: "long name ", count: 20) + ".txt", "long\n")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path.appending("tree/link").string, withDestinationPath: "../boot/./grub/grub.cfg")
    try scratch.write("early.cfg", "search --file --set=root /.disk/info\n")
    try await ExternalCommand(
      "grub-mkimage",
      [
        "-O", "i386-pc-eltorito", "-c", scratch.path.appending("early.cfg").string, "-p", "/boot/grub", "-o",
        scratch.path.appending("eltorito.img").string, "biosdisk", "iso9660", "search_fs_file",
      ]
    ).run()
    let image = try Data(contentsOf: URL(fileURLWithPath: scratch.path.appending("eltorito.img").string))
    try scratch.write("tree/" + loader, Array(image))
  }

  /// A FAT image that holds GRUB for IA32 (unsigned) as its loader.
  private static func makeSystemPartition(_ scratch: TemporaryFolder) async throws -> FilePath {
    let file = try scratch.write("efi.img", [UInt8](repeating: 0, count: 512 << 10))
    try await ExternalCommand("mkfs.vfat", ["--invariant", "-n", "ESP", "-i", "6c696665", file.string]).run()
    let loader = scratch.path.appending("BOOTIA32.EFI")
    try await ExternalCommand(
      "grub-mkimage", ["-O", "i386-efi", "-p", "/boot/grub", "-o", loader.string, "iso9660"]
    ).run()
    try await ExternalCommand("mmd", ["-i", file.string, "::/EFI", "::/EFI/BOOT"]).run()
    try await ExternalCommand("mcopy", ["-i", file.string, loader.string, "::/EFI/BOOT/BOOTIA32.EFI"]).run()
    return file
  }

  private static func makeRecord(_ scratch: TemporaryFolder, _ system: FilePath) throws -> MediumRecord {
    let tree = scratch.path.appending("tree")
    var files: [MediumRecord.File] = []
    var bootImages: [MediumRecord.BootImage] = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: tree.string).sorted() {
      let file = tree.appending(name)
      let attributes = try FileManager.default.attributesOfItem(atPath: file.string)
      guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
      var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file.string)))
      let size = ByteCount(bytes.count)
      if name == loader {
        for pair in masked { for index in pair[0]..<pair[0] + pair[1] { bytes[index] = 0 } }
        bootImages.append(.init(path: name, size: size, sha256: Digest(of: bytes), masked: masked))
      } else {
        files.append(.init(path: name, size: size, sha256: Digest(of: bytes), pieces: pieces(bytes)))
      }
    }
    let partition = Array(try Data(contentsOf: URL(fileURLWithPath: system.string)))
    let hybrid = Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/lib/grub/i386-pc/boot_hybrid.img")))
    return MediumRecord(
      lifeboat: "0", identifier: identifier, image: "tier1", title: "Test", release: "bookworm", timestamp: 0,
      expires: nil, variants: [], files: files, bootImages: bootImages,
      efiSystemPartition: .init(size: ByteCount(partition.count), sha256: Digest(of: partition)),
      bootCode: Digest(of: hybrid[..<MediumRecord.bootCodeLength]))
  }

  static func pieces(_ bytes: [UInt8]) -> [Digest]? {
    guard bytes.count > 1 << 20 else { return nil }
    return stride(from: 0, to: bytes.count, by: 1 << 20).map {
      Digest(of: bytes[$0..<min($0 + 1 << 20, bytes.count)])
    }
  }

  /// The disk's GUID as Lifeboat makes it of an identifier (docs/boot.md).
  private static var guid: String {
    var bytes = Array(Digest(of: "GPT disk GUID of \(identifier)").bytes.prefix(16))
    bytes[7] = bytes[7] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func makeImage(_ scratch: TemporaryFolder, system: FilePath, iso: FilePath) async throws {
    try await ExternalCommand(
      "xorriso",
      [
        "-as", "mkisofs", "-r", "-J", "-joliet-long", "-V", "LIFEBOAT", "-o", iso.string, "-partition_offset", "16",
        "--grub2-mbr", "/usr/lib/grub/i386-pc/boot_hybrid.img", "--mbr-force-bootable", "-append_partition", "2",
        "0xEF", system.string, "-appended_part_as_gpt", "--gpt_disk_guid", guid, "-c", "boot.cat", "-b", loader,
        "-no-emul-boot",
        "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info", "-eltorito-alt-boot", "-e",
        "--interval:appended_partition_2:all::", "-no-emul-boot", scratch.path.appending("tree").string,
      ], environment: ["SOURCE_DATE_EPOCH": "1700000000"]
    ).run()
  }
}

/// Whether a call fails with an error that can be explained to a person.
func failsWithDiagnosis(_ body: () async throws -> some Any) async -> Bool {
  do {
    _ = try await body()
    return false
  } catch { return error is any Diagnosable }
}

/// An image with some bytes changed, without a copy of all of it.
struct Patched: ByteSource {
  let base: [UInt8]
  var patches: [Int64: UInt8]
  var size: Int64 { Int64(base.count) }
  func read(at offset: Int64, count: Int) throws -> [UInt8] {
    var bytes = Array(base[Int(offset)..<Int(offset) + count])
    for (place, value) in patches where place >= offset && place < offset + Int64(count) {
      bytes[Int(place - offset)] = value
    }
    return bytes
  }
}
