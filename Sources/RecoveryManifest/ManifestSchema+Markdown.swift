// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

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
    return """
      \(title)

      \(table.markdown(without: shared))\(shared.isEmpty ? "" : "\n\nEvery key of `\(defaults.title)` can stand here too.")
      """
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
