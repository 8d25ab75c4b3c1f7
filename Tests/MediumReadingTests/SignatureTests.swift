// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// Signers of real loaders, judged by sbverify.
@Suite struct SignatureTests {
  /// A loader that is signed here and now, by a key made for the purpose: one signature, then a second one.
  @Test func ownSignaturesAgreeWithSbverify() async throws {
    let scratch = try TemporaryFolder()
    let loader = scratch.path.appending("loader.efi")
    try await ExternalCommand("grub-mkimage", ["-O", "x86_64-efi", "-p", "/", "-o", loader.string, "iso9660"]).run()
    for (name, subject) in [("one", "/O=Test/CN=First signer"), ("two", "/C=DE/CN=Zweite Ünterschrift")] {
      let (key, certificate) = (scratch.path.appending(name + ".key"), scratch.path.appending(name + ".crt"))
      try await ExternalCommand(
        "openssl",
        [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-utf8", "-subj", subject, "-keyout", key.string, "-out",
          certificate.string, "-days", "2",
        ]
      ).run()
      try await ExternalCommand(
        "sbsign", ["--key", key.string, "--cert", certificate.string, "--output", loader.string, loader.string]
      ).run()
    }
    let found = try loaderFromFile(loader)
    #expect(found.machine == "x64")
    #expect(found.problem == nil)
    #expect(found.signatures.map(\.signer) == ["First signer", "Zweite Ünterschrift"])
    #expect(found.signatures.map(\.issuer) == ["First signer", "Zweite Ünterschrift"])
    #expect(found.signatures.map(\.digestMatches) == [true, true])
    try await compareWithSbverify(loader)
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: loader.string)))
    bytes[5000] ^= 1
    let changed = EFILoader(place: .iso, path: "/x", bytes: bytes)
    #expect(changed.signatures.map(\.digestMatches) == [false, false])
  }

  @Test func debiansSignedLoadersAgreeWithSbverify() async throws {
    if let reason = await DebianPackages.unavailable() { try Test.cancel("\(reason)") }
    let tree = try await DebianPackages.shared.folder(LoaderFiles.packages.amd64, architecture: "amd64")
    let loaders = FileTree.walk(tree).filter { $0.hasSuffix(".signed") }.map { tree.appending($0) }
    #expect(loaders.count >= 3)
    for loader in loaders {
      let found = try loaderFromFile(loader)
      #expect(!found.signatures.isEmpty)
      #expect(found.problem == nil)
      #expect(found.signatures.allSatisfy { $0.digestMatches == true }, "\(loader)")
      #expect(found.sbat.first?.hasPrefix("sbat,1,") == true)
      try await compareWithSbverify(loader)
    }
  }

  private func loaderFromFile(_ path: FilePath) throws -> EFILoader {
    EFILoader(place: .iso, path: path.string, bytes: Array(try Data(contentsOf: URL(fileURLWithPath: path.string))))
  }

  /// sbverify lists, per signature, the issuers of the signers, then the certificates.
  private func compareWithSbverify(_ path: FilePath) async throws {
    let text = try await ExternalCommand("sbverify", ["--list", path.string]).text()
    var issuers: [String] = []
    var inIssuers = false
    for line in text.split(separator: "\n") {
      if line.hasSuffix("issuers:") { inIssuers = true } else if line.hasSuffix("certificates:") { inIssuers = false }
      guard inIssuers, line.hasPrefix(" - "), let name = line.split(separator: "CN=").last else { continue }
      issuers.append(String(name))
    }
    let found = try loaderFromFile(path)
    #expect(!issuers.isEmpty)
    // sbverify escapes what is not ASCII.
    let isASCII = { (name: String) in name.utf8.allSatisfy { $0 < 0x80 && $0 != 0x5C } }
    #expect(found.signatures.count == issuers.count)
    for (signature, issuer) in zip(found.signatures, issuers) where isASCII(issuer) {
      #expect(signature.issuer == issuer)
      if let signer = signature.signer { #expect(text.contains("CN=\(signer)\n")) }
    }
  }
}
