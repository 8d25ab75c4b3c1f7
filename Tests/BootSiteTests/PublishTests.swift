// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootSite

/// What is published is what foreign programs find there.
@Suite(.serialized) struct PublishTests {
  private let fixture: SiteFixture
  private var site: Site { fixture.site }
  init() throws { fixture = try SiteFixture() }

  @Test func everyObjectIsWhatItsNameSays() async throws {
    let index = try await fixture.publish(SmallMedia.shared.iso()).index
    #expect(index.objects.count == 20 && index.images.map(\.name) == ["tier1"])
    for object in index.objects {
      let path = site.path(of: object).string
      let said = try await ExternalCommand("sha256sum", [path]).text()
      #expect(said.hasPrefix(object.digest.hex) && path.hasSuffix(object.digest.hex))
      #expect(FileTree.status(of: FilePath(path))?.size == object.size.bytes)
    }
    for layer in try #require(index.images[0].media["x64"]).layers {
      let said = try await ExternalCommand("unsquashfs", ["-s", fixture.file(layer, in: index).string]).text()
      #expect(said.contains("Found a valid SQUASHFS"))
    }
    #expect(index.objects.first { $0.name == "boot/tier1.iso" }?.type == "application/vnd.efi-iso")
  }

  @Test func theIndexIsSignedAsOpenSSHSees() async throws {
    try await fixture.publish(SmallMedia.shared.iso())
    let key = try FileTree.text(of: site.keyFile)
    let signers = try fixture.scratch.write("signers", "lifeboat \(key)")
    let current = site.folder.appending("current")
    let arguments = [
      "-Y", "verify", "-f", signers.string, "-I", "lifeboat", "-n", "lifeboat", "-s",
      current.appending("index.json.sig").string,
    ]
    _ = try await ExternalCommand("ssh-keygen", arguments).output(inputFile: current.appending("index.json"))
    #expect(try await site.current().signedBy?.hasPrefix("SHA256:") == true)
  }

  /// The medium's initrd comes first, byte for byte; cpio understands what follows.
  @Test func theInitrdSaysWhatToFetch() async throws {
    let iso = try await SmallMedia.shared.iso()
    let index = try await fixture.publish(iso).index
    let medium = try #require(index.images[0].media["x64"])
    let folder = "lifeboat/\(medium.identifier)/x64"
    let out = fixture.scratch.appending("initrd.img")
    try await extract("/\(folder)/initrd.img", from: iso, to: out)
    let (own, whole) = try (FileTree.bytes(of: out), FileTree.bytes(of: fixture.file(medium.initrd, in: index)))
    #expect(Array(whole.prefix(own.count)) == own)
    let start = (own.count + 3) / 4 * 4
    let archive = try fixture.scratch.write("archive", Array(whole[start...]))
    let root = fixture.scratch.appending("root")
    try FileTree.makeFolder(root)
    let listing = try await ExternalCommand("cpio", ["-tv", "--quiet", "-n"]).output(inputFile: archive)
    let lines = String(decoding: listing, as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 6 && lines.allSatisfy { $0.contains(" 0        0 ") }, "\(lines)")
    _ = try await ExternalCommand("cpio", ["-id", "--quiet", "-D", root.string]).output(inputFile: archive)
    let sizes = Dictionary(uniqueKeysWithValues: index.objects.map { ($0.name, $0) })
    let layers = try zip(["10-base", "20-tools"], medium.layers).map { name, object in
      let found = try #require(sizes[object])
      return "layer \(name).squashfs \(found.size.bytes) \(found.digest) \(object)\n"
    }
    var trees: [String] = []
    for (name, object) in zip(["10-base", "20-tools"], medium.layers) {
      let (layer, tree) = try (#require(sizes[object]), #require(sizes[object.replacing(".squashfs", with: ".verity")]))
      let file = fixture.scratch.appending("tree")
      let root = try await HashTree.write(of: site.path(of: layer), digest: layer.digest, to: file).root
      #expect(try FileTree.bytes(of: file) == FileTree.bytes(of: site.path(of: tree)))
      trees.append("verity \(name).squashfs \(root) \(tree.size.bytes) \(tree.digest) \(tree.name)\n")
    }
    #expect(
      try FileTree.text(of: root.appending("etc/lifeboat/boot"))
        == "server http://192.0.2.10\nserver http://192.0.2.11:8080\nimage tier1\npath \(folder)\n" + layers.joined()
        + trees.joined())
    for name in ["lifeboat.json", "lifeboat.json.sig"] {
      let original = fixture.scratch.appending(name)
      try await extract("/\(name)", from: iso, to: original)
      #expect(try FileTree.bytes(of: root.appending("etc/lifeboat/medium/\(name)")) == FileTree.bytes(of: original))
    }
    // The kernel stops at the end of the medium's archive only if a foreign reader would, too.
    #expect(
      try await ExternalCommand("sh", ["-c", "zstd -dc <\"$1\" | cpio -t --quiet", "sh", out.string]).text()
        == "content\nusr/lib/live/boot/9999-lifeboat-partition\n")
  }

  /// xorriso and GRUB's own checker judge the disk that firmware loads.
  @Test func theStartDiskIsOneForUEFI() async throws {
    let iso = try await SmallMedia.shared.iso()
    let index = try await fixture.publish(iso).index
    let medium = try #require(index.images[0].media["x64"])
    let disk = try fixture.file("boot/tier1.iso", in: index)
    let report = try await Tool.run(
      "xorriso", ["-indev", disk.string, "-report_el_torito", "plain", "-report_system_area", "plain"])
    #expect(report.output.contains("El Torito boot img :   1  UEFI"), "\(report)")
    #expect(
      report.output.contains(/GPT type GUID +: +2 +28732ac11ff8d211ba4b00a0c93ec93b/), "\(report)")
    let folder = "/lifeboat/\(medium.identifier)/x64"
    for (path, object) in [("vmlinuz", medium.kernel), ("initrd.img", medium.initrd)] {
      let out = fixture.scratch.appending(path)
      try await extract("\(folder)/\(path)", from: disk, to: out)
      #expect(try FileTree.bytes(of: out) == FileTree.bytes(of: fixture.file(object, in: index)))
    }
    let menu = fixture.scratch.appending("grub.cfg")
    try await extract("/boot/grub/grub.cfg", from: disk, to: menu)
    try await ExternalCommand("grub-script-check", [menu.string], package: "grub-common").run()
    let text = try FileTree.text(of: menu)
    #expect(text.contains("set timeout=7\n"))
    #expect(text.contains(#"boot=live lifeboat.boot=net "live-media-path=/lifeboat/$id/$1" lifeboat.id=$id"#))
    #expect(text.contains(#" $consoles 'quirk=it'\''s' 'norandmaps'"#))
    for word in ["toram", "verify-checksums", "memtest86+"] { #expect(!text.contains(word)) }
    #expect(
      medium.arguments
        == [
          "boot=live", "lifeboat.boot=net", "live-media-path=\(folder)", "lifeboat.id=\(medium.identifier)", "quiet",
          "panic=60", "quirk=it's", "norandmaps",
        ].filter { $0 != "panic=60" || text.contains("'panic=60'") })
    // The partition is the medium's own, byte for byte, so its loaders are still the signed ones.
    let (own, there) = try await (partition(of: iso), partition(of: disk))
    #expect(own == there && !own.isEmpty)
  }

  @Test func bothArchitecturesFromOneMediumOrFromTwo() async throws {
    let one = try await fixture.publish(SmallMedia.shared.iso("both", [.x64, .x86])).index
    #expect(one.images[0].media.keys.sorted() == ["x64", "x86"])
    let two = try await fixture.publish(
      SmallMedia.shared.iso("pair", [.x86]), SmallMedia.shared.iso("pair", [.x64])
    ).index
    let pair = try #require(two.images.first { $0.name == "pair" })
    let media = try ["x64", "x86"].map { try #require(pair.media[$0]) }
    #expect(media[0].identifier != media[1].identifier)
    let menu = fixture.scratch.appending("grub.cfg")
    try await extract("/boot/grub/grub.cfg", from: fixture.file("boot/pair.iso", in: two), to: menu)
    try await ExternalCommand("grub-script-check", [menu.string], package: "grub-common").run()
    let text = try FileTree.text(of: menu)
    for (architecture, medium) in zip(["x64", "x86"], media) {
      #expect(text.contains("if [ \"$1\" = \(architecture) ]; then set id=\(medium.identifier); fi"))
    }
    // Found by the marker of the medium whose loaders it has.
    #expect(text.contains("search --no-floppy --file --set=root /lifeboat/\(media[0].identifier)/medium"))
  }

  @Test func whatImagesShareIsStoredOnce() async throws {
    let first = try await fixture.publish(SmallMedia.shared.iso("tier1"))
    let second = try await fixture.publish(SmallMedia.shared.iso("tier2", tools: "more"))
    #expect(second.index.images.map(\.name) == ["tier1", "tier2"] && second.number == first.number + 1)
    let media = second.index.images.compactMap { $0.media["x64"] }
    #expect(media[0].layers[0] == media[1].layers[0] && media[0].layers[1] != media[1].layers[1])
    let files = FileTree.walk(site.folder.appending("objects")).filter { $0.count == 67 }
    #expect(files.count == Set((first.index.objects + second.index.objects).map(\.digest)).count)
  }

  @Test func theSameAgainIsNoNewSet() async throws {
    let iso = try await SmallMedia.shared.iso()
    let first = try await fixture.publish(iso)
    let before = try fixture.content()
    let second = try await fixture.publish(iso)
    #expect(first.isNew && !second.isNew && second.number == first.number && second.added == .zero)
    #expect(try fixture.content() == before)
    let other = try SiteFixture()
    #expect(try await other.publish(iso).index == first.index)
  }

  @Test func aFolderStandsForItsISOFiles() async throws {
    let folder = fixture.scratch.appending("output")
    try FileTree.makeFolder(folder)
    for (name, image) in [("a.iso", "tier1"), ("b.iso", "tier2")] {
      try FileTree.makeLink(folder.appending(name), to: try await SmallMedia.shared.iso(image).string)
    }
    try fixture.scratch.write("output/a.iso.sha256", "nothing")
    #expect(try await fixture.publish(folder).index.images.map(\.name) == ["tier1", "tier2"])
    let only = try await site.publish([folder], image: "tier2", as: .key(SmallMedia.shared.key()))
    #expect(!only.isNew && only.index.servers == SiteFixture.servers)
  }

  private func extract(_ path: String, from iso: FilePath, to file: FilePath) async throws {
    FileTree.remove(file)
    try await ExternalCommand(
      "osirrox", ["-indev", iso.string, "-extract", path, file.string], package: "xorriso"
    ).run()
  }

  /// The second partition, by sfdisk's table.
  private func partition(of iso: FilePath) async throws -> [UInt8] {
    struct Table: Decodable {
      struct Disk: Decodable { var partitions: [Part] }
      struct Part: Decodable { var start: Int, size: Int, type: String }
      var partitiontable: Disk
    }
    let text = try await Tool.run("sfdisk", ["--json", iso.string], package: "fdisk").output
    let parts = try JSONDecoder().decode(Table.self, from: Data(text.utf8)).partitiontable.partitions
    let esp = try #require(parts.first { $0.type.hasPrefix("C12A7328") })
    return Array(try FileTree.bytes(of: iso)[esp.start * 512..<(esp.start + esp.size) * 512])
  }
}
