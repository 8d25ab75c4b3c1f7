// SPDX-License-Identifier: GPL-3.0-or-later

extension ManifestSchema {
  /// The manifest's reference for people, in Markdown.
  public static func markdownReference() -> String {
    let tables = [manifest, defaults, image, tools, ownTool].map(section)
    return """
      # The manifest

      \(manifest.summary)

      Without any other key, this is a complete manifest:

      ```toml
      lifeboat = 1

      [[image]]
      name = "rescue"
      ```

      \(tables.joined(separator: "\n\n"))

      ## Firmware sets

      Words for `firmware`. Nearly all of this firmware is in Debian's component `non-free-firmware`.

      \(firmwareTable)

      """
  }

  private static func section(_ table: TableShape) -> String {
    let isRoot = table.title == manifest.title
    let title = isRoot ? "## Top level" : "## `\(table.title)`\n\n\(table.summary)"
    let shared = table.title == image.title ? Set(settings.map(\.name)) : []
    let rows = table.keys.filter { !shared.contains($0.name) }.map(row)
    return """
      \(title)

      | key | value | without it | meaning |
      |---|---|---|---|
      \(rows.joined(separator: "\n"))\(shared.isEmpty ? "" : "\n\nEvery key of `\(defaults.title)` can stand here too.")
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

  private static var firmwareTable: String {
    let rows = FirmwareSet.allCases.map { set in
      let lists = DebianRelease.allCases.map { release in
        set.packages(in: release).map { "`\($0)`" }.joined(separator: " ")
      }
      return "| `\(set.rawValue)` | \(set.summary) | \(lists.joined(separator: " | ")) |"
    }
    let releases = DebianRelease.allCases.map(\.rawValue).joined(separator: " | ")
    return """
      | set | for | \(releases) |
      |---|---|\(String(repeating: "---|", count: DebianRelease.allCases.count))
      \(rows.joined(separator: "\n"))
      """
  }
}
