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

/// A signed site: who may serve it, and what a service that has begun with it takes for its own.
@Suite(.timeLimit(.minutes(20))) struct SignedSiteTests {
  private let bytes = TestSite.bytes(1000)
  private let keys: TemporaryFolder
  private let site: TestSite

  init() async throws {
    keys = try TemporaryFolder()
    for name in ["key", "other"] { _ = try await SiteKey.create(at: keys.appending(name), comment: name) }
    site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: bytes)], entries: ["uefi-http": "boot/demo.iso"])
    try await sign(1)
    let publicKey = try FileTree.bytes(of: keys.appending("key.pub"))
    try site.folder.write("site-key.pub", publicKey)
  }

  private func sign(_ set: Int, with key: String = "key") async throws {
    let index = try FileTree.bytes(of: site.folder.appending("sets/\(set)/index.json"))
    try site.folder.write("sets/\(set)/index.json.sig", try await SiteKey.sign(index, with: keys.appending(key)))
  }

  /// A set with other content, made before it becomes current.
  private func prepare(_ number: Int) throws {
    try site.publish(number, [.init(name: "boot/demo.iso", bytes: TestSite.bytes(500, seed: UInt64(number)))])
    try site.makeCurrent(1)
  }

  /// Whoever can write to the site takes the signature away, and the key with it; or signs with a key of his own.
  @Test(arguments: [nil, "other"]) func aServiceKeepsItsFirstKey(_ signer: String?) async throws {
    for number in [2, 3] { try prepare(number) }
    try await TestService.with(site) { [keys, bytes, site] service in
      if let signer {
        try await sign(2, with: signer)
        try site.folder.write("site-key.pub", try FileTree.bytes(of: keys.appending(signer + ".pub")))
      } else {
        FileTree.remove(site.folder.appending("site-key.pub"))
        FileTree.remove(site.folder.appending("sets/1/index.json.sig"))
      }
      try site.makeCurrent(2)
      let event = try await service.events.first { $0.event == .site }
      let first = try await SiteKey.describe(keys.appending("key")).fingerprint
      #expect(event.weight == .trouble && event.message.contains("\(first) is trusted here alone"), "\(event)")
      #expect(event.message.contains(signer == nil ? "is not signed" : "is signed by SHA256:"), "\(event)")
      try await #expect(service.curl(service.url("boot/demo.iso")).bytes == bytes)
      // By the first key again, and all is well.
      try site.folder.write("site-key.pub", try FileTree.bytes(of: keys.appending("key.pub")))
      try await sign(3)
      try site.makeCurrent(3)
      _ = try await service.events.first { $0.event == .set }
      try await #expect(service.curl(service.url("boot/demo.iso")).bytes == TestSite.bytes(500, seed: 3))
    }
  }

  @Test func aSetThatWasChangedAfterItWasSignedIsNotServed() async throws {
    try prepare(2)
    try await sign(2)
    let index = site.folder.appending("sets/2/index.json")
    try AtomicFile.write(try FileTree.bytes(of: index) + [0x20], to: index)
    try await TestService.with(site) { [bytes, site] service in
      try site.makeCurrent(2)
      let event = try await service.events.first { $0.event == .site }
      #expect(event.weight == .trouble && event.message.contains("it was changed after it was signed"), "\(event)")
      try await #expect(service.curl(service.url("boot/demo.iso")).bytes == bytes)
    }
  }

  /// Lets `body` run `serve --dry-run` as a user who is in no password database, as `DynamicUser=` makes one.
  private func asNobody(
    _ body: (_ plan: (_ options: [String]) async throws -> Tool.Outcome) async throws -> Void
  ) async throws {
    for folder in [site.path, keys.path] { try await ExternalCommand("chmod", ["-R", "a+rX", folder.string]).run() }
    try await TemporaryFolder.with { folder in
      let program = try await Repository.readableProgram(in: folder)
      let user = ["--reuid=64321", "--regid=64321", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
      let words = user + [program.string, "serve", "--site", site.path.string, "--dry-run"]
      try await body { try await Tool.run("setpriv", words + $0) }
    }
  }

  @Test(.enabled(if: getuid() == 0 && Tool.isInstalled("setpriv"), "needs root and setpriv"))
  func aUserWithoutANameServesIt() async throws {
    let fingerprint = try await SiteKey.describe(keys.appending("key")).fingerprint
    try await asNobody { plan in
      for key in [[], ["--key", keys.appending("key.pub").string]] {
        let outcome = try await plan(key)
        #expect(outcome.status == 0 && outcome.output.contains("set 1, signed by \(fingerprint)\n"), "\(outcome)")
      }
      let other = try await plan(["--key", keys.appending("other.pub").string])
      #expect(other.status == 3 && other.errors.contains("it is signed with the key \(fingerprint)"), "\(other)")
    }
  }

  /// The folder itself, as /home is for the unit; the set; an object.
  @Test(.enabled(if: getuid() == 0 && Tool.isInstalled("setpriv"), "needs root and setpriv"))
  func aSiteThatOthersMayNotReadIsNoEmptyOne() async throws {
    try await asNobody { plan in
      for place in [site.path, site.folder.appending("sets/1/index.json"), site.file(bytes)] {
        try FileTree.setPermissions(place, 0o700)
        let outcome = try await plan([])
        let words = "this user may not read \(place)\n  Let everybody read the site"
        #expect(outcome.status == 66 && outcome.errors.contains(words), "\(outcome)")
        try FileTree.setPermissions(place, 0o755)
      }
    }
  }
}
