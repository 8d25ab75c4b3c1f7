// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Releases as values, and what is refused of them.
@Suite struct ReleaseTests {
  static func release(of bytes: [UInt8], cuts: [Int], file: String = "tier1-x64.iso") -> Release {
    let ends = cuts + [bytes.count]
    let pieces = zip([0] + cuts, ends).map { start, end in
      Release.Piece(
        offset: ByteCount(start), size: ByteCount(end - start), sha256: Digest(of: Array(bytes[start..<end])))
    }
    return Release(
      image: "tier1", identifier: "00112233445566ff", timestamp: 1_790_000_000, file: file,
      size: ByteCount(bytes.count), pieces: pieces)
  }

  @Test func aReleaseIsReadAsItWasWritten() throws {
    let release = Self.release(of: Array(0..<200), cuts: [10, 150])
    #expect(try Release(decoding: release.encoded()) == release)
  }

  @Test func whatCannotBeIsRefused() throws {
    func reason(_ change: (inout Release) -> Void) throws -> String? {
      var release = Self.release(of: Array(0..<200), cuts: [10, 150])
      change(&release)
      let bytes = try release.encoded()
      do throws(ReleaseFailure) { _ = try Release(decoding: bytes) } catch {
        #expect(error.kind == .badInput && error.remedy != nil)
        return error.message
      }
      return nil
    }
    #expect(try reason { $0.format = 2 }?.contains("it has format 2") == true)
    #expect(try reason { $0.identifier = "../../../../etc/" }?.contains("names no medium") == true)
    for name in ["", "a/b", "..", ".hidden", "a b", "-\u{e9}"] {
      #expect(try reason { $0.file = name }?.contains("no file can have the name") == true, "\(name)")
    }
    #expect(try reason { $0.pieces.remove(at: 1) }?.contains("do not join") == true)
    #expect(try reason { $0.pieces.removeLast() }?.contains("not all of the file") == true)
    #expect(try reason { $0.pieces[0].size = ByteCount(-5) }?.contains("do not join") == true)
    #expect(try reason { $0.pieces = [] }?.contains("not all of the file") == true)
    #expect(throws: ReleaseFailure.self) { try Release(decoding: Array("{}".utf8)) }
    #expect(throws: ReleaseFailure.self) { try Release(decoding: [0xff]) }
    #expect(throws: ReleaseFailure.self) { try Release(decoding: Array("{\"format\":1}".utf8)) }
  }

  @Test(arguments: ["ftp://x/y", "http://a b", "https://x/\"", "http://", "x", "http://x/$(reboot)", "http://x\n"])
  func strangeAddresses(_ address: String) {
    #expect(throws: ReleaseFailure.badAddress(address)) { try ReleaseServer(address) }
  }

  @Test func theCommandAsksForAPartAndNoMore() throws {
    let command = try ReleaseServer("https://example.org/recovery/").curl(
      "tier1.iso", range: 16..<48, limit: 32, output: "/tmp/x")
    #expect(command.program == "curl" && command.package == "curl")
    #expect(command.arguments.suffix(3) == ["--range", "16-47", "https://example.org/recovery/tier1.iso"])
    #expect(command.arguments.contains("--fail") && command.arguments.contains("=http,https"))
    let limit = try #require(command.arguments.firstIndex(of: "--max-filesize"))
    #expect(command.arguments[limit + 1] == "32")
  }
}

/// Releases from a real server by the real curl.
@Suite(.enabled(if: Tool.isInstalled("curl"), "needs curl")) struct ReleaseDownloadTests {
  private static func content() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<40_000_000 / 8).flatMap { _ in
      withUnsafeBytes(of: generator.next() as UInt64) { Array($0) }
    }
  }

  private func with(
    _ body: @escaping @Sendable (RangeServer, ReleaseServer, Release, [UInt8], FilePath) async throws -> Void
  ) async throws {
    try await RangeServer.with { server in
      try await TemporaryFolder.with { folder in
        let bytes = Self.content()
        let release = ReleaseTests.release(of: bytes, cuts: [1_000_000, 39_000_000])
        try AtomicFile.write(bytes, to: server.folder.appending(release.file))
        try await body(server, try ReleaseServer(server.address), release, bytes, folder)
      }
    }
  }

  private static func nothing(_ digest: Digest, _ take: ([UInt8]) throws -> Void) throws -> Bool { false }

  @Test func onlyWhatIsMissingIsFetched() async throws {
    try await with { server, remote, release, bytes, folder in
      let download = ReleaseDownload(release, from: remote, in: folder)
      let whole = try await download.run(having: Self.nothing) { _ in }
      #expect(whole.fetched == release.size && whole.reused == .zero)
      #expect(try Digest(ofFile: whole.file) == Digest(of: bytes))
      // 38 MB in portions of 16 MiB.
      #expect(server.requests.count == 5)
      server.forget()
      FileTree.remove(whole.file)
      let large = release.pieces[1]
      let parts = try await download.run(having: { digest, take in
        guard digest == large.sha256 else { return false }
        try take(Array(bytes[1_000_000..<39_000_000]))
        return true
      }) { _ in }
      #expect(parts.fetched.bytes == 2_000_000 && parts.reused == large.size)
      #expect(server.requests.count == 2)
      #expect(try Digest(ofFile: parts.file) == Digest(of: bytes))
      #expect(FileTree.names(in: folder) == [release.file])
    }
  }

  /// The partition's own copy may be damaged; its digest is looked at, not its name.
  @Test func aDamagedCopyIsFetchedAnew() async throws {
    try await with { _, remote, release, bytes, folder in
      let download = ReleaseDownload(release, from: remote, in: folder)
      let result = try await download.run(having: { _, take in
        try take([1, 2, 3])
        return true
      }) { _ in }
      #expect(result.fetched == release.size)
      #expect(try Digest(ofFile: result.file) == Digest(of: bytes))
    }
  }

  @Test func aBrokenDownloadGoesOnWhereItWas() async throws {
    try await with { server, remote, release, bytes, folder in
      let download = ReleaseDownload(release, from: remote, in: folder)
      try server.fail("short")
      await #expect {
        _ = try await download.run(having: Self.nothing) { _ in }
      } throws: {
        guard case ReleaseFailure.unreachable = $0 else { return false }
        return true
      }
      #expect(FileTree.kind(of: folder.appending(release.file)) == nil)
      try server.fail(nil)
      server.forget()
      let result = try await download.run(having: Self.nothing) { _ in }
      #expect(result.reused.bytes == 1_000_000, "the first piece had come")
      #expect(!server.requests.contains { $0.hasSuffix("bytes=0-999999") })
      #expect(try Digest(ofFile: result.file) == Digest(of: bytes))
    }
  }

  @Test func aServerWithoutRangesIsSaid() async throws {
    try await with { server, remote, release, _, folder in
      try server.fail("whole")
      await #expect(throws: ReleaseFailure.noRanges("\(server.address)/\(release.file)")) {
        _ = try await ReleaseDownload(release, from: remote, in: folder).run(having: Self.nothing) { _ in }
      }
    }
  }

  @Test func whatIsNotAsSignedIsNotTaken() async throws {
    try await with { server, remote, release, bytes, folder in
      var other = bytes
      other[20_000_000] ^= 1
      try AtomicFile.write(other, to: server.folder.appending(release.file))
      let failure = ReleaseFailure.pieceDiffers(file: release.file, offset: ByteCount(1_000_000))
      #expect(failure.kind == .notAsPromised)
      await #expect(throws: failure) {
        _ = try await ReleaseDownload(release, from: remote, in: folder).run(having: Self.nothing) { _ in }
      }
      #expect(FileTree.kind(of: folder.appending(release.file)) == nil)
    }
  }

  @Test func onlyTheRightKeySigns() async throws {
    try await RangeServer.with { server in
      let keys = try TemporaryFolder()
      let (site, other) = (keys.appending("site"), keys.appending("other"))
      for key in [site, other] { _ = try await SiteKey.create(at: key, comment: "test") }
      let trusted = try FileTree.bytes(of: keys.appending("site.pub"))
      let release = ReleaseTests.release(of: Array(0..<100), cuts: [])
      let bytes = try release.encoded()
      let remote = try ReleaseServer(server.address)
      func failure() async -> ReleaseFailure? {
        do { _ = try await remote.release(signedBy: trusted) } catch { return error as? ReleaseFailure }
        return nil
      }
      func reason() async -> String { if case .notTrusted(let reason)? = await failure() { reason } else { "" } }
      guard case .unreachable? = await failure() else {
        Issue.record("nothing is there yet")
        return
      }
      try AtomicFile.write(bytes, to: server.folder.appending("release.json"))
      #expect(await reason().hasPrefix("it has no signature"))
      try AtomicFile.write(Array("rubbish".utf8), to: server.folder.appending("release.json.sig"))
      #expect(await reason().contains("is not an SSH signature"))
      try AtomicFile.write(try await SiteKey.sign(bytes, with: other), to: server.folder.appending("release.json.sig"))
      #expect(await reason().contains("signed with the key"))
      let signature = try await SiteKey.sign(bytes, with: site)
      try AtomicFile.write(signature, to: server.folder.appending("release.json.sig"))
      #expect(try await remote.release(signedBy: trusted) == release)
      try AtomicFile.write(Array(bytes.dropLast(20)), to: server.folder.appending("release.json"))
      #expect(await reason().contains("does not fit"))
      let gone = try ReleaseServer("http://127.0.0.1:9/recovery")
      await #expect {
        _ = try await gone.release(signedBy: trusted)
      } throws: {
        ($0 as? ReleaseFailure)?.kind == .unavailable
      }
      withExtendedLifetime(keys) {}
    }
  }
}

/// The timer's files, judged by systemd.
@Suite struct FollowUnitsTests {
  @Test func theTimerIsInstalledAndRemoved() async throws {
    let root = try TemporaryFolder()
    let said = root.appending("said")
    let systemctl = try root.writeScript("systemctl", "echo \"$*\" >>\(said)")
    let units = FollowUnits(root: root.path, program: "/usr/bin/lifeboat", systemctl: [systemctl.string])
    #expect(try await units.remove() == false)
    try await units.install(try ReleaseServer("https://example.org/recovery"), disk: "/dev/disk/by-id/ata-X")
    #expect(units.address == "https://example.org/recovery")
    #expect(
      try FileTree.text(of: said).split(separator: "\n") == [
        "daemon-reload", "enable --now lifeboat-follow.timer",
      ])
    if Tool.isInstalled("systemd-analyze") {
      let program = try root.writeScript("bin/lifeboat", "exit 0")
      let judged = FollowUnits(root: root.path, program: program, systemctl: [systemctl.string])
      try await judged.install(try ReleaseServer("https://example.org/recovery"), disk: "/dev/disk/by-id/ata-X")
      let units = ["service", "timer"].map { "\(root.path)/etc/systemd/system/lifeboat-follow.\($0)" }
      let outcome = try await Tool.run("systemd-analyze", ["verify", "--man=no"] + units)
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    }
    #expect(try await units.remove())
    #expect(FileTree.names(in: root.path.pushing("etc/systemd/system")).isEmpty && units.address == nil)
  }
}
