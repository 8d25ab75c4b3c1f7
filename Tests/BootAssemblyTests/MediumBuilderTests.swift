// SPDX-License-Identifier: GPL-3.0-or-later
import FoundationEssentials
import HostSystem
import RecoveryManifest
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import BootAssembly

/// What every test of this file builds from: real loaders, made-up systems.
struct Workshop {
  static let identifier = "0123456789abcdef"
  var folder: FilePath
  var loaders: LoaderFiles

  static func open(_ body: @Sendable (Workshop) async throws -> Void) async throws {
    let loaders = LoaderFiles(
      amd64: try await DebianPackages.shared.folder(LoaderFiles.packages.amd64, architecture: "amd64"),
      i386: try await DebianPackages.shared.folder(LoaderFiles.packages.i386, architecture: "i386"))
    try await TemporaryFolder.with { try await body(Workshop(folder: $0, loaders: loaders)) }
  }

  func builder(
    scratch: String = "scratch", timestamp: Int64 = 1_790_000_000, change: (inout MediumBuilder) -> Void = { _ in }
  ) throws -> MediumBuilder {
    let scratch = folder.appending(scratch)
    try FileManager.default.createDirectory(atPath: scratch.string, withIntermediateDirectories: true)
    var image = Image(name: "tier-1", title: "Contoso first aid", architectures: [.x64, .x86])
    image.expires = "2027-06-30"
    var builder = MediumBuilder(
      image: image, lifeboat: "1.2.3", identifier: Self.identifier, timestamp: timestamp, loaders: loaders,
      scratch: scratch)
    builder.withoutSuites = ["i386 bookworm-security"]
    builder.foreignArchives = ["https://contoso.example bookworm (Contoso)"]
    change(&builder)
    return builder
  }

  func system(_ architecture: Architecture, layers: [String] = ["10-base.squashfs", "20-tools.squashfs"]) throws
    -> SystemFiles
  {
    func file(_ name: String, _ count: Int) throws -> FilePath {
      let path = folder.appending("\(architecture.rawValue)-\(name.replacing("/", with: "_"))")
      try AtomicFile.write((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ name.count) }, to: path)
      return path
    }
    return SystemFiles(
      architecture: architecture, kernel: try file("kernel", 5000), initrd: try file("initrd", 1 << 20),
      layers: try layers.map { ($0, try file($0, (2 << 20) + 17)) })
  }

  /// Puts the tree into a folder.
  func layOut(_ tree: BootTree, _ name: String = "tree") throws -> FilePath {
    let root = folder.appending(name)
    for entry in tree.entries {
      let path = root.appending(entry.path)
      try FileManager.default.createDirectory(
        atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
      try AtomicFile.write(try Self.bytes(entry), to: path)
    }
    return root
  }

  static func bytes(_ entry: BootTree.Entry) throws -> [UInt8] {
    switch entry.content {
    case .bytes(let bytes): bytes
    case .file(let path, _): try FileTree.bytes(of: path)
    case .folder, .symbolicLink: []
    }
  }
}

@Suite(.serialized) struct MediumBuilderTests {
  @Test func theTreeHasItsLayout() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let medium = try await workshop.builder().build([workshop.system(.x86), workshop.system(.x64)])
      let system = "lifeboat/\(Workshop.identifier)"
      let variant = ["10-base.squashfs", "20-tools.squashfs", "filesystem.module", "initrd.img", "vmlinuz"]
      let common = [
        ".disk/info", "boot/grub/fonts/unicode.pf2", "boot/grub/grub.cfg", "boot/grub/i386-pc/eltorito.img",
        "boot/grub/theme/desktop.png", "boot/grub/theme/emblem.png", "boot/grub/theme/line.png",
        "boot/grub/theme/selected_c.png", "boot/grub/theme/theme.txt", "boot/memtest/memtest86+ia32.bin",
        "boot/memtest/memtest86+ia32.efi", "boot/memtest/memtest86+x64.bin", "boot/memtest/memtest86+x64.efi",
        "lifeboat.json",
      ]
      let systems = ["x64", "x86"].flatMap { folder in variant.map { "\(system)/\(folder)/\($0)" } }
      let paths = common + ["\(system)/medium"] + systems + ["sha256sum.txt"]
      let loaders = medium.tree.entries.map(\.path).filter { $0.hasPrefix(NetworkLoaders.folder) }
      #expect(loaders == (try workshop.builder().networkEntries().map(\.path).sorted()) && loaders.count > 100)
      #expect(medium.tree.entries.map(\.path).filter { !loaders.contains($0) } == paths)
      #expect(medium.tree.volumeIdentifier == "LIFEBOAT_TIER_1")
      #expect(medium.tree.timestamp == 1_790_000_000)
      let order = try #require(medium.tree.entries.first { $0.path == "\(system)/x64/filesystem.module" })
      #expect(try Workshop.bytes(order) == Array("10-base.squashfs\n20-tools.squashfs\n".utf8))
      #expect(medium.record.variants.map(\.architecture) == ["x64", "x86"])
      let layers = ["\(system)/x86/10-base.squashfs", "\(system)/x86/20-tools.squashfs"]
      #expect(medium.record.variants[1].layers == layers)
      #expect(medium.record.expires == "2027-06-30")
      #expect(medium.record.withoutSuites == ["i386 bookworm-security"])
      #expect(medium.record.foreignArchives == ["https://contoso.example bookworm (Contoso)"])
      #expect(medium.record.loadersWithoutSuites == nil)
    }
  }

  /// The record, and sha256sum, agree with the files; nothing is left out of the record but what it says.
  @Test func theRecordCoversEveryFile() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let medium = try await workshop.builder().build([workshop.system(.x64)])
      let root = try workshop.layOut(medium.tree)
      let listed = try await ExternalCommand("env", ["-C", root.string, "sha256sum", "-c", "sha256sum.txt"]).text()
      let count = listed.split(separator: "\n").filter { $0.hasSuffix(": OK") }.count
      #expect(count == medium.record.files.count - 1)

      let stored = try MediumRecord(decoding: try FileTree.bytes(of: root.appending("lifeboat.json")))
      #expect(stored == medium.record)
      let covered = stored.files.map(\.path) + stored.bootImages.map(\.path) + [MediumRecord.path]
      #expect(covered.sorted() == medium.tree.entries.map(\.path).sorted())
      for file in stored.files {
        #expect(try Digest(ofFile: root.appending(file.path)) == file.sha256)
        #expect((file.pieces == nil) == (file.size.bytes <= 1 << 20))
      }
      let layer = try #require(stored.files.first { $0.path.hasSuffix("10-base.squashfs") })
      let bytes = try FileTree.bytes(of: root.appending(layer.path))
      let mebibyte = 1 << 20
      let pieces = [bytes[..<mebibyte], bytes[mebibyte..<(2 * mebibyte)], bytes[(2 * mebibyte)...]]
      #expect(layer.pieces == pieces.map { Digest(of: $0) })
      let esp = try #require(medium.tree.efiSystemPartition)
      #expect(stored.efiSystemPartition?.sha256 == (try Digest(ofFile: esp)))
    }
  }

  /// What xorriso makes of the tree keeps what the record says of boot code and boot image, although it patches both.
  @Test(.enabled(if: HostEnvironment.has("xorriso"), "xorriso is not installed"))
  func theISOWriterChangesOnlyWhatIsMasked() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let medium = try await workshop.builder().build([workshop.system(.x64)])
      let mbr = try #require(medium.tree.biosBoot?.hybridMBR)
      let mbrFile = workshop.folder.appending("mbr")
      try AtomicFile.write(mbr, to: mbrFile)
      let iso = workshop.folder.appending("out.iso")
      try await XorrisoDisc.command(
        folder: workshop.layOut(medium.tree), masterBootRecord: mbrFile,
        efiSystemPartition: try #require(medium.tree.efiSystemPartition), volume: medium.tree.volumeIdentifier,
        output: iso
      ).run()
      let start = try await ExternalCommand("head", ["-c", "512", iso.string]).output()
      #expect(Digest(of: start.prefix(MediumRecord.bootCodeLength)) == medium.record.bootCode)
      #expect(start[432..<440] != mbr[432..<440], "xorriso is expected to patch these bytes")
      let extracted = workshop.folder.appending("extracted.img")
      try await ExternalCommand(
        "xorriso",
        ["-osirrox", "on", "-indev", iso.string, "-extract", "/" + MediumBuilder.eltoritoPath, extracted.string]
      ).run()
      let patched = try FileTree.bytes(of: extracted)
      let image = try #require(medium.record.bootImages.first)
      #expect(MediumRecord.BootImage(path: image.path, patched: patched) == image)
      #expect(Digest(of: patched) != image.sha256)
      let original = try #require(medium.tree.entries.first { $0.path == image.path })
      let before = try Workshop.bytes(original)
      let changed = patched.indices.filter { patched[$0] != before[$0] }
      #expect(changed.contains { $0 < 64 } && changed.contains { $0 >= 2548 })
    }
  }

  @Test func theSameInputsGiveTheSameBytes() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let systems = [try workshop.system(.x64)]
      let first = try await workshop.builder(scratch: "one").build(systems)
      let second = try await workshop.builder(scratch: "two").build(systems)
      #expect(first.record == second.record)
      for (a, b) in zip(first.tree.entries, second.tree.entries) {
        #expect(a.path == b.path)
        #expect(try Workshop.bytes(a) == Workshop.bytes(b))
      }
      let images = try [first, second].map { try FileTree.bytes(of: try #require($0.tree.efiSystemPartition)) }
      #expect(images[0] == images[1])
      let third = try await workshop.builder(scratch: "three", timestamp: 1_800_000_000).build(systems)
      #expect(third.record.efiSystemPartition != first.record.efiSystemPartition)
    }
  }

  @Test func aKeySignsTheRecord() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let key = workshop.folder.appending("key")
      _ = try await SiteKey.create(at: key, comment: "test")
      let medium = try await workshop.builder().build([workshop.system(.x64)], signingKey: key)
      let root = try workshop.layOut(medium.tree)
      try await SiteKey.verify(
        FileTree.bytes(of: root.appending(MediumRecord.path)),
        signature: FileTree.bytes(of: root.appending(MediumRecord.signaturePath)), publicKey: key)
    }
  }

  @Test func progressCountsEveryByte() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let seen = Recorder()
      let medium = try await workshop.builder().build([workshop.system(.x64)]) { seen.add($0) }
      let list = medium.record.files.filter { $0.path != "sha256sum.txt" }
      #expect(seen.last == list.reduce(.zero) { $0 + $1.size })
    }
  }
}

/// Ends a test with the reason where Debian's packages cannot be had.
func requirePackages(_ location: SourceLocation = #_sourceLocation) async throws {
  if let reason = await DebianPackages.unavailable() { try Test.cancel("\(reason)", sourceLocation: location) }
}
