// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import Signing
public import SystemPackage

extension MediumVerification {
  /// One thing that is not as it was written.
  public struct Finding: Sendable, Codable, Equatable {
    /// What is wrong.
    public enum Kind: String, Sendable, Codable {
      /// Bytes differ from their digest.
      case changed
      /// The record lists it, the medium does not have it.
      case missing
      /// The medium has it, the record does not list it.
      case unlisted
      /// Its bytes lie where other things lie, or outside the image.
      case misplaced
      /// The drive could not read it.
      case unreadable
      /// Bytes follow after the image.
      case trailing
      /// There is no intact seal, so structures cannot be checked.
      case unsealed
      /// Two structures that must say the same do not.
      case contradiction
      /// What Lifeboat writes there, or leaves empty, is something else.
      case unexpected
    }

    /// What is wrong.
    public var kind: Kind
    /// A file's path, with a leading `/`; nil for structures.
    public var file: String?
    /// What kind of structure, in words; nil for files.
    public var structure: String?
    /// Where the bytes in question lie on the medium. For a structure they are all ranges of its kind.
    public var ranges: [ByteRange]
    /// Where they lie in the file.
    public var inFile: ByteRange?
    /// What was promised: a digest or a size.
    public var expected: String?
    /// What is there.
    public var actual: String?

    init(
      _ kind: Kind, file: String? = nil, structure: String? = nil, ranges: [Range<Int64>] = [],
      inFile: Range<Int64>? = nil, expected: String? = nil, actual: String? = nil
    ) {
      self.kind = kind
      self.file = file.map { "/" + $0 }
      self.structure = structure
      self.ranges = ranges.map { ByteRange($0) }
      self.inFile = inFile.map { ByteRange($0) }
      self.expected = expected
      self.actual = actual
    }

    /// One line for people.
    public var message: String {
      let what = (file ?? structure ?? "the medium").printable
      let places = ranges.prefix(3).map(\.description).joined(separator: ", ")
      let more = ranges.count > 3 ? " and \(ranges.count - 3) more ranges" : ""
      let here = ranges.isEmpty ? "" : " (bytes \(places)\(more) of the medium)"
      switch kind {
      case .changed:
        let part = inFile.map { ", bytes \($0) of it" } ?? ""
        return "\(what) is damaged\(part)\(here)" + sizes
      case .missing: return "\(what) is missing"
      case .unlisted: return "\(what) is not in the record\(here)"
      case .misplaced: return "\(what) lies where other things lie, or outside the image\(here)"
      case .unreadable: return "the drive cannot read \(what)\(here)"
      case .trailing: return "bytes follow after the end of the image\(here)"
      case .unsealed: return "\(what) is missing or damaged, so that structures cannot be checked\(here)"
      case .contradiction: return "\(what) contradicts the rest of the medium\(here)" + sizes
      case .unexpected: return "\(what) is not what Lifeboat writes there\(here)" + sizes
      }
    }

    private var sizes: String {
      guard let expected, let actual, expected.count < 64 else { return "" }
      return ": \(actual) instead of \(expected)".printable
    }
  }

  /// What a verification found.
  public struct Report: Sendable, Codable, Equatable {
    /// The medium, for messages.
    public var path: String
    /// The medium's identifier, or nil when the record cannot be read.
    public var identifier: String?
    /// The image's name.
    public var image: String?
    /// The image's title.
    public var title: String?
    /// Bytes of the image that belong to a digest that was compared.
    public var checked: ByteCount
    /// The bytes of the image; a stick or disc may be larger.
    public var imageSize: ByteCount
    /// Files whose digest was compared.
    public var files: Int
    /// Everything that is not as it was written, in the order of the medium.
    public var findings: [Finding]
    /// Bytes that nothing answers for.
    public var unchecked: [ByteRange]
    /// Whether the record says what the layout is, so that a signature covers it; media of older versions do not.
    public var coversLayout = false
    /// The record exactly as it stands on the medium: what a signature is over. Not part of the JSON form.
    public var recordBytes: [UInt8] = []
    /// The signature file's bytes, when there is one. Not part of the JSON form.
    public var signatureBytes: [UInt8]?
    /// Why there is a signature that could not be read. Not part of the JSON form.
    public var signatureUnreadable: String?

    /// Whether every byte is as it was written.
    public var isClean: Bool { findings.isEmpty && unchecked.isEmpty }

    /// Checks the signature over the record.
    /// - Parameter publicKey: the only key that is accepted.
    /// - Throws: `SigningFailure`; `.signatureUnreadable` where the medium has one that the drive does not read.
    public func checkSignature(publicKey: FilePath) async throws {
      if let reason = signatureUnreadable { throw SigningFailure.signatureUnreadable(reason: reason) }
      try await SiteKey.verify(recordBytes, signature: signatureBytes, publicKey: publicKey)
    }

    private enum CodingKeys: String, CodingKey {
      case path, identifier, image, title, checked, imageSize, files, findings, unchecked, coversLayout
    }
  }
}
