// SPDX-License-Identifier: GPL-3.0-or-later
internal import CToml

/// Owns one parsed text of the C shim and copies it out as a value tree.
struct TOMLDocument: ~Copyable {
  private let handle: OpaquePointer

  /// Why a text is not TOML.
  struct SyntaxError: Error {
    var message: String
    var position: SourcePosition
  }

  /// Parses TOML 1.0 from UTF-8.
  /// - Throws: the first syntax error; toml++ does not read on behind it.
  init(parsing bytes: [UInt8]) throws(SyntaxError) {
    let parsed = bytes.withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { ctoml_parse($0.baseAddress, $0.count) }
    }
    guard let parsed else { throw SyntaxError(message: "out of memory", position: .start) }
    if let error = ctoml_syntax_error(parsed)?.pointee {
      let message = Self.text(error.text, error.text_length) ?? ""
      let position = Self.position(error.line, error.column)
      ctoml_free(parsed)
      throw SyntaxError(message: message, position: position)
    }
    handle = parsed
  }

  deinit { ctoml_free(handle) }

  /// The document as a value tree, keys in the order of the text.
  func root() -> TOMLNode {
    var count = 0
    guard let nodes = ctoml_nodes(handle, &count), count > 0 else {
      return TOMLNode(value: .table([]), position: .start)
    }
    let all = UnsafeBufferPointer(start: nodes, count: count)
    var children = [[Int]](repeating: [], count: count)
    for index in 1..<max(count, 1) { children[Int(all[index].parent)].append(index) }
    // Parents precede their children, so going backwards finds every child already built.
    var built = [TOMLNode?](repeating: nil, count: count)
    for index in stride(from: count - 1, through: 0, by: -1) {
      built[index] = Self.node(all, index, children: children[index], built: built)
    }
    return built[0] ?? TOMLNode(value: .table([]), position: .start)
  }

  private static func node(
    _ all: UnsafeBufferPointer<ctoml_node>, _ index: Int, children: [Int], built: [TOMLNode?]
  ) -> TOMLNode {
    let raw = all[index]
    let text = text(raw.text, raw.text_length) ?? ""
    let value: TOMLNode.Value
    switch ctoml_kind(UInt32(raw.kind)) {
    case CTOML_TABLE: value = .table(entries(all, children: children, built: built))
    case CTOML_ARRAY: value = .array(children.compactMap { built[$0] })
    case CTOML_INTEGER: value = .integer(raw.integer)
    case CTOML_FLOAT: value = .float(raw.number)
    case CTOML_BOOLEAN: value = .boolean(raw.integer != 0)
    case CTOML_DATE: value = .date(text)
    case CTOML_TIME: value = .time(text)
    case CTOML_DATE_TIME: value = .dateTime(text)
    default: value = .string(text)
    }
    return TOMLNode(value: value, position: position(raw.line, raw.column))
  }

  /// toml++ sorts a table by key; a reader thinks in the order of the text.
  private static func entries(
    _ all: UnsafeBufferPointer<ctoml_node>, children: [Int], built: [TOMLNode?]
  ) -> [TOMLNode.Entry] {
    let entries = children.compactMap { child -> TOMLNode.Entry? in
      guard let node = built[child], let key = text(all[child].key, all[child].key_length) else { return nil }
      return TOMLNode.Entry(
        key: key, keyPosition: position(all[child].key_line, all[child].key_column), node: node)
    }
    return entries.sorted { $0.keyPosition < $1.keyPosition }
  }

  private static func position(_ line: UInt32, _ column: UInt32) -> SourcePosition {
    SourcePosition(line: max(Int(line), 1), column: max(Int(column), 1))
  }

  private static func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String? {
    start.map { pointer in
      String(decoding: UnsafeRawBufferPointer(start: pointer, count: length), as: UTF8.self)
    }
  }
}
