// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
public import SystemPackage

/// An organisation's Ed25519 key of OpenSSH, and signatures by it over `lifeboat.json`.
///
/// The signature is an SSH signature (SSHSIG) in the namespace `lifeboat`, so that it can be checked without Lifeboat:
///
///     echo "lifeboat $(cat site-key.pub)" > allowed_signers
///     ssh-keygen -Y verify -f allowed_signers -I lifeboat -n lifeboat -s lifeboat.json.sig < lifeboat.json
///     sha256sum -c sha256sum.txt
///
/// The first two prove the record; the record proves `sha256sum.txt` (its digest is among `files`) and all else.
public struct SiteKey: Sendable, Equatable {
  /// One line: `ssh-ed25519 AAAA… comment`.
  public var publicKey: String
  /// `SHA256:…`, as OpenSSH prints it.
  public var fingerprint: String

  /// The namespace that keeps these signatures apart from those made for git or for files.
  public static let namespace = "lifeboat"
  static let type = "ssh-ed25519"
  private static let package = "openssh-client"

  /// Makes a new key without a passphrase: the private one at the path (mode 0600), the public one beside it (`.pub`).
  ///
  /// `ssh-keygen -p -f PATH` gives it a passphrase later; it is then used through ssh-agent.
  /// - Throws: `SigningFailure.keyExists`, `OperationFailure`, `ExternalCommand.Failure`.
  public static func create(at path: FilePath, comment: String) async throws -> SiteKey {
    let publicPath = FilePath(path.string + ".pub")
    for file in [path, publicPath] where exists(file) { throw SigningFailure.keyExists(file) }
    let folder = path.removingLastComponent()
    guard folder.isEmpty || access(folder.string, W_OK | X_OK) == 0 else {
      throw OperationFailure("create", path, Errno(rawValue: errno))
    }
    try await keygen([
      "-q", "-t", "ed25519", "-N", "", "-C", comment.split(whereSeparator: \.isNewline).joined(separator: " "), "-f",
      path.string,
    ]).run()
    return try await describe(publicPath)
  }

  /// Reads a key: its private file or its `.pub`. Only a private one needs `ssh-keygen`.
  /// - Throws: `SigningFailure.keyUnusable` or `.keyNotEd25519`, `ExternalCommand.Failure.notInstalled`.
  public static func describe(_ path: FilePath) async throws -> SiteKey {
    let line = try await publicLine(path)
    let type = line.split(separator: " ").first.map(String.init) ?? ""
    guard type == Self.type else { throw SigningFailure.keyNotEd25519(path, type: type) }
    guard let key = SSHPublicKey(line: line), key.isUsable else {
      throw SigningFailure.keyUnusable(path, reason: "it is not an OpenSSH public key")
    }
    return SiteKey(publicKey: line, fingerprint: key.fingerprint)
  }

  /// Signs bytes.
  /// - Parameters:
  ///   - bytes: the content of `lifeboat.json`.
  ///   - keyPath: the private key; or its `.pub`, when ssh-agent holds the private one.
  /// - Returns: the text of the signature file.
  /// - Throws: `SigningFailure.keyUnusable` or `.keyNotEd25519`, `ExternalCommand.Failure.notInstalled`.
  public static func sign(_ bytes: [UInt8], with keyPath: FilePath) async throws -> [UInt8] {
    _ = try await describe(keyPath)
    return try await FileTree.withPrivateFolder { folder in
      let record = folder.appending("record")
      try AtomicFile.write(bytes, to: record)
      return try await unlessUnusable(keyPath) {
        try await keygen(["-Y", "sign", "-n", namespace, "-f", keyPath.string]).output(inputFile: record)
      }
    }
  }

  /// Checks a signature over bytes.
  /// - Parameters:
  ///   - bytes: the content of `lifeboat.json`.
  ///   - signature: the content of `lifeboat.json.sig`, or nil where a medium has none.
  ///   - publicKey: the only key that is accepted.
  /// - Throws: `SigningFailure.signatureAbsent`, `.signatureMalformed`, `.signatureInvalid`,
  ///   `.signatureByOtherKey`, `.keyUnusable`, `.keyNotEd25519`; `ExternalCommand.Failure.notInstalled`.
  public static func verify(_ bytes: [UInt8], signature: [UInt8]?, publicKey: FilePath) async throws {
    let key = try await describe(publicKey)
    guard let signature, !signature.isEmpty else { throw SigningFailure.signatureAbsent }
    let found: SSHSignature
    do throws(SSHSignature.Malformed) { found = try SSHSignature(signature) } catch {
      throw SigningFailure.signatureMalformed(reason: error.reason)
    }
    let signer = found.publicKey.fingerprint
    // Whether a key of another kind has made it is not known here, and does not matter.
    guard found.publicKey.type == type else {
      throw SigningFailure.signatureByOtherKey(fingerprint: signer, expected: key.fingerprint)
    }
    guard found.fits(bytes, namespace: namespace) else { throw SigningFailure.signatureInvalid }
    guard found.publicKey == SSHPublicKey(line: key.publicKey) else {
      throw SigningFailure.signatureByOtherKey(fingerprint: signer, expected: key.fingerprint)
    }
  }

  /// The public key of a file: the file's own line, or what `ssh-keygen -y` takes out of a private key; for one with
  /// a passphrase the line of the `.pub` beside it.
  private static func publicLine(_ path: FilePath) async throws -> String {
    let content: String
    do {
      content = String(decoding: try FileTree.bytes(of: path), as: UTF8.self)
    } catch let error as OperationFailure {
      throw SigningFailure.keyUnusable(path, reason: "\(error.errno)")
    }
    guard content.hasPrefix("-----BEGIN") else { return firstLine(content) }
    do {
      return firstLine(
        try await unlessUnusable(path) { try await keygen(["-y", "-P", "", "-f", path.string]).text() })
    } catch let failure as SigningFailure {
      guard let beside = try? FileTree.bytes(of: FilePath(path.string + ".pub")) else { throw failure }
      return firstLine(String(decoding: beside, as: UTF8.self))
    }
  }

  private static func firstLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
  }

  private static func exists(_ path: FilePath) -> Bool {
    var information = stat()
    return lstat(path.string, &information) == 0
  }

  private static func keygen(_ arguments: [String]) -> ExternalCommand {
    ExternalCommand("ssh-keygen", arguments, environment: ["LC_ALL": "C"], package: package)
  }

  private static func unlessUnusable<Result>(_ path: FilePath, _ body: () async throws -> Result) async throws -> Result
  {
    do { return try await body() } catch ExternalCommand.Failure.failed(_, let status, let lines) {
      throw SigningFailure.keyUnusable(path, reason: lines.last ?? status)
    }
  }
}
