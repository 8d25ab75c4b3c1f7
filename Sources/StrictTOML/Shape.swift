// SPDX-License-Identifier: GPL-3.0-or-later

/// What a value may be: the words in which a file format is described once.
///
///     Shape ──▶ ShapeChecker   diagnostics for keys, kinds and values
///           ──▶ JSON Schema    for editors
///           ──▶ Markdown       for people
package indirect enum Shape: Sendable {
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
package struct TextRule: Sendable {
  /// Completes "must be …", such as `the name of a Debian package`.
  package var meaning: String
  /// A regular expression that means the same in Swift, ECMA and Python and matches the whole text, or nil.
  package var pattern: String?
  /// All values there are; empty where the pattern alone decides.
  package var allowed: [String]
  /// Words worth suggesting beside `allowed`.
  package var suggestions: [String]
  /// What people write who know the thing by another name.
  package var aliases: [String: String]
  /// In Unicode scalars.
  package var length: ClosedRange<Int>
  /// What to do about a value that does not fit; nil: derived from `meaning`.
  package var remedy: String?

  package init(
    meaning: String, pattern: String? = nil, allowed: [String] = [], suggestions: [String] = [],
    aliases: [String: String] = [:], length: ClosedRange<Int> = 1...4096, remedy: String? = nil
  ) {
    (self.meaning, self.pattern, self.allowed, self.suggestions) = (meaning, pattern, allowed, suggestions)
    (self.aliases, self.length, self.remedy) = (aliases, length, remedy)
  }
}

/// A key of a table.
package struct KeyShape: Sendable {
  package var name: String
  package var shape: Shape
  package var required: Bool
  /// The value without the key, as TOML or in words; nil where there is none.
  package var standard: String?
  /// A TOML value to show.
  package var example: String
  /// One or two sentences of Markdown.
  package var summary: String

  package init(
    name: String, shape: Shape, required: Bool = false, standard: String? = nil, example: String, summary: String
  ) {
    (self.name, self.shape, self.required) = (name, shape, required)
    (self.standard, self.example, self.summary) = (standard, example, summary)
  }
}

/// A table with known keys.
package struct TableShape: Sendable {
  /// As messages and the reference call it, such as `[[image]]`.
  package var title: String
  package var summary: String
  package var keys: [KeyShape]
  /// Keys that people may expect here, with the reason why they do not exist.
  package var absent: [String: String]

  package init(title: String, summary: String, keys: [KeyShape], absent: [String: String] = [:]) {
    (self.title, self.summary, self.keys, self.absent) = (title, summary, keys, absent)
  }
}

extension Shape {
  /// Completes "must be …".
  package var meaning: String {
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
  package func accepts(kindOf node: TOMLNode) -> Bool {
    switch (self, node.value) {
    case (.text, .string), (.integer, .integer), (.boolean, .boolean), (.date, .date), (.list, .array): true
    case (.table, .table), (.map, .table): true
    case (.choice(let shapes), _): shapes.contains { $0.accepts(kindOf: node) }
    default: false
    }
  }

  /// Every table within, this one first.
  package var tables: [TableShape] {
    switch self {
    case .table(let table): [table] + table.keys.flatMap { $0.shape.tables }
    case .list(let item, _): item.tables
    case .map(_, let values): values.tables
    case .choice(let shapes): shapes.flatMap(\.tables)
    default: []
    }
  }

  /// Every text rule within.
  package var textRules: [TextRule] {
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
