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
      deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # more
      deb-src http://mirror.example/debian bookworm main
      deb http://mirror.example/flat ./
      """)
    #expect(
      lines == [
        AptSource(
          uri: "http://mirror.example/debian", suite: "bookworm", components: ["main", "contrib"], signedBy: "/k.gpg")
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
    #expect(stanzas[0].line == "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main")
  }

  @Test func turnsTheHostsSourcesToARelease() {
    let host = [
      AptSource(uri: "http://a/debian", suite: "trixie", components: ["main", "contrib"]),
      AptSource(uri: "http://a/security", suite: "trixie-security", components: ["main"]),
      AptSource(uri: "http://a/debian", suite: "trixie-backports", components: ["main"]),
      AptSource(uri: "http://other", suite: "nodistro", components: ["main"]),
    ]
    let turned = AptSource.forRelease("bookworm", host: host, components: ["main"])
    #expect(turned.map(\.suite) == ["bookworm", "bookworm-security"])
    let named = host + [AptSource(uri: "http://b/debian", suite: "bookworm", components: ["main"])]
    #expect(AptSource.forRelease("bookworm", host: named, components: ["main"]).map(\.uri) == ["http://b/debian"])
    #expect(AptSource.forRelease("bookworm", host: [host[3]], components: ["main"]).isEmpty)
  }

  @Test(
    arguments: [
      (
        "W: GPG error: http://m bookworm InRelease: The following signatures couldn't be verified: NO_PUBKEY 1",
        "bad-signature"
      ),
      ("E: The repository 'http://m bookworm Release' is not signed.", "bad-signature"),
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
