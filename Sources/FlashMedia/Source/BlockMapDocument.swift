// SPDX-License-Identifier: GPL-3.0-or-later
internal import CExpat

/// The parts of a block map's XML that mean something, as texts; read by expat.
///
/// The form has no document type: one that has is refused, and with it every entity that grows. An element's text ends
/// at `longestText`, a path of elements at `deepest`.
struct BlockMapDocument {
  /// What `<bmap version="…">` says.
  private(set) var version: String?
  /// The text of each element other than a range; the first of a name counts.
  private(set) var fields: [String: String] = [:]
  /// The ranges, in their order.
  private(set) var ranges: [Range] = []

  /// `<Range chksum="…"> 0-15 </Range>`
  struct Range {
    var text: String
    var checksum: String?
    var hasSHA1: Bool
  }

  static let longestText = 1024
  static let deepest = 8

  private var open: [String] = []
  private var text: [UInt8] = []
  private var isTooMuch = false

  /// Reads a text.
  init(_ bytes: [UInt8]) throws(BlockMap.Problem) {
    guard bytes.count <= BlockMap.largestFile else {
      throw .syntax(line: 1, reason: "it has more than \(BlockMap.largestFile) bytes")
    }
    guard let parser = XML_ParserCreate(nil) else { throw .syntax(line: 1, reason: "out of memory") }
    defer { XML_ParserFree(parser) }
    let isRead = withUnsafeMutablePointer(to: &self) { document in
      XML_SetUserData(parser, document)
      XML_SetElementHandler(
        parser,
        { user, name, attributes in BlockMapDocument.at(user)?.pointee.begin(name, attributes) },
        { user, _ in BlockMapDocument.at(user)?.pointee.end() })
      XML_SetCharacterDataHandler(parser) { user, bytes, count in
        BlockMapDocument.at(user)?.pointee.take(UnsafeBufferPointer(start: bytes, count: Int(count)))
      }
      XML_SetDoctypeDeclHandler(
        parser, { user, _, _, _, _ in BlockMapDocument.at(user)?.pointee.isTooMuch = true }, nil)
      // In pieces, so that what is too much ends it soon.
      return bytes.withUnsafeBytes { whole in
        let pieces = stride(from: 0, to: max(1, whole.count), by: 1 << 16).map { start in
          whole[start..<min(whole.count, start + 1 << 16)]
        }
        return pieces.enumerated().allSatisfy { index, piece in
          let start = UnsafeRawBufferPointer(rebasing: piece).bindMemory(to: CChar.self)
          let isLast: Int32 = index == pieces.count - 1 ? 1 : 0
          return XML_Parse(parser, start.baseAddress, Int32(start.count), isLast) == XML_STATUS_OK
            && !document.pointee.isTooMuch
        }
      }
    }
    guard isRead else {
      let reason =
        isTooMuch ? "it is not of bmaptool's form" : String(cString: XML_ErrorString(XML_GetErrorCode(parser)))
      throw .syntax(line: Int(XML_GetCurrentLineNumber(parser)), reason: reason)
    }
  }

  private static func at(_ user: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<BlockMapDocument>? {
    user?.assumingMemoryBound(to: BlockMapDocument.self)
  }

  private mutating func begin(
    _ name: UnsafePointer<CChar>?, _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) {
    guard let name, open.count < Self.deepest else {
      isTooMuch = true
      return
    }
    text = []
    open.append(String(cString: name))
    // Pairs of name and value, and nil behind the last.
    var values: [String: String] = [:]
    var index = 0
    while let attributes, let key = attributes[index], let value = attributes[index + 1], index < 32 {
      values[String(cString: key)] = String(cString: value)
      index += 2
    }
    if open == ["bmap"] { version = values["version"] }
    if open.last == "Range" {
      ranges.append(Range(text: "", checksum: values["chksum"], hasSHA1: values["sha1"] != nil))
    }
  }

  private mutating func take(_ more: UnsafeBufferPointer<CChar>) {
    guard text.count + more.count <= Self.longestText else {
      // White space between elements is anybody's; what has text is short.
      isTooMuch = isTooMuch || more.contains { !" \t\r\n".utf8.contains(UInt8(bitPattern: $0)) }
      return
    }
    text += more.map { UInt8(bitPattern: $0) }
  }

  private mutating func end() {
    guard let name = open.popLast() else { return }
    let found = Self.trimmed(text)
    text = []
    if name == "Range", !ranges.isEmpty {
      ranges[ranges.count - 1].text = found
    } else if fields[name] == nil, fields.count < 64 {
      fields[name] = found
    }
  }

  private static func trimmed(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let first = text.firstIndex(where: { !$0.isWhitespace }),
      let last = text.lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(text[first...last])
  }
}
