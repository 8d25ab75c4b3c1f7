// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import BootSite
@preconcurrency import Glibc
import HostSystem
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// What `lifeboat export netboot` writes, and what it refuses.
@Suite(.timeLimit(.minutes(20))) struct ExportTests {
  private let folder: TemporaryFolder
  private let site: TestSite
  private let disk = TestSite.bytes(300_000)
  private let layer = TestSite.bytes(70_000, seed: 3)

  init() throws {
    (folder, site) = (try TemporaryFolder(), try TestSite())
    try publish(1, disk)
  }

  private var layerName: String { "layers/\(Digest(of: layer)).squashfs" }

  private func publish(_ number: Int, _ disk: [UInt8]) throws {
    try site.publish(
      number,
      [
        .init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso"),
        .init(name: layerName, bytes: layer),
      ],
      entries: ["uefi-http": "boot/demo.iso"])
  }

  private func export(_ arguments: String...) async throws -> Tool.Outcome {
    try await Repository.lifeboat(
      ["export", "netboot", "--site", site.path.string, "--to", "out"] + arguments, in: folder.path)
  }

  private var files: [String] {
    FileTree.walk(folder.appending("out")).filter { FileTree.kind(of: folder.appending("out/\($0)")) == .file }
  }

  private func manifest() throws -> ExportManifest {
    try #require(ExportManifest(decoding: try FileTree.bytes(of: folder.appending("out/export.json"))))
  }

  @Test func theObjectsLieUnderTheirNamesAndNothingElse() async throws {
    let outcome = try await export()
    #expect(
      outcome.status == 0 && outcome.output.contains("out: set 1 for http://10.66.0.2, 2 objects, "), "\(outcome)")
    #expect(outcome.output.contains("NOT SIGNED"))
    #expect(
      files == [
        "dnsmasq.conf", "export.json", "index.json", "nginx.conf", "objects/boot/demo.iso", "objects/\(layerName)",
      ])
    #expect(try FileTree.bytes(of: folder.appending("out/objects/boot/demo.iso")) == disk)
    #expect(
      try FileTree.bytes(of: folder.appending("out/index.json"))
        == FileTree.bytes(of: site.folder.appending("sets/1/index.json")))
    let manifest = try manifest()
    #expect(manifest.objects.map(\.name) == ["boot/demo.iso", layerName])
    #expect(manifest.objects.map(\.digest) == [Digest(of: disk), Digest(of: layer)])
    #expect(manifest.objects.map(\.type) == ["application/vnd.efi-iso", "application/octet-stream"])
    #expect(
      manifest.objects.map(\.cacheControl) == ["public, max-age=60", "public, max-age=31536000, immutable"],
      "only a name with its digest always stands for the same bytes")
    #expect(folder.names == ["out"], "no draft is left")
  }

  @Test func theSignatureComesAlongAndIsChecked() async throws {
    _ = try await SiteKey.create(at: folder.appending("key"), comment: "test")
    let unsigned = try await export("--key", "key.pub")
    #expect(unsigned.status == 3 && unsigned.errors.contains("it has no signature"), "\(unsigned)")
    let index = try FileTree.bytes(of: site.folder.appending("sets/1/index.json"))
    try site.folder.write(
      "sets/1/index.json.sig", try await SiteKey.sign(index, with: folder.appending("key")))
    let outcome = try await export("--key", "key.pub", "--json")
    #expect(outcome.status == 0 && outcome.output.contains("\"signedBy\" : \"SHA256:"), "\(outcome)")
    try await SiteKey.verify(
      try FileTree.bytes(of: folder.appending("out/index.json")),
      signature: try FileTree.bytes(of: folder.appending("out/index.json.sig")), publicKey: folder.appending("key.pub"))
    try site.folder.write("sets/1/index.json", index + [0x20])
    let changed = try await export("--key", "key.pub")
    #expect(changed.status == 3 && changed.errors.contains("it was changed after it was signed"), "\(changed)")
    #expect(try FileTree.bytes(of: folder.appending("out/index.json")) == index, "the export stays as it was")
  }

  @Test func aLaterSetReplacesAnExportThatNobodyChanged() async throws {
    #expect(try await export().status == 0)
    let other = TestSite.bytes(1000, seed: 9)
    try publish(2, other)
    #expect(try await export().status == 0)
    #expect(try FileTree.bytes(of: folder.appending("out/objects/boot/demo.iso")) == other)
    #expect(try manifest().set == 2 && folder.names == ["out"])
    try folder.write("out/dnsmasq.conf", "mine")
    try folder.write("out/objects/boot/mine", "mine")
    let before = try FileTree.digest(of: folder.path)
    let outcome = try await export()
    #expect(
      outcome.status == 73 && outcome.errors.contains("was changed since: dnsmasq.conf, objects/boot/mine"),
      "\(outcome)")
    #expect(try FileTree.digest(of: folder.path) == before)
  }

  @Test(arguments: ["a/file", ".hidden", "export.json"])
  func aForeignFolderIsLeftAlone(_ name: String) async throws {
    try folder.write("out/\(name)", "{\"format\": 1}")
    let outcome = try await export()
    #expect(outcome.status == 73 && outcome.errors.contains("holds what no export wrote"), "\(outcome)")
    #expect(outcome.errors.contains("Choose another folder") && files == [name])
    FileTree.remove(folder.appending("out"))
    try FileTree.makeFolder(folder.appending("out"))
    #expect(try await export().status == 0, "an empty one may be filled")
  }

  @Test func aServerThatNobodyWouldAskIsRefused() async throws {
    let other = try await export("--server", "http://192.0.2.1")
    #expect(other.status == 64 && other.errors.contains("nobody would ask http://192.0.2.1"), "\(other)")
    #expect(other.errors.contains("fetch their layers from http://10.66.0.2") && folder.names == [])
    let name = try await export("--server", "https://example.org")
    #expect(name.status == 64 && name.errors.contains("does not begin with http://"), "\(name)")
    let image = try await export("--image", "other")
    #expect(image.status == 64 && image.errors.contains("the set has no image \"other\""), "\(image)")
    #expect(try await export("--server", "http://10.66.0.2/").status == 0)
  }

  @Test func damageIsFoundAndNothingIsLeft() async throws {
    var bytes = layer
    bytes[1000] ^= 1
    try AtomicFile.write(bytes, to: site.file(layer))
    let damaged = try await export()
    #expect(damaged.status == 3 && damaged.errors.contains("\(layerName) of the current set is missing or damaged"))
    #expect(folder.names == [])
    FileTree.remove(site.file(layer))
    let missing = try await export()
    #expect(missing.status == 3 && missing.errors.contains("has 1 object that the site does not hold whole"))
    let nowhere = try await Repository.lifeboat(
      ["export", "netboot", "--site", "none", "--to", "out"], in: folder.path)
    #expect(nowhere.status == 66 && nowhere.errors.contains("nothing is published in none"), "\(nowhere)")
    #expect(folder.names == [])
  }

  /// A file system of its own, in a mount namespace of the program's: too small, and none that links lead to.
  @Test(.enabled(if: getuid() == 0, "needs root for a mount of its own"))
  func anotherFileSystemGetsCopiesAndAFullOneNothing() async throws {
    try FileTree.makeFolder(folder.appending("small"))
    let script = """
      mount -t tmpfs -o size="$1" tmpfs small && shift && "$@"; status=$?
      find small -type f -exec sha256sum {} + | sort; exit $status
      """
    func export(size: String) async throws -> Tool.Outcome {
      let program = try Repository.program("lifeboat").string
      return try await Tool.run(
        "unshare",
        ["--mount", "sh", "-c", script, "sh", size, program, "export", "netboot", "--site", site.path.string]
          + ["--to", "small/out"], in: folder.path)
    }
    let full = try await export(size: "200k")
    #expect(full.status == 73 && full.errors.contains("No space left on device"), "\(full)")
    #expect(full.output.isEmpty, "nothing is left: \(full)")
    let copied = try await export(size: "2m")
    #expect(copied.status == 0 && copied.output.contains("\(Digest(of: disk))  small/out/objects/boot/demo.iso"))
  }

  @Test func aServerWithAPortAndAPathIsServedThere() throws {
    let index = SetIndex(number: 3, servers: ["http://10.1.2.3:8080/boot/here"], images: [], objects: [])
    let server = try ExportServer(nil, in: index)
    #expect(server.address == "10.1.2.3" && server.port == 8080 && server.path == "/boot/here")
    let object = ExportManifest.Object(
      SetIndex.Object(name: "a/b", size: ByteCount(3), digest: Digest(of: "abc"), type: "application/efi"))
    let text = NginxSettings([object], server, set: 3).text
    #expect(text.contains("    listen 8080 default_server;\n"))
    #expect(
      text.contains("    location = /boot/here/a/b {\n      alias objects/a/b;\n      default_type application/efi;\n"))
  }
}
