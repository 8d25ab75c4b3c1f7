// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootSite

/// What must not be published or opened is not, and what was there stays as it was.
@Suite(.serialized) struct RefusalTests {
  private let fixture: SiteFixture
  private var site: Site { fixture.site }
  init() throws { fixture = try SiteFixture() }

  /// Expects a failure with this code, after which the site is as before.
  private func refused(_ code: String, _ body: () async throws -> Void) async throws {
    let before = try fixture.content()
    await #expect { try await body() } throws: { ($0 as? any Diagnosable)?.code == code }
    #expect(try fixture.content() == before)
  }

  private func key(_ key: SmallMedia.Key = .site) async throws -> FilePath { try await SmallMedia.shared.key(key) }

  @Test(arguments: [16 * 2048 + 40, 300_000, 2_000_000, 9_000_000]) func aDamagedMedium(at place: Int) async throws {
    try await fixture.publish(SmallMedia.shared.iso("tier2"))
    let bad = try await flipped(SmallMedia.shared.iso(), at: place, to: fixture.scratch.appending("bad.iso"))
    try await refused("medium-damaged") { try await fixture.publish(bad) }
  }

  @Test func aShortenedMedium() async throws {
    let whole = try await FileTree.bytes(of: SmallMedia.shared.iso())
    let bad = try fixture.scratch.write("bad.iso", Array(whole.dropLast(4096)))
    try await refused("truncated-image") { try await fixture.publish(bad) }
  }

  @Test func aForeignISO() async throws {
    try fixture.scratch.write("tree/file", "content")
    let foreign = fixture.scratch.appending("foreign.iso")
    try await ExternalCommand(
      "xorriso", ["-as", "mkisofs", "-quiet", "-r", "-o", foreign.string, fixture.scratch.appending("tree").string]
    ).run()
    try await refused("not-a-lifeboat-medium") { try await fixture.publish(foreign) }
    try await refused("no-such-file") { try await fixture.publish("/nonexistent/x.iso") }
    try await refused("no-media") { try await fixture.publish(fixture.scratch.appending("tree")) }
  }

  @Test func signatures() async throws {
    let (unsigned, other) = try await (SmallMedia.shared.iso(signedBy: nil), SmallMedia.shared.iso(signedBy: .other))
    for medium in [unsigned, other] {
      try await refused("medium-not-signed") { try await fixture.publish(medium) }
    }
    // With the word that says so, all of them; and such a site has nothing that could be checked.
    for medium in [unsigned, other] {
      _ = try await site.publish([medium], as: .unsigned, servers: SiteFixture.servers)
    }
    #expect(try await site.current().signedBy == nil)
    try await refused("index-not-trusted") { _ = try await site.current(trusting: key()) }
    try await refused("unsigned-images-kept") { try await fixture.publish(SmallMedia.shared.iso("tier2")) }
    try await fixture.publish(SmallMedia.shared.iso())
    #expect(try await site.current().signedBy != nil)
  }

  @Test func aSignedSiteStaysWhatItIs() async throws {
    let iso = try await SmallMedia.shared.iso()
    try await fixture.publish(iso)
    try await refused("site-is-signed") { _ = try await site.publish([iso], as: .unsigned) }
    try await refused("other-site-key") { _ = try await site.publish([iso], as: .key(key(.other))) }
    try await refused("index-not-trusted") { _ = try await site.current(trusting: key(.other)) }
    _ = try await site.current(trusting: key())
  }

  @Test func aChangedIndex() async throws {
    let iso = try await SmallMedia.shared.iso()
    try await fixture.publish(iso)
    let file = site.indexFile(1)
    let text = try FileTree.text(of: file)
    try AtomicFile.write(Array(text.replacing("192.0.2.10", with: "192.0.2.66").utf8), to: file)
    try await refused("index-not-trusted") { _ = try await site.current() }
    try await refused("index-not-trusted") { try await fixture.publish(iso) }
    try AtomicFile.write(Array(text.utf8), to: file)
    _ = try await site.current()
    unlink(file.string + ".sig")
    try await refused("index-not-trusted") { _ = try await site.current() }
  }

  @Test func anIndexInTheWrongPlace() async throws {
    try await fixture.publish(SmallMedia.shared.iso())
    try await fixture.publish(SmallMedia.shared.iso("tier2"))
    // An old set, signed as it is, under the new number: a way back to what was replaced.
    for suffix in ["", ".sig"] {
      let bytes = try FileTree.bytes(of: FilePath(site.indexFile(1).string + suffix))
      try AtomicFile.write(bytes, to: FilePath(site.indexFile(2).string + suffix))
    }
    try await refused("index-unreadable") { _ = try await site.current() }
  }

  @Test func servers() async throws {
    let iso = try await SmallMedia.shared.iso()
    let key = try await key()
    try await refused("no-servers") { _ = try await site.publish([iso], as: .key(key)) }
    try await refused("bad-server") { _ = try await site.publish([iso], as: .key(key), servers: ["boot.example.org"]) }
    try await fixture.publish(iso, SmallMedia.shared.iso("tier2"))
    try await refused("servers-changed") {
      _ = try await site.publish([iso], as: .key(key), servers: ["http://192.0.2.1"])
    }
    let all = [iso, try await SmallMedia.shared.iso("tier2")]
    let moved = try await site.publish(all, as: .key(key), servers: ["http://192.0.2.1"])
    #expect(moved.index.servers == ["http://192.0.2.1"])
  }

  @Test func theSameSystemTwice() async throws {
    let (one, both) = try await (SmallMedia.shared.iso(), SmallMedia.shared.iso("tier1", [.x64, .x86]))
    try await refused("same-variant-twice") { try await fixture.publish(one, both) }
    try await refused("no-such-image") {
      _ = try await site.publish([one], image: "tier9", as: .key(key()), servers: SiteFixture.servers)
    }
    try await fixture.publish(both)
    #expect(try await fixture.publish(one).lost == ["tier1 x86"])
  }

  @Test func anotherPublisher() async throws {
    let iso = try await SmallMedia.shared.iso()
    try await fixture.publish(iso)
    let lock = try FileLock(site.folder.appending("lock"))
    try await refused("locked") { try await fixture.publish(SmallMedia.shared.iso("tier2")) }
    try await refused("locked") { _ = try await site.rollBack() }
    try await refused("locked") { _ = try await site.retire("tier1", as: .key(key())) }
    withExtendedLifetime(lock) {}
  }

  /// A damaged object is replaced where its medium is published again, and found where it would only be carried on.
  @Test func aDamagedStore() async throws {
    let iso = try await SmallMedia.shared.iso()
    let index = try await fixture.publish(iso, SmallMedia.shared.iso("tier2", tools: "more")).index
    let names = index.images[0].objectNames.filter { !$0.contains("/theme/") }
    // The hash tree of a layer of one block is empty.
    let paths = index.objects.filter { names.contains($0.name) && $0.size > .zero }.map { site.path(of: $0) }
    let good = try paths.map { try FileTree.bytes(of: $0) }
    try #require(paths.count > 10)
    for (path, bytes) in zip(paths, good) {
      _ = try flipped(path, at: bytes.count / 2, to: path)
      try await refused("object-damaged") { _ = try await site.retire("tier2", as: .key(key())) }
      try AtomicFile.write(bytes, to: path)
    }
    for (path, bytes) in zip(paths, good) { _ = try flipped(path, at: bytes.count / 2, to: path) }
    _ = try await fixture.publish(iso, SmallMedia.shared.iso("tier2", tools: "more"))
    for (path, bytes) in zip(paths, good) { #expect(try FileTree.bytes(of: path) == bytes, "\(path)") }
  }

  /// In a file system of its own, with room for one set and not for two.
  @Test(.enabled(if: Tool.isInstalled("unshare") && getuid() == 0, "needs root")) func aFullDisk() async throws {
    let (small, large) = try await (SmallMedia.shared.iso(), SmallMedia.shared.iso("tier2", tools: "more"))
    let folder = fixture.scratch.appending("mnt")
    try FileTree.makeFolder(folder)
    let script = """
      mount -t tmpfs -o size=44m none "$1" || exit 99
      "$2" publish "$3" --site "$1/site" --unsigned --server http://192.0.2.10 >/dev/null 2>&1 || exit 98
      (cd "$1" && find . ! -name lock | sort) >"$1.before"
      "$2" publish "$4" --site "$1/site" --unsigned >"$1.said" 2>&1
      echo "status $?"
      grep -c 'bytes), but its file system has only' "$1.said"
      (cd "$1" && find . ! -name lock | sort) | diff - "$1.before" && readlink "$1/site/current"
      """
    let arguments = ["sh", folder.string, try Repository.program("lifeboat").string, small.string, large.string]
    let outcome = try await Tool.run("unshare", ["-m", "sh", "-c", script] + arguments)
    #expect(outcome.status == 0 && outcome.output == "status 73\n1\nsets/1\n", "\(outcome)")
  }
}
