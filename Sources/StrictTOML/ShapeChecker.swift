// SPDX-License-Identifier: GPL-3.0-or-later

/// Holds a value tree against its description and reports every difference in keys, kinds and values.
package struct ShapeChecker {
  package private(set) var sink: DiagnosticSink
  /// Every key of the format with the tables that have it, for keys written at the wrong place.
  private let homes: [String: [String]]
  private var patterns: [String: Regex<AnyRegexOutput>] = [:]

  /// - Parameter root: the whole format, for hints across tables.
  package init(sink: DiagnosticSink, root: TableShape) {
    self.sink = sink
    var homes: [String: [String]] = [:]
    for table in Shape.table(root).tables {
      for key in table.keys where !homes[key.name, default: []].contains(table.title) {
        homes[key.name, default: []].append(table.title)
      }
    }
    self.homes = homes
  }

  /// Checks a table: unknown keys, missing keys, then every value.
  package mutating func check(_ node: TOMLNode, is table: TableShape) {
    for entry in node.entries {
      if let key = table.keys.first(where: { $0.name == entry.key }) {
        check(entry.node, is: key.shape, subject: key.name, key: key)
      } else {
        reportUnknown(entry, in: table)
      }
    }
    for key in table.keys where key.required && node[key.name] == nil {
      sink.error(
        .missingKey, at: node.position, "\(table.title) lacks the key \(key.name)",
        remedy: Self.headerRemedy(key) ?? "Add \(key.name) = \(key.example) to \(table.title).")
    }
  }

  /// A list of tables is written as headers.
  private static func headerRemedy(_ key: KeyShape) -> String? {
    guard case .list(.table(let table), _) = key.shape else { return nil }
    return "Add at least one \(table.title), with its name."
  }

  private mutating func check(_ node: TOMLNode, is shape: Shape, subject: String, key: KeyShape) {
    guard shape.accepts(kindOf: node) else {
      sink.error(
        .wrongType, at: node.position, "\(subject) must be \(shape.meaning), not \(node.kindName)",
        remedy: Self.typeRemedy(node, shape: shape, key: key))
      return
    }
    switch shape {
    case .text(let rule): checkText(node, rule: rule, subject: subject)
    case .integer(let range): checkInteger(node, range: range, subject: subject)
    case .boolean, .date: break
    case .list(let item, let least):
      if node.items.count < least { reportEmpty(node, key: key) }
      for (index, element) in node.items.enumerated() {
        check(element, is: item, subject: "entry \(index + 1) of \(key.name)", key: key)
      }
    case .table(let table): check(node, is: table)
    case .map(let keys, let values):
      for entry in node.entries {
        checkText(entry.key, at: entry.keyPosition, rule: keys, subject: "a key of \(key.name)")
        check(entry.node, is: values, subject: "\(key.name).\(Printable.quoted(entry.key))", key: key)
      }
    case .choice(let shapes):
      if let fitting = shapes.first(where: { $0.accepts(kindOf: node) }) {
        check(node, is: fitting, subject: subject, key: key)
      }
    }
  }

  private mutating func reportEmpty(_ node: TOMLNode, key: KeyShape) {
    sink.error(
      .badValue, at: node.position, "\(key.name) is an empty list",
      remedy: Self.headerRemedy(key) ?? "Write \(key.name) = \(key.example), for example.")
  }

  private mutating func checkInteger(_ node: TOMLNode, range: ClosedRange<Int64>, subject: String) {
    guard let number = node.integer, !range.contains(number) else { return }
    sink.error(
      .badValue, at: node.position, "\(subject) must be \(Shape.integer(range).meaning), not \(number)",
      remedy: "Write \(Shape.integer(range).meaning).")
  }

  private mutating func checkText(_ node: TOMLNode, rule: TextRule, subject: String) {
    guard let text = node.string else { return }
    checkText(text, at: node.position, rule: rule, subject: subject)
  }

  private mutating func checkText(_ text: String, at position: SourcePosition, rule: TextRule, subject: String) {
    guard !fits(text, rule) else { return }
    sink.error(
      .badValue, at: position, "\(subject) must be \(rule.meaning), not \(Printable.quoted(text))",
      remedy: Self.remedy(for: text, rule))
  }

  private mutating func fits(_ text: String, _ rule: TextRule) -> Bool {
    guard rule.length.contains(text.unicodeScalars.count) else { return false }
    if !rule.allowed.isEmpty { return rule.allowed.contains(text) }
    guard let pattern = rule.pattern else { return true }
    guard let regex = patterns[pattern] ?? (try? Regex(pattern)) else { return false }
    patterns[pattern] = regex
    // Scalars, as ECMA and Python count them: "\r\n" is one Character, but must not pass for one.
    return ((try? regex.matchingSemantics(.unicodeScalar).wholeMatch(in: text)) ?? nil) != nil
  }

  private static func remedy(for text: String, _ rule: TextRule) -> String {
    if let meant = rule.aliases[text.lowercased()] ?? NearestWord.of(text, in: rule.allowed + rule.suggestions) {
      return "Write \"\(meant)\" instead."
    }
    if let remedy = rule.remedy { return remedy }
    if !rule.allowed.isEmpty {
      return "Write one of: \(rule.allowed.map { "\"\($0)\"" }.joined(separator: ", "))."
    }
    return "Write \(rule.meaning)."
  }

  private static func typeRemedy(_ node: TOMLNode, shape: Shape, key: KeyShape) -> String {
    if case .list(let item, _) = shape, item.accepts(kindOf: node) {
      if case .table(let table) = item { return "Write the header as \(table.title), with double brackets." }
      if let text = node.string { return "Write it as a list: \(key.name) = [\(Printable.quoted(text))]." }
    }
    if case .table(let table) = shape, table.title.hasPrefix("["), node.items.contains(where: { !$0.entries.isEmpty }) {
      return "Write the header as \(table.title), with single brackets."
    }
    if case .date = shape, let text = node.string, text.utf8.count == 10 { return "Write \(text) without quotes." }
    if case .boolean = shape, node.string == "true" || node.string == "false" { return "Write it without quotes." }
    return "Write \(key.name) = \(key.example), for example."
  }

  private mutating func reportUnknown(_ entry: TOMLNode.Entry, in table: TableShape) {
    let known = table.keys.map(\.name)
    let remedy: String
    if let reason = table.absent[entry.key] {
      remedy = reason
    } else if let nearest = NearestWord.of(entry.key, in: known) {
      remedy = "Write \"\(nearest)\" instead."
    } else if let places = homes[entry.key] {
      remedy = "Move it to \(places.joined(separator: " or ")), where the key \(entry.key) belongs."
    } else {
      remedy = "Remove it; the keys here are \(known.joined(separator: ", "))."
    }
    sink.error(
      .unknownKey, at: entry.keyPosition, "unknown key \(Printable.quoted(entry.key)) in \(table.title)",
      remedy: remedy)
  }

  /// Reports what only the meaning of the values shows.
  package mutating func report(_ body: (inout DiagnosticSink) -> Void) { body(&sink) }
}
