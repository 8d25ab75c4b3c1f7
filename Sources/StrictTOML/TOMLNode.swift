// SPDX-License-Identifier: GPL-3.0-or-later

/// A place in a text: both count from 1, the column in Unicode scalars.
package struct SourcePosition: Sendable, Hashable, Comparable {
  package var line: Int
  package var column: Int

  package init(line: Int, column: Int) { (self.line, self.column) = (line, column) }

  package static let start = SourcePosition(line: 1, column: 1)

  package static func < (a: SourcePosition, b: SourcePosition) -> Bool {
    (a.line, a.column) < (b.line, b.column)
  }
}

/// A value that remembers where it was written.
package struct Located<Value> {
  package var value: Value
  package var position: SourcePosition

  package init(value: Value, position: SourcePosition) { (self.value, self.position) = (value, position) }
}

extension Located: Sendable where Value: Sendable {}

/// One value of a TOML document with its position.
package struct TOMLNode: Sendable {
  package var value: Value
  package var position: SourcePosition

  package enum Value: Sendable {
    /// The entries in the order of the text.
    case table([Entry])
    case array([TOMLNode])
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    /// `YYYY-MM-DD`; toml++ has checked that the day exists.
    case date(String)
    case time(String)
    case dateTime(String)
  }

  /// A key of a table with its value.
  package struct Entry: Sendable {
    package var key: String
    package var keyPosition: SourcePosition
    package var node: TOMLNode
  }
}

extension TOMLNode {
  /// The entries of a table; none where this is something else.
  package var entries: [Entry] { if case .table(let entries) = value { entries } else { [] } }
  /// The items of an array; none where this is something else.
  package var items: [TOMLNode] { if case .array(let items) = value { items } else { [] } }
  /// The value of a key, where this is a table that has it.
  package subscript(key: String) -> TOMLNode? { entries.first { $0.key == key }?.node }

  package var string: String? { if case .string(let text) = value { text } else { nil } }
  /// Not inlined: Swift 6.3.1's optimiser otherwise aborts over it in `RecoveryManifest.Settings.init` (ownership error).
  @inline(never) package var integer: Int64? { if case .integer(let number) = value { number } else { nil } }
  package var boolean: Bool? { if case .boolean(let flag) = value { flag } else { nil } }
  package var date: String? { if case .date(let day) = value { day } else { nil } }

  /// The text with its place, where this is a string.
  package var located: Located<String>? { string.map { Located(value: $0, position: position) } }
  /// The strings of an array with their places; items of another kind are left out (the checker has reported them).
  package var strings: [Located<String>] { items.compactMap(\.located) }

  /// What it is, in a reader's words.
  package var kindName: String {
    switch value {
    case .table: "a table"
    case .array: "a list"
    case .string: "text"
    case .integer: "a whole number"
    case .float: "a fraction"
    case .boolean: "true or false"
    case .date: "a date"
    case .time: "a time"
    case .dateTime: "a date with a time"
    }
  }
}
