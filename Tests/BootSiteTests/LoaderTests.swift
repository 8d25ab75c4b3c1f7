// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import MediumWriting
import RecoveryManifest
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import BootSite

/// What clients of PXE and iPXE begin with, as foreign programs see it.
@Suite(.serialized) struct LoaderTests {
  private let fixture: SiteFixture
  init() throws { fixture = try SiteFixture() }

  @Test func everyKindOfClientHasItsFile() async throws {
    let index = try await fixture.publish(SmallMedia.shared.iso()).index
    #expect(
      index.images[0].entries == [
        "uefi-http": "boot/tier1.iso", "uefi-x64-pxe": "boot/tier1/pxe/shimx64.efi",
        "uefi-ia32-pxe": "boot/tier1/pxe/ia32.efi", "bios-pxe": "boot/tier1/pxe/bios.0", "ipxe": "boot/tier1/boot.ipxe",
      ])
    for object in index.objects where object.name.hasSuffix(".cfg") {
      try await ExternalCommand(
        "grub-script-check", [fixture.file(object.name, in: index).string], package: "grub-common"
      ).run()
    }
    #expect(index.objects.map(\.name).filter { $0.hasSuffix(".cfg") } == ["boot/tier1/pxe/grub.cfg", "grub/grub.cfg"])
    for (name, kind) in [
      ("shimx64.efi", "PE32+ executable (EFI application) x86-64"), ("ia32.efi", "PE32 executable (EFI application)"),
      ("grubx64.efi", "PE32+ executable (EFI application) x86-64"),
    ] {
      let file = try fixture.file("boot/tier1/pxe/\(name)", in: index)
      #expect(try await ExternalCommand("file", ["-b", file.string]).text().hasPrefix(kind))
    }
    let theme = index.objects.map(\.name).filter { $0.hasPrefix("boot/tier1/theme/") }.map { $0.dropFirst(17) }
    #expect(theme == ["desktop.png", "emblem.png", "line.png", "selected_c.png", "theme.txt"])
  }

  /// The signed pair is Debian's, byte for byte.
  @Test func theSignedLoadersAreWhatDebianSigned() async throws {
    let index = try await fixture.publish(SmallMedia.shared.iso()).index
    let tree = try await DebianPackages.shared.folder(LoaderFiles.packages.amd64, architecture: "amd64")
    for (name, original, signer) in [
      ("shimx64.efi", "usr/lib/shim/shimx64.efi.signed", "Microsoft"),
      ("grubx64.efi", "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed", "CN=Debian Secure Boot Signer"),
    ] {
      let file = try fixture.file("boot/tier1/pxe/\(name)", in: index)
      #expect(try FileTree.bytes(of: file) == FileTree.bytes(of: tree.appending(original)))
      let list = try await ExternalCommand("sbverify", ["--list", file.string], package: "sbsigntool").text()
      #expect(list.contains(signer), "\(list)")
    }
  }

  /// One dispatcher for all images; it goes with the last of them that has loaders.
  @Test func imagesShareOneDispatcher() async throws {
    let key = try await SmallMedia.shared.key()
    func text(_ index: SetIndex) throws -> String { try FileTree.text(of: fixture.file("grub/grub.cfg", in: index)) }
    let first = try await fixture.publish(SmallMedia.shared.iso()).index
    #expect(try text(first).contains("'tier1'") && !text(first).contains("'tier2'"))
    let both = try await fixture.publish(SmallMedia.shared.iso("tier2")).index
    #expect(try text(both).contains("\"$image\" != 'tier1' -a \"$image\" != 'tier2'"))
    // shim asks for it by this name alone where DHCP tells it no folder.
    let grub = both.objects.filter { $0.name.hasSuffix("grubx64.efi") }
    #expect(grub.map(\.name).sorted() == ["boot/tier1/pxe/grubx64.efi", "boot/tier2/pxe/grubx64.efi", "grubx64.efi"])
    #expect(Set(grub.map(\.digest)).count == 1)
    let second = try await fixture.site.retire("tier1", as: .key(key)).index
    #expect(try !text(second).contains("'tier1'") && text(second).contains("then set image='tier2'; fi"))
    _ = try await fixture.site.current()
  }

  @Test func theScriptOfIPXE() async throws {
    let index = try await fixture.publish(SmallMedia.shared.iso("both", [.x64, .x86])).index
    let text = try FileTree.text(of: fixture.file("boot/both/boot.ipxe", in: index))
    let medium = try #require(index.images[0].media["x86"])
    #expect(text.hasPrefix("#!ipxe\n"))
    #expect(text.contains("set system x64\ncpuid --ext 29 || set system x86\n"))
    let words = (["initrd=initrd.img"] + medium.arguments).joined(separator: " ")
    let places = ["", "http://192.0.2.10/boot/both/", "http://192.0.2.11:8080/boot/both/"]
    for place in places {
      #expect(
        text.contains(
          "\nkernel \(place)x86/vmlinuz \(words) console=tty0 console=ttyS0,115200n8 && initrd \(place)x86/initrd.img && boot ||\n"
        ))
    }
    for label in text.matches(of: /goto ([a-z0-9]+)/).map(\.1) { #expect(text.contains("\n:\(label)\n")) }
    #expect(!text.contains("shell") && !text.contains("config\n"))
    let one = IPXEScript(title: "x", folder: "boot/x", servers: [], arguments: ["x86": []]).text
    #expect(one.contains("set system x86\niseq ${platform}-${buildarch} efi-x86_64 && set system impossible ||\n"))
  }

  /// A medium of an older Lifeboat starts what it started before.
  @Test func anOldMediumGoesWithout() async throws {
    let iso = try await oldMedium()
    let outcome = try await Repository.lifeboat(
      ["publish", iso.string, "--site", "site", "--unsigned", "--server", "http://192.0.2.10"],
      in: fixture.scratch.path)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(
      outcome.errors.contains("tier1 starts by UEFI HTTP boot and by iPXE, but not by PXE")
        && outcome.errors.contains("build and publish them again"), "\(outcome)")
    let index = try await fixture.site.current().index
    #expect(index.images[0].entries.keys.sorted() == ["ipxe", "uefi-http"])
    #expect(!index.objects.contains { $0.name.contains("grub") } && index.images[0].files == [])
    let new = try await fixture.site.publish([SmallMedia.shared.iso()], as: .unsigned).index
    #expect(new.images[0].entries.count == 5)
  }

  @Test func aMissingProgramIsNamed() async throws {
    let path = fixture.scratch.appending("bin")
    try FileTree.makeFolder(path)
    for program in ["cpio", "mcopy", "ssh-keygen", "veritysetup"] {
      try FileTree.makeLink(path.appending(program), to: try Tool.require(program))
    }
    let outcome = try await Repository.lifeboat(
      [
        "publish", SmallMedia.shared.iso().string, "--site", "site", "--unsigned", "--server", "http://192.0.2.10",
      ], in: fixture.scratch.path, environment: ["PATH": path.string])
    #expect(outcome.status == 69, "\(outcome)")
    #expect(outcome.errors.contains("grub-mkimage") && outcome.errors.contains("apt-get install grub-common"))
    #expect(fixture.site.numbers == [])
  }

  /// A layer's hash tree that is stored already is not made again.
  @Test func aStoredHashTreeIsUsedAgain() async throws {
    let before = try await fixture.site.publish(
      [SmallMedia.shared.iso()], as: .unsigned, servers: ["http://192.0.2.10"]
    ).index
    let path = fixture.scratch.appending("bin")
    let failing = try fixture.scratch.write("bin/veritysetup", "#!/bin/sh\nexit 9\n")
    try FileTree.setPermissions(failing, 0o755)
    func publish(in site: FilePath) async throws -> TestSupport.Tool.Outcome {
      try await Repository.lifeboat(
        [
          "publish", SmallMedia.shared.iso().string, "--site", site.string, "--unsigned", "--server",
          "http://192.0.2.11",
        ], environment: ["PATH": "\(path):/usr/bin:/bin:/usr/sbin"])
    }
    let elsewhere = try await publish(in: fixture.scratch.appending("other"))
    #expect(elsewhere.status != 0 && elsewhere.errors.contains("veritysetup"), "\(elsewhere)")
    let again = try await publish(in: fixture.site.folder)
    #expect(again.status == 0, "\(again)")
    let index = try await fixture.site.current().index
    #expect(index.number == 2 && index.images[0].media["x64"]?.trees == before.images[0].media["x64"]?.trees)
    let (old, new) = (try lists(before), try lists(index))
    #expect(old == new && !old.isEmpty)
  }

  /// What a set's initrd knows of hash trees.
  private func lists(_ index: SetIndex) throws -> [String] {
    let initrd = try #require(index.images[0].media["x64"]?.initrd)
    let bytes = try FileTree.bytes(of: fixture.file(initrd, in: index))
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("verity ") }
  }

  /// The same medium as it was before there were loaders for PXE on media.
  private func oldMedium() async throws -> FilePath {
    let iso = try await SmallMedia.shared.iso(signedBy: nil)
    let root = fixture.scratch.appending("tree")
    try await ExternalCommand(
      "osirrox", ["-indev", iso.string, "-extract", "/", root.string], package: "xorriso"
    ).run()
    try await ExternalCommand("chmod", ["-R", "u+w", root.string]).run()
    var record = try MediumRecord(decoding: FileTree.bytes(of: root.appending(MediumRecord.path)))
    record.files.removeAll { $0.path.hasPrefix(NetworkLoaders.folder) }
    record.layout = nil
    let reader = try ISOReader(iso)
    let partition = try #require(reader.partitionTable?.partitions.first { $0.isEFISystemPartition }).range
    let esp = fixture.scratch.appending("esp.img")
    try AtomicFile.write(
      try reader.image.bytes(
        at: partition.offset.bytes, count: Int(try #require(record.efiSystemPartition).size.bytes)), to: esp)
    let entries = record.files.map { file in
      BootTree.Entry(file.path, .file(root.appending(file.path), file.size))
    }
    let boot = try #require(record.bootImages.first)
    let mbr = try reader.image.bytes(at: 0, count: 512)
    let tree = BootTree(
      volumeIdentifier: "LIFEBOAT_TIER1", timestamp: 1_790_000_000,
      entries: entries + [
        BootTree.Entry(boot.path, .file(root.appending(boot.path), boot.size)),
        BootTree.Entry(MediumRecord.path, .bytes(try record.encoded())),
      ], biosBoot: .init(image: boot.path, hybridMBR: mbr), efiSystemPartition: esp, identity: record.identifier)
    let old = fixture.scratch.appending("old.iso")
    _ = try await ISOImage.write(tree, to: old, finish: StructureSeal.finish())
    return old
  }
}
