// SPDX-License-Identifier: GPL-3.0-or-later
import FoundationEssentials
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import Signing

struct SiteKeyTests {
  private let record = Array("{\"format\": 1}\n".utf8)

  private func withKey(_ body: @Sendable (FilePath, FilePath) async throws -> Void) async throws {
    try await TemporaryFolder.with { folder in
      let key = folder.appending("site key")
      _ = try await SiteKey.create(at: key, comment: "Contoso\nrecovery")
      try await body(key, folder)
    }
  }

  @Test func aNewKeyIsPrivateAndDescribed() async throws {
    try await withKey { key, _ in
      let attributes = try FileManager.default.attributesOfItem(atPath: key.string)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      let fromPrivate = try await SiteKey.describe(key)
      let fromPublic = try await SiteKey.describe(FilePath(key.string + ".pub"))
      #expect(fromPrivate == fromPublic)
      #expect(fromPublic.publicKey.hasPrefix("ssh-ed25519 AAAA"))
      #expect(fromPublic.publicKey.hasSuffix(" Contoso recovery"))
      #expect(fromPublic.fingerprint.hasPrefix("SHA256:"))
    }
  }

  @Test(arguments: ["", ".pub"]) func anExistingKeyIsNeverOverwritten(_ suffix: String) async throws {
    try await TemporaryFolder.with { folder in
      let key = folder.appending("key")
      let present = FilePath(key.string + suffix)
      try AtomicFile.write([1, 2, 3], to: present)
      await #expect(throws: SigningFailure.keyExists(present)) { try await SiteKey.create(at: key, comment: "x") }
      #expect(FileManager.default.contents(atPath: present.string) == Data([1, 2, 3]))
    }
  }

  @Test func aKeyNeedsItsFolder() async throws {
    let failure = await #expect(throws: OperationFailure.self) {
      try await SiteKey.create(at: "/nowhere/key", comment: "x")
    }
    #expect(failure?.errno == .noSuchFileOrDirectory)
  }

  @Test func aSignatureIsAcceptedWithItsKeyOnly() async throws {
    try await withKey { key, folder in
      let signature = try await SiteKey.sign(record, with: key)
      let publicKey = FilePath(key.string + ".pub")
      try await SiteKey.verify(record, signature: signature, publicKey: publicKey)
      try await SiteKey.verify(record, signature: signature, publicKey: key)

      let other = folder.appending("other")
      let otherKey = try await SiteKey.create(at: other, comment: "other")
      let signer = try await SiteKey.describe(key)
      await #expect(
        throws: SigningFailure.signatureByOtherKey(
          fingerprint: signer.fingerprint, expected: otherKey.fingerprint)
      ) { try await SiteKey.verify(record, signature: signature, publicKey: FilePath(other.string + ".pub")) }
    }
  }

  @Test func whatWasChangedIsRefused() async throws {
    try await withKey { key, _ in
      let signature = try await SiteKey.sign(record, with: key)
      await #expect(throws: SigningFailure.signatureInvalid) {
        try await SiteKey.verify(record + [0x20], signature: signature, publicKey: key)
      }
      for absent in [nil, []] as [[UInt8]?] {
        await #expect(throws: SigningFailure.signatureAbsent) {
          try await SiteKey.verify(record, signature: absent, publicKey: key)
        }
      }
      let malformed = await #expect(throws: SigningFailure.self) {
        try await SiteKey.verify(record, signature: Array("no signature".utf8), publicKey: key)
      }
      #expect(malformed?.code == "signature-malformed")
      #expect(malformed?.kind == .notAsPromised)
    }
  }

  /// A signature that the same key made for another purpose is none over a medium.
  @Test func anotherNamespaceIsRefused() async throws {
    try await withKey { key, _ in
      let foreign = try await ExternalCommand("ssh-keygen", ["-Y", "sign", "-n", "file", "-f", key.string])
        .output(input: record)
      await #expect(throws: SigningFailure.self) {
        try await SiteKey.verify(record, signature: foreign, publicKey: key)
      }
    }
  }

  /// Each bit of what was signed counts, and so does its length.
  @Test func noOtherBytesAreASignature() async throws {
    try await withKey { key, _ in
      let publicKey = FilePath(key.string + ".pub")
      let text = String(decoding: try await SiteKey.sign(record, with: key), as: UTF8.self)
      let lines = text.split(separator: "\n")
      let bytes = try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined()))
      func verify(_ bytes: Data) async throws {
        let armoured = "\(lines[0])\n\(bytes.base64EncodedString())\n\(lines[lines.count - 1])\n"
        try await SiteKey.verify(record, signature: Array(armoured.utf8), publicKey: publicKey)
      }
      try await verify(bytes)
      var others = [bytes + [0]]
      for place in bytes.indices {
        var changed = bytes
        changed[place] ^= 0x41
        others += [changed, Data(bytes.prefix(place))]
      }
      for other in others {
        let failure = await #expect(throws: SigningFailure.self) { try await verify(other) }
        #expect(failure?.kind == .notAsPromised, "\(other.base64EncodedString())")
      }
    }
  }

  /// The words that ssh-keygen has for the key, its other digest, and other kinds of key.
  @Test func openSSHSaysTheSame() async throws {
    try await withKey { key, folder in
      let said = try await ExternalCommand("ssh-keygen", ["-l", "-E", "sha256", "-f", key.string + ".pub"]).text()
      #expect(try await said.split(separator: " ")[1] == SiteKey.describe(key).fingerprint)
      let sign = ["-Y", "sign", "-n", "lifeboat"]
      let short = try await ExternalCommand("ssh-keygen", sign + ["-O", "hashalg=sha256", "-f", key.string])
        .output(input: record)
      try await SiteKey.verify(record, signature: short, publicKey: key)
      let other = folder.appending("ecdsa")
      try await ExternalCommand("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", other.string]).run()
      let foreign = try await ExternalCommand("ssh-keygen", sign + ["-f", other.string]).output(input: record)
      let failure = await #expect(throws: SigningFailure.self) {
        try await SiteKey.verify(record, signature: foreign, publicKey: key)
      }
      #expect(failure?.code == "signature-by-other-key")
    }
  }

  /// The commands of the README, without Lifeboat.
  @Test func anAdministratorCanCheckWithOpenSSHAlone() async throws {
    try await withKey { key, folder in
      try AtomicFile.write(record, to: folder.appending("lifeboat.json"))
      try AtomicFile.write(try await SiteKey.sign(record, with: key), to: folder.appending("lifeboat.json.sig"))
      let script = """
        cd "$1" && echo "lifeboat $(cat "$2.pub")" > allowed_signers &&
        ssh-keygen -Y verify -f allowed_signers -I lifeboat -n lifeboat -s lifeboat.json.sig < lifeboat.json
        """
      let said = try await ExternalCommand("sh", ["-c", script, "sh", folder.string, key.string]).text()
      #expect(said.hasPrefix("Good \"lifeboat\" signature for lifeboat with ED25519 key SHA256:"))
    }
  }

  @Test func onlyEd25519KeysAreSiteKeys() async throws {
    try await TemporaryFolder.with { folder in
      let key = folder.appending("rsa")
      try await ExternalCommand("ssh-keygen", ["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", key.string]).run()
      for path in [key, FilePath(key.string + ".pub")] {
        await #expect(throws: SigningFailure.keyNotEd25519(path, type: "ssh-rsa")) {
          try await SiteKey.sign(record, with: path)
        }
      }
    }
  }

  @Test func unusableKeysAreNamed() async throws {
    try await TemporaryFolder.with { folder in
      let nothing = folder.appending("nothing")
      await #expect(throws: SigningFailure.keyUnusable(nothing, reason: "No such file or directory")) {
        try await SiteKey.describe(nothing)
      }
      let broken = folder.appending("broken.pub")
      try AtomicFile.write(Array("ssh-ed25519 AAAAnonsense x\n".utf8), to: broken)
      let failure = await #expect(throws: SigningFailure.self) { try await SiteKey.describe(broken) }
      #expect(failure?.code == "key-unusable")
      let text = folder.appending("text")
      try AtomicFile.write(Array("hello\n".utf8), to: text)
      await #expect(throws: SigningFailure.keyNotEd25519(text, type: "hello")) {
        try await SiteKey.describe(text)
      }
    }
  }

  /// The agent holds a key with a passphrase; its `.pub` names it.
  @Test func theAgentSigns() async throws {
    try await withKey { key, folder in
      let signature = folder.appending("record.sig")
      try AtomicFile.write(record, to: folder.appending("record"))
      // ssh-agent runs its command with the agent in the environment and ends with it.
      let script = #"""
        ssh-add -q "$1" && ssh-keygen -q -p -N secret -f "$1" && mv "$1" "$1.away" &&
        ssh-keygen -Y sign -n lifeboat -f "$1.pub" < "$2" > "$2.sig"
        """#
      try await ExternalCommand(
        "ssh-agent", ["sh", "-c", script, "sh", key.string, folder.appending("record").string]
      ).run()
      let bytes = Array(FileManager.default.contents(atPath: signature.string) ?? Data())
      try await SiteKey.verify(record, signature: bytes, publicKey: FilePath(key.string + ".pub"))
    }
  }
}
