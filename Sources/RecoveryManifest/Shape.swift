// SPDX-License-Identifier: GPL-3.0-or-later

/// What a value may be: the words in which a file format is described once.
///
///     Shape ──▶ ShapeChecker   diagnostics for keys, kinds and values
///           ──▶ JSON Schema    for editors
///           ──▶ Markdown       for people
indirect enum Shape: Sendable {
  case text(TextRule)
  case integer(ClosedRange<Int64>)
  case boolean
  case date
  case list(of: Shape, atLeast: Int = 0)
  case table(TableShape)
  /// A table whose keys the user invents.
  case map(keys: TextRule, values: Shape)
  /// Values of different kinds; the kind that is written decides.
  case choice([Shape])
}

/// What a piece of text must look like.
struct TextRule: Sendable {
  /// Completes "must be …", such as `the name of a Debian package`.
  var meaning: String
  /// A regular expression that means the same in Swift, ECMA and Python and matches the whole text, or nil.
  var pattern: String?
  /// All values there are; empty where the pattern alone decides.
  var allowed: [String] = []
  /// Words worth suggesting beside `allowed`.
  var suggestions: [String] = []
  /// What people write who know the thing by another name.
  var aliases: [String: String] = [:]
  /// In Unicode scalars.
  var length: ClosedRange<Int> = 1...4096
  /// What to do about a value that does not fit; nil: derived from `meaning`.
  var remedy: String?
}

/// A key of a table.
struct KeyShape: Sendable {
  var name: String
  var shape: Shape
  var required = false
  /// The value without the key, as TOML or in words; nil where there is none.
  var standard: String?
  /// A TOML value to show.
  var example: String
  /// One or two sentences of Markdown.
  var summary: String
}

/// A table with known keys.
struct TableShape: Sendable {
  /// As messages and the reference call it, such as `[[image]]`.
  var title: String
  var summary: String
  var keys: [KeyShape]
  /// Keys that people may expect here, with the reason why they do not exist.
  var absent: [String: String] = [:]
}

extension Shape {
  /// Completes "must be …".
  var meaning: String {
    switch self {
    case .text(let rule): rule.meaning
    case .integer(let range) where range.lowerBound == range.upperBound: "the number \(range.lowerBound)"
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .boolean: "true or false"
    case .date: "a date such as 2027-06-30, without quotes"
    case .list(let item, _): "a list, each entry \(item.meaning)"
    case .table: "a table"
    case .map: "a table"
    case .choice(let shapes): shapes.map(\.meaning).joined(separator: ", or ")
    }
  }

  /// Whether a value is of this kind at all.
  func accepts(kindOf node: TOMLNode) -> Bool {
    switch (self, node.value) {
    case (.text, .string), (.integer, .integer), (.boolean, .boolean), (.date, .date), (.list, .array): true
    case (.table, .table), (.map, .table): true
    case (.choice(let shapes), _): shapes.contains { $0.accepts(kindOf: node) }
    default: false
    }
  }

  /// Every table within, this one first.
  var tables: [TableShape] {
    switch self {
    case .table(let table): [table] + table.keys.flatMap { $0.shape.tables }
    case .list(let item, _): item.tables
    case .map(_, let values): values.tables
    case .choice(let shapes): shapes.flatMap(\.tables)
    default: []
    }
  }

  /// Every text rule within.
  var textRules: [TextRule] {
    switch self {
    case .text(let rule): [rule]
    case .list(let item, _): item.textRules
    case .map(let keys, let values): [keys] + values.textRules
    case .table(let table): table.keys.flatMap { $0.shape.textRules }
    case .choice(let shapes): shapes.flatMap(\.textRules)
    default: []
    }
  }
}
