// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import RecoveryPlan
import Testing

@testable import SystemLayers

struct AptTests {
  @Test func readsBothFormatsOfSources() {
    let lines = AptSource.readLines(
      """
      # a comment
      deb [ arch=amd64 signed-by=/k.gpg,/l.gpg check-valid-until=no trusted=yes ] http://mirror.example/debian bookworm main contrib # more
      deb-src http://mirror.example/debian bookworm main
      deb http://mirror.example/flat ./
      """)
    #expect(
      lines == [
        AptSource(
          uri: "http://mirror.example/debian", suite: "bookworm", components: ["main", "contrib"],
          judgement: ["signed-by": " /k.gpg /l.gpg", "check-valid-until": " no"], architectures: ["amd64"])
      ])
    let stanzas = AptSource.readStanzas(
      """
      Types: deb deb-src
      # between
      URIs: http://mirror.example/debian
      Suites: bookworm
       bookworm-updates
      Components: main
      Signed-By: /k.gpg

      Types: deb
      URIs: http://mirror.example/security
      Suites: bookworm-security
      Components: main
      Enabled: no

      Types: deb-src
      URIs: http://mirror.example/debian
      Suites: bookworm
      Components: main
      """)
    #expect(stanzas.map(\.suite) == ["bookworm", "bookworm-updates"])
    #expect(
      stanzas[0].stanza
        == "types: deb\nuris: http://mirror.example/debian\nsuites: bookworm\ncomponents: main\nsigned-by: /k.gpg\n\n")
  }

  /// apt's own reading of a switch (StringToBool).
  @Test(
    arguments: ["no", "No", "NO", "false", "False", "off", "Off", "without", "disable", "0", " 0 "].map { ($0, false) }
      + ["yes", "true", "on", "with", "enable", "1", "", "nonsense"].map { ($0, true) })
  func enabled(spelling: String, isEnabled: Bool) {
    let text = "Types: deb\nURIs: http://m\nSuites: bookworm\nComponents: main\nEnabled:\(spelling)\n"
    #expect(AptSource.readStanzas(text).isEmpty != isEnabled)
  }

  /// A key in the stanza itself comes through as it is.
  @Test func aKeyInTheSource() {
    let key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEaw44PRYJ\n -----END PGP PUBLIC KEY BLOCK-----"
    let text = "Types: deb\nURIs: http://m\nSuites: bookworm\nComponents: main\nSigned-By:\(key)\n\n"
    let sources = AptSource.readStanzas(text)
    #expect(sources.count == 1 && sources[0].judgement == ["signed-by": key])
    #expect(AptSource.readStanzas(sources[0].stanza) == sources)
  }

  @Test func architecturesAreKeptTo() {
    let text = """
      deb [arch=arm64] http://ports bookworm main
      deb [arch=amd64,i386] http://both bookworm main
      deb [arch=amd64] http://one bookworm main
      deb [arch-=i386] http://less bookworm main
      """
    func uris(_ architecture: Architecture, _ host: [AptSource]) -> [String] {
      AptSource.forRelease("bookworm", architecture, host: host, components: ["main"]).map(\.uri)
    }
    let host = AptSource.readLines(text)
    #expect(uris(.x64, host) == ["http://both", "http://one", "http://less"])
    #expect(uris(.x86, host) == ["http://both"])
    // Where all of Debian is taken for amd64 alone, the boot loaders of i386 still come from there.
    #expect(uris(.x86, Array(host[2...])) == ["http://one", "http://less"])
    #expect(uris(.x64, Array(host[..<1])) == [])
  }

  @Test func passwordsAreLeftOut() {
    #expect(
      "E: 'http://user:se%40cret@host:80/debian' and ftp://x@y/z, mail a@b".withoutCredentials
        == "E: 'http://host:80/debian' and ftp://y/z, mail a@b")
    let failure = SystemLayersFailure.noNetwork(detail: "Failed to fetch https://user:secret@host/debian")
    #expect(!failure.message.contains("secret"))
    let source = AptSource(uri: "https://user:secret@host/debian", suite: "bookworm", components: ["main"])
    #expect(source.name == "https://host/debian bookworm" && !source.checkedStanza.contains("secret"))
  }

  @Test func turnsTheHostsSourcesToARelease() {
    let host = [
      AptSource(uri: "http://a/debian", suite: "trixie", components: ["main", "contrib"]),
      AptSource(uri: "http://a/security", suite: "trixie-security", components: ["main"]),
      AptSource(uri: "http://a/debian", suite: "trixie-backports", components: ["main"]),
      AptSource(uri: "http://other", suite: "nodistro", components: ["main"]),
    ]
    func turned(_ host: [AptSource], known: [String: ArchiveFacts] = [:]) -> [AptSource] {
      AptSource.forRelease("bookworm", .x64, host: host, known: known, components: ["main"])
    }
    #expect(turned(host).map(\.suite) == ["bookworm", "bookworm-security"])
    let named = host + [AptSource(uri: "http://b/debian", suite: "bookworm", components: ["main"])]
    #expect(turned(named).map(\.uri) == ["http://b/debian"])
    #expect(turned([host[3]]).isEmpty)

    let names = ["stable", "stable-updates", "stable-security", "oldstable/updates"]
    let moving = names.map { AptSource(uri: "http://a", suite: $0, components: ["main"]) }
    #expect(turned(moving).map(\.suite) == ["bookworm", "bookworm-updates", "bookworm-security"])
    // What apt knows decides: that `stable` is the release, and that somebody else's archive has its name.
    let known = [
      moving[0].place: ArchiveFacts(origin: "Debian", label: "Debian", codename: "bookworm"),
      host[0].place: ArchiveFacts(origin: "Contoso", label: "Debian", codename: "trixie"),
    ]
    #expect(turned(host + moving[..<1], known: known).map(\.name) == ["http://a bookworm"])
  }

  @Test(
    arguments: [
      (
        "W: GPG error: http://m bookworm InRelease: The following signatures couldn't be verified: NO_PUBKEY 1",
        "bad-signature"
      ),
      ("E: The repository 'http://m bookworm Release' is not signed.", "bad-signature"),
      (
        "E: Failed to fetch http://m/dists/bookworm/InRelease  407  Proxy Authentication Required [IP: 127.0.0.1 3128]",
        "not-the-archive"
      ),
      ("E: Failed to fetch http://m/dists/bookworm/InRelease  403  Forbidden [IP: 127.0.0.1 80]", "not-the-archive"),
      (
        "E: Failed to fetch https://m/dists/bookworm/InRelease  Invalid response from proxy: HTTP/1.0 407 Proxy Authentication Required",
        "not-the-archive"
      ),
      (
        "E: Failed to fetch http://m/dists/bookworm/InRelease  Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)",
        "not-the-archive"
      ),
      (
        "E: Failed to fetch http://m/dists/bookworm-security/main/Packages.xz  File has unexpected size (1 != 2). Mirror sync in progress?",
        "index-mismatch"
      ),
      ("E: Failed to fetch http://m/x  Hash Sum mismatch", "index-mismatch"),
      ("E: Failed to fetch http://m/dists/bookworm/InRelease  Could not resolve 'm'", "no-network"),
      ("E: Failed to fetch http://m/dists/bookworm/InRelease  Could not connect to m:80", "no-network"),
      ("E: Something else entirely", "apt-failed"),
    ])
  func troublesAreToldApart(line: String, code: String) {
    let sources = [AptSource(uri: "http://m", suite: "bookworm-security", components: ["main"])]
    #expect(AptTrouble(lines: ["Hit:1 http://m", line], sources: sources).failure(.x64).code == code)
    // apt says this of everything that has not come.
    guard code == "not-the-archive" else { return }
    let lines = [line, "E: The repository 'http://m bookworm InRelease' is not signed."]
    let failure = AptTrouble(lines: lines, sources: sources).failure(.x64)
    #expect(failure.code == code && failure.message.hasSuffix(line.dropFirst(3)))
    let key = "W: GPG error: http://n bookworm InRelease: NO_PUBKEY 1"
    #expect(AptTrouble(lines: lines + [key], sources: sources).failure(.x64).code == "bad-signature")
  }

  /// A mirror that is out of step and unreachable in parts is not one that is merely out of step.
  @Test func aMixtureOfFailuresIsNoMereMismatch() {
    let lines = [
      "E: Failed to fetch http://m/dists/bookworm-security/x  Hash Sum mismatch",
      "E: Failed to fetch http://m/dists/bookworm/x  404  Not Found",
    ]
    #expect(AptTrouble(lines: lines, sources: []).failure(.x64).code == "apt-failed")
  }

  @Test func readsPrintedURIs() throws {
    let digest = Digest(of: "x")
    let line = "'http://m/pool/libc6.deb' libmagic1_1%3a5.44-3_amd64.deb 104880 SHA256:\(digest)"
    let package = try PackageIndex.package(Substring(line))
    #expect(package.name == "libmagic1" && package.version == "1:5.44-3" && package.size == ByteCount(104_880))
    let spaced = try PackageIndex.package("'file:/my mirror/pool/pv_1_all.deb' pv_1_all.deb 1 SHA256:\(digest)")
    #expect(spaced.file == "pv_1_all.deb")
    for broken in ["'http://m/x' x 1 MD5Sum:0", "'http://m/x' x_1_amd64.deb y SHA256:\(digest)", ""] {
      #expect(throws: SystemLayersFailure.self) { try PackageIndex.package(Substring(broken)) }
    }
  }

  @Test(
    arguments: [
      ("Sat, 10 May 2025 10:11:12 UTC", 1_746_871_872), ("Thu, 01 Jan 1970 00:00:00 UTC", 0),
      ("Thu, 29 Feb 2024 23:59:59 UTC", 1_709_251_199),
    ] as [(String, Int64)])
  func releaseDates(text: String, seconds: Int64) { #expect(ReleaseDate.seconds(text) == seconds) }
}
