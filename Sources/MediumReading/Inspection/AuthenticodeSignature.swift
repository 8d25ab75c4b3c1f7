// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SwiftASN1

/// A signature of an EFI loader: who made it and who vouches for them.
///
/// It says what the signature says. Whether it is genuine is for firmware to decide, with the keys it trusts.
public struct AuthenticodeSignature: Sendable, Codable, Equatable {
  /// Common name of the signer's certificate, or its whole name; nil when the certificate is not in the file.
  public var signer: String?
  /// Common name of the authority that issued it: the key that firmware must trust.
  public var issuer: String
  /// Whether the digest that was signed is that of the file; nil when it is not a SHA-256.
  public var digestMatches: Bool?

  /// Reads the signers of one certificate table entry.
  /// - Throws: what the DER parser throws, or `Malformed`.
  static func signatures(in entry: ArraySlice<UInt8>, of file: PortableExecutable) throws -> [AuthenticodeSignature] {
    let contentInfo = try children(DER.parse(trimmed(entry)))
    guard contentInfo.count == 2, let wrapped = try children(contentInfo[1]).first else { throw Malformed() }
    let signedData = try children(wrapped)
    let certificates = try signedData.first { $0.identifier == context0 }.map { try children($0) } ?? []
    let names = certificates.compactMap { try? Certificate($0) }
    guard signedData.count >= 4, let signers = signedData.last, signers.identifier == .set else { throw Malformed() }
    let signed = try? signedDigest(signedData[2])
    let matches = signed.flatMap { $0.count == 32 ? $0 == file.authenticodeDigest.bytes : nil }
    return try children(signers).map { signer in
      let fields = try children(signer)
      guard fields.count >= 2 else { throw Malformed() }
      let identity = try children(fields[1])
      guard identity.count == 2 else { throw Malformed() }
      let certificate = names.first {
        $0.issuer.encodedBytes.elementsEqual(identity[0].encodedBytes)
          && $0.serial.encodedBytes.elementsEqual(identity[1].encodedBytes)
      }
      return AuthenticodeSignature(
        signer: try certificate.map { try commonName($0.subject) }, issuer: try commonName(identity[0]),
        digestMatches: matches)
    }
  }

  private struct Malformed: Error {}
  private static let context0 = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)

  /// The fields of an X.509 certificate that name it (RFC 5280, 4.1).
  private struct Certificate {
    let serial: ASN1Node
    let issuer: ASN1Node
    let subject: ASN1Node

    init(_ node: ASN1Node) throws {
      guard let body = try children(node).first else { throw Malformed() }
      var fields = try children(body)
      if fields.first?.identifier == context0 { fields.removeFirst() }
      guard fields.count >= 5 else { throw Malformed() }
      (serial, issuer, subject) = (fields[0], fields[2], fields[4])
    }
  }

  /// SpcIndirectDataContent: what kind of file, then algorithm and digest.
  private static func signedDigest(_ contentInfo: ASN1Node) throws -> [UInt8] {
    let fields = try children(contentInfo)
    guard fields.count == 2, let content = try children(fields[1]).first, let info = try children(content).last,
      let digest = try children(info).last, case .primitive(let bytes) = digest.content
    else { throw Malformed() }
    return Array(bytes)
  }

  private static func children(_ node: ASN1Node) throws -> [ASN1Node] {
    guard case .constructed(let nodes) = node.content else { throw Malformed() }
    return Array(nodes)
  }

  /// The last common name of a distinguished name, or all its parts when it has none.
  private static func commonName(_ name: ASN1Node) throws -> String {
    let parts = try children(name).flatMap { try children($0) }.compactMap { part -> (type: [UInt8], text: String)? in
      let fields = try children(part)
      guard fields.count == 2, case .primitive(let value) = fields[1].content else { return nil }
      let isUTF16 = fields[1].identifier == .bmpString
      let text = isUTF16 ? value.utf16Text(bigEndian: true) : String(decoding: value, as: UTF8.self)
      return (Array(fields[0].encodedBytes), text.printable)
    }
    // 2.5.4.3
    let common = parts.last { $0.type == [0x06, 0x03, 0x55, 0x04, 0x03] }
    return common?.text ?? parts.map(\.text).joined(separator: ", ")
  }

  /// Cuts the padding after the outermost element, which the table's length includes.
  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let first = bytes.little(UInt8.self, at: 1)
    guard first > 0x80, first <= 0x84 else { return bytes.prefix(2 + Int(first & 0x7F)) }
    let count = Int(first & 0x7F)
    return bytes.prefix(2 + count + bytes.field(2, count).reduce(0) { $0 << 8 | Int($1) })
  }
}
