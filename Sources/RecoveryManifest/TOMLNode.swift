// SPDX-License-Identifier: GPL-3.0-or-later

/// A place in a text: both count from 1, the column in Unicode scalars.
struct SourcePosition: Sendable, Hashable, Comparable {
  var line: Int
  var column: Int

  static let start = SourcePosition(line: 1, column: 1)

  static func < (a: SourcePosition, b: SourcePosition) -> Bool {
    (a.line, a.column) < (b.line, b.column)
  }
}

/// A value that remembers where it was written.
struct Located<Value> {
  var value: Value
  var position: SourcePosition
}

extension Located: Sendable where Value: Sendable {}

/// One value of a TOML document with its position.
struct TOMLNode: Sendable {
  var value: Value
  var position: SourcePosition

  enum Value: Sendable {
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
  struct Entry: Sendable {
    var key: String
    var keyPosition: SourcePosition
    var node: TOMLNode
  }
}

extension TOMLNode {
  /// The entries of a table; none where this is something else.
  var entries: [Entry] { if case .table(let entries) = value { entries } else { [] } }
  /// The items of an array; none where this is something else.
  var items: [TOMLNode] { if case .array(let items) = value { items } else { [] } }
  /// The value of a key, where this is a table that has it.
  subscript(key: String) -> TOMLNode? { entries.first { $0.key == key }?.node }

  var string: String? { if case .string(let text) = value { text } else { nil } }
  /// Not inlined: Swift 6.3.1's optimiser otherwise aborts over it in `Settings.init` (ownership error).
  @inline(never) var integer: Int64? { if case .integer(let number) = value { number } else { nil } }
  var boolean: Bool? { if case .boolean(let flag) = value { flag } else { nil } }
  var date: String? { if case .date(let day) = value { day } else { nil } }

  /// The text with its place, where this is a string.
  var located: Located<String>? { string.map { Located(value: $0, position: position) } }
  /// The strings of an array with their places; items of another kind are left out (the checker has reported them).
  var strings: [Located<String>] { items.compactMap(\.located) }

  /// What it is, in a reader's words.
  var kindName: String {
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
