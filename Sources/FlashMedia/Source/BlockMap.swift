// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// A block map beside an image, as bmaptool writes it: which blocks of the image hold data, with their SHA-256.
///
/// The schema is fixed and has no nesting beyond `bmap` → `BlockMap` → `Range`, so a strict reader of that much XML is
/// all that is needed. Versions 1.0 to 2.0 differ in the digests alone: none (up to 1.2), SHA-1 in an attribute `sha1`
/// (1.3), `chksum` of the type that `ChecksumType` names (1.4 and 2.0).
package struct BlockMap: Equatable, Sendable {
  /// A range of blocks that hold data.
  package struct Mapped: Equatable, Sendable {
    /// Bytes of the image; the last range ends where the image does.
    package var range: Range<Int64>
    /// Their SHA-256, if the map has one.
    package var digest: Digest?
  }

  /// Bytes of the whole image.
  package var imageSize: Int64
  /// Ascending, apart from each other.
  package var mapped: [Mapped]

  /// Why a text is not a block map that can be trusted.
  package enum Problem: Error, Equatable {
    case syntax(line: Int)
    case missing(String)
    case badNumber(String)
    case version(String)
    case checksumType(String)
    case ranges
    case checksum
  }

  /// Reads the XML text.
  package init(_ bytes: [UInt8]) throws(Problem) {
    let elements = try Self.elements(String(decoding: bytes, as: UTF8.self))
    guard let version = elements.first(where: { $0.name == "bmap" })?.attributes["version"] else {
      throw .missing("bmap version")
    }
    guard version.hasPrefix("1.") || version.hasPrefix("2.") else { throw .version(version) }
    imageSize = try Self.number(elements, "ImageSize")
    let blockSize = try Self.number(elements, "BlockSize")
    guard imageSize > 0, (512...(1 << 30)).contains(blockSize) else { throw .badNumber("BlockSize") }
    let type = elements.first { $0.name == "ChecksumType" }?.text
    mapped = []
    for element in elements where element.name == "Range" {
      mapped.append(try Self.range(element, blockSize: blockSize, imageSize: imageSize, type: type))
    }
    for (one, next) in zip(mapped, mapped.dropFirst()) where next.range.lowerBound < one.range.upperBound {
      throw .ranges
    }
    try Self.checkOwnChecksum(bytes, elements, type: type)
  }

  private static func range(_ element: Element, blockSize: Int64, imageSize: Int64, type: String?) throws(Problem)
    -> Mapped
  {
    let ends = element.text.split(separator: "-", omittingEmptySubsequences: false).map {
      Int64($0.filter { !$0.isWhitespace })
    }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, last >= first,
      first <= imageSize / blockSize, last <= (imageSize - 1) / blockSize
    else { throw .ranges }
    let range = (first * blockSize)..<min(imageSize, (last + 1) * blockSize)
    if element.attributes["sha1"] != nil { throw .checksumType("sha1") }
    guard let sum = element.attributes["chksum"] else { return Mapped(range: range, digest: nil) }
    guard type == "sha256" else { throw .checksumType(type ?? "none") }
    guard let digest = Digest(hex: sum) else { throw .checksum }
    return Mapped(range: range, digest: digest)
  }

  /// The map names its own digest, made while its 64 digits were all `0`.
  private static func checkOwnChecksum(_ bytes: [UInt8], _ elements: [Element], type: String?) throws(Problem) {
    guard let own = elements.first(where: { $0.name == "BmapFileChecksum" })?.text, type == "sha256" else { return }
    guard let digest = Digest(hex: own) else { throw .checksum }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let place = text.firstRange(of: own) else { throw .checksum }
    guard Digest(of: text.replacingCharacters(in: place, with: String(repeating: "0", count: own.count))) == digest
    else { throw .checksum }
  }

  private static func number(_ elements: [Element], _ name: String) throws(Problem) -> Int64 {
    guard let element = elements.first(where: { $0.name == name }) else { throw .missing(name) }
    guard let number = Int64(element.text), number >= 0 else { throw .badNumber(name) }
    return number
  }
}

extension BlockMap {
  struct Element {
    var name: String
    var attributes: [String: String]
    var text: String
  }

  /// All elements in the order of their opening tags, each with the text up to the next tag.
  static func elements(_ text: String) throws(Problem) -> [Element] {
    var elements: [Element] = []
    var open: [String] = []
    var rest = Substring(text)
    func problem() -> Problem { .syntax(line: text[..<rest.startIndex].count { $0.isNewline } + 1) }
    while let start = rest.firstIndex(of: "<") {
      rest = rest[start...]
      if rest.hasPrefix("<!--") {
        guard let end = rest.firstRange(of: "-->") else { throw problem() }
        rest = rest[end.upperBound...]
        continue
      }
      guard let end = rest.firstIndex(of: ">") else { throw problem() }
      let tag = rest[rest.index(after: start)..<end]
      if tag.hasPrefix("?") {
        rest = rest[rest.index(after: end)...]
      } else if tag.hasPrefix("/") {
        guard open.popLast() == tag.dropFirst().trimmed else { throw problem() }
        rest = rest[rest.index(after: end)...]
      } else {
        guard let element = element(tag) else { throw problem() }
        rest = rest[rest.index(after: end)...]
        open.append(element.name)
        elements.append(element)
        elements[elements.count - 1].text = rest.prefix { $0 != "<" }.trimmed
      }
    }
    guard open.isEmpty, !elements.isEmpty else { throw problem() }
    return elements
  }

  private static func element(_ tag: Substring) -> Element? {
    let name = tag.prefix { !$0.isWhitespace }
    guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber }) else { return nil }
    var attributes: [String: String] = [:]
    var rest = tag.dropFirst(name.count).drop { $0.isWhitespace }
    while !rest.isEmpty {
      guard let match = rest.prefixMatch(of: /([A-Za-z0-9]+)\s*=\s*"([^"<]*)"\s*/) else { return nil }
      attributes[String(match.1)] = String(match.2)
      rest = rest[match.range.upperBound...]
    }
    return Element(name: String(name), attributes: attributes, text: "")
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var text = self.drop { $0.isWhitespace }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
