// SPDX-License-Identifier: GPL-3.0-or-later

extension TableShape {
  /// The keys as a table in Markdown, for the format's reference.
  /// - Parameter absent: keys that are left out, because another table describes them.
  package func markdown(without absent: Set<String> = []) -> String {
    let rows = keys.filter { !absent.contains($0.name) }.map(Self.row)
    return """
      | key | value | without it | meaning |
      |---|---|---|---|
      \(rows.joined(separator: "\n"))
      """
  }

  private static func row(_ key: KeyShape) -> String {
    let absence = key.required ? "**required**" : key.standard.map(code) ?? "–"
    let cells = ["`\(key.name)`", value(key.shape), absence, "\(key.summary)\(example(key))"]
    return "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |"
  }

  private static func example(_ key: KeyShape) -> String {
    switch key.shape {
    case .table, .list(.table, _): ""
    default: " Example: `\(key.name) = \(key.example)`"
    }
  }

  /// TOML values in code type, words as they are.
  private static func code(_ text: String) -> String {
    let looksLikeTOML = text.first.map { "\"[{0123456789".contains($0) } ?? false
    return (looksLikeTOML && !text.contains(", or ")) || text == "false" ? "`\(text)`" : text
  }

  private static func value(_ shape: Shape) -> String {
    switch shape {
    case .text(let rule) where !rule.allowed.isEmpty: rule.allowed.map { "`\"\($0)\"`" }.joined(separator: ", ")
    case .text(let rule): rule.meaning
    case .integer(let range) where range.lowerBound == range.upperBound: "`\(range.lowerBound)`"
    case .list(.table(let table), _): "tables `\(table.title)`"
    case .list(let item, _): "list: \(value(item))"
    case .table(let table) where table.title.hasPrefix("["): "table `\(table.title)`"
    case .table(let table): "table of \(table.keys.map { "`\($0.name)`" }.joined(separator: ", "))"
    case .map(let keys, let values): "table: \(value(.text(keys))) = \(value(values))"
    case .choice(let shapes): shapes.map(value).joined(separator: "; or ")
    default: shape.meaning
    }
  }
}
