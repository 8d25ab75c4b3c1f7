// SPDX-License-Identifier: GPL-3.0-or-later
internal import Crypto
internal import FoundationEssentials

/// A public key of OpenSSH as a line of a `.pub` file has it: `TYPE BASE64 COMMENT`. The bytes are (RFC 8709, section 4)
///
///     string "ssh-ed25519"   string key, 32 bytes
struct SSHPublicKey: Sendable, Equatable {
  /// What the base64 stands for.
  let blob: [UInt8]
  /// `ssh-ed25519`; nil where the bytes do not even say that.
  var type: String? {
    var reader = SSHReader(blob)
    return reader.text()
  }

  /// `SHA256:…`, as OpenSSH prints it.
  var fingerprint: String {
    let base64 = Data(SHA256.hash(data: blob)).base64EncodedString()
    return "SHA256:" + base64.prefix { $0 != "=" }
  }

  /// The key, where it is an Ed25519 key and nothing follows it.
  fileprivate var ed25519: Curve25519.Signing.PublicKey? {
    var reader = SSHReader(blob)
    guard reader.text() == SiteKey.type, let key = reader.string(), reader.isAtEnd else { return nil }
    return try? Curve25519.Signing.PublicKey(rawRepresentation: key)
  }

  /// Whether signatures can be checked with it.
  var isUsable: Bool { ed25519 != nil }

  init(blob: [UInt8]) { self.blob = blob }

  /// Parses a line; nil where its second word is no base64.
  init?(line: String) {
    let words = line.split(separator: " ", maxSplits: 2)
    guard words.count > 1, let data = Data(base64Encoded: String(words[1])) else { return nil }
    blob = Array(data)
  }
}

/// An SSH signature (OpenSSH's PROTOCOL.sshsig), in base64 between two lines:
///
///     byte[6] "SSHSIG"   uint32 version, 1   string public key   string namespace   string reserved
///     string hash, "sha512" or "sha256"      string signature: string "ssh-ed25519", string 64 bytes
///
/// It is checked here and not by `ssh-keygen`, which serves no user without an entry in the password database: a service
/// of systemd's with `DynamicUser=` is one where `libnss-systemd` is not installed.
struct SSHSignature: Sendable {
  /// The key that it says to be by.
  let publicKey: SSHPublicKey
  private let namespace: [UInt8]
  private let reserved: [UInt8]
  private let hash: [UInt8]
  private let signature: [UInt8]

  /// Why a text is no such signature.
  struct Malformed: Error { let reason: String }

  private static let magic = Array("SSHSIG".utf8)

  /// Parses the text of a signature file.
  init(_ text: [UInt8]) throws(Malformed) {
    let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
    guard lines.first == "-----BEGIN SSH SIGNATURE-----", let end = lines.firstIndex(of: "-----END SSH SIGNATURE-----")
    else { throw Malformed(reason: "it is not enclosed in the lines of one") }
    guard let data = Data(base64Encoded: lines[1..<end].joined()) else {
      throw Malformed(reason: "it is not base64")
    }
    var reader = SSHReader(Array(data))
    guard reader.bytes(Self.magic.count) == Self.magic, reader.number() == 1 else {
      throw Malformed(reason: "it is not of version 1")
    }
    guard let key = reader.string(), let namespace = reader.string(), let reserved = reader.string(),
      let hash = reader.string(), let signature = reader.string(), reader.isAtEnd
    else { throw Malformed(reason: "it is too short or too long") }
    publicKey = SSHPublicKey(blob: key)
    (self.namespace, self.reserved, self.hash, self.signature) = (namespace, reserved, hash, signature)
  }

  /// Whether the key that it names has made it over these bytes in a namespace; false for all other kinds of key.
  func fits(_ bytes: [UInt8], namespace wanted: String) -> Bool {
    guard let key = publicKey.ed25519, namespace == Array(wanted.utf8), let digest = digest(of: bytes) else {
      return false
    }
    var reader = SSHReader(signature)
    guard reader.text() == SiteKey.type, let raw = reader.string(), raw.count == 64, reader.isAtEnd else {
      return false
    }
    let signed = Self.magic + [namespace, reserved, hash, digest].flatMap { SSHReader.encoded($0) }
    return key.isValidSignature(raw, for: signed)
  }

  private func digest(of bytes: [UInt8]) -> [UInt8]? {
    switch String(decoding: hash, as: UTF8.self) {
    case "sha512": Array(SHA512.hash(data: bytes))
    case "sha256": Array(SHA256.hash(data: bytes))
    default: nil
    }
  }
}

/// Reads the types of RFC 4251, section 5, one after the other; nil past the end.
private struct SSHReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func bytes(_ count: Int) -> [UInt8]? {
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  mutating func number() -> UInt32? { bytes(4).map { $0.reduce(0) { $0 << 8 | UInt32($1) } } }

  mutating func string() -> [UInt8]? { number().flatMap { bytes(Int($0)) } }

  mutating func text() -> String? { string().map { String(decoding: $0, as: UTF8.self) } }

  static func encoded(_ string: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt32(string.count).bigEndian) { Array($0) } + string
  }
}
