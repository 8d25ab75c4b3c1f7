// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import BootAssembly
import HostSystem
import Signing
import SystemPackage

/// `lifeboat key`.
struct KeyVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make or show the key that signs a site's media.",
    discussion: """
      The key is an OpenSSH Ed25519 key. Sign with build --sign, and check with verify --key; or without Lifeboat, \
      with ssh-keygen -Y verify in the namespace lifeboat.

        lifeboat key new site-key
        lifeboat build rescue.toml --sign site-key -o output
        lifeboat verify output/tier1-x64.iso --key site-key.pub
      """,
    subcommands: [New.self, Show.self])

  /// `lifeboat key new`.
  struct New: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Make a key pair; never overwrites.",
      discussion: """
        The private key has no passphrase, and only you can read it. ssh-keygen -p gives it a passphrase; ssh-agent \
        then signs with it.

          lifeboat key new site-key
        """)

    @Argument(help: "The private key to write; the public key goes beside it, with .pub.", completion: .file())
    var path: String
    @Option(help: "A comment that names the key.") var comment = "lifeboat site key"
    @Flag(help: "One JSON document on standard output.") var json = false

    func run(on console: Console) async throws -> ExitStatus {
      let key = try await SiteKey.create(at: FilePath(path), comment: comment)
      try KeyDescription(key).show(on: console, json: json)
      console.note("Keep \(path) secret; give \(path).pub to whoever has to check media.")
      return .success
    }
  }

  /// `lifeboat key show`.
  struct Show: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Show a key's public half and its fingerprint.",
      discussion: """
        Before you trust a key, compare its fingerprint over another channel.

          lifeboat key show site-key.pub
        """)

    @Argument(help: "A public or private key.", completion: .file()) var path: String
    @Flag(help: "One JSON document on standard output.") var json = false

    func run(on console: Console) async throws -> ExitStatus {
      try KeyDescription(try await SiteKey.describe(FilePath(path))).show(on: console, json: json)
      return .success
    }
  }
}

/// A public key as it is shown.
private struct KeyDescription: Encodable {
  var publicKey: String
  var fingerprint: String

  init(_ key: SiteKey) {
    publicKey = key.publicKey
    fingerprint = key.fingerprint
  }

  func show(on console: Console, json: Bool) throws {
    if json { return try console.printJSON(self) }
    console.print(publicKey)
    console.print(fingerprint)
  }
}
