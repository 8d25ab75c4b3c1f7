// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

extension ManifestSchema {
  /// The DaRT tools that the catalogue can name as answered.
  public static let dartTools = [
    "BitLocker", "Command Prompt", "Computer Management", "Crash Analyzer", "Defender", "Disk Commander", "Disk Wipe",
    "Explorer", "File Restore", "File Search", "Hotfix Uninstall", "Locksmith", "Memory Diagnostic",
    "Registry Editor", "SFC Scan", "Startup Repair", "System Image Recovery", "System Restore", "TCP/IP Config",
  ]

  /// The groups of the menu, in its order.
  public static let categories = ["windows", "disks", "files", "boot", "hardware", "network", "security", "system"]

  /// `[[tool]]` of a manifest.
  static let ownTool = TableShape(
    title: "[[tool]]",
    summary: "A tool of the organisation's own. Its program comes from `packages`, or from `files` of the image.",
    keys: toolKeys(own: true))

  /// A file of the catalogue.
  static let catalogueTool = TableShape(
    title: "the tool file", summary: "One tool of the catalogue; the file is named ID.toml.",
    keys: toolKeys(own: false) + [
      KeyShape(
        name: "installed-kib", shape: .table(perArchitecture("installed-kib", .integer(0...10_000_000))),
        required: true, example: "{ x64 = 435, x86 = 488 }",
        summary: "Installed size in KiB of the tool's packages alone, per architecture."),
      KeyShape(
        name: "dart",
        shape: .text(TextRule(meaning: "the name of a tool of DaRT 10", allowed: dartTools)),
        example: #""Disk Wipe""#, summary: "The DaRT tool that it answers, fully or in part."),
      KeyShape(
        name: "standard", shape: .boolean, standard: "false", example: "true",
        summary: "Whether the group word `standard` holds it."),
    ])

  private static func toolKeys(own: Bool) -> [KeyShape] {
    [
      KeyShape(
        name: "id", shape: .text(TextRules.newToolID), required: true, example: #""inventory""#,
        summary: own ? "Unique; not an id of the catalogue." : "Unique; the name of the file."),
      KeyShape(
        name: "title", shape: .text(TextRules.title), required: true, example: #""Send inventory""#,
        summary: "What the menu shows."),
      KeyShape(
        name: "summary", shape: .text(TextRules.sentence), required: !own, standard: own ? "the title" : nil,
        example: #""Sends a list of the computer's parts to the stock keeper.""#, summary: "One sentence for the menu."),
      KeyShape(
        name: "category", shape: .text(TextRule(meaning: "a group of the menu", allowed: categories)),
        required: !own, standard: own ? #""system""# : nil, example: #""hardware""#, summary: "Its group in the menu."),
      KeyShape(
        name: "packages", shape: .choice([packageList, .table(perArchitecture("packages", packageList))]),
        required: !own, standard: own ? "[]" : nil, example: #"["lshw"]"#,
        summary: """
          Debian packages: a list for both architectures, or a table with a list per architecture. An architecture \
          that the table leaves out cannot have the tool.
          """),
      KeyShape(
        name: "command", shape: .text(TextRules.command), required: true, example: #""lifeboat-show lshw -short""#,
        summary: "What the menu starts: one line of POSIX sh."),
      KeyShape(
        name: "results", shape: .map(keys: TextRules.exitStatus, values: .text(TextRules.result)), standard: "{}",
        example: #"{ "0" = "The list was sent." }"#,
        summary: """
          What the menu says when the command has ended, by its exit status, or by a bit of it that is set (`"bit 3"`). \
          An exit status is never shown as a number. Where nothing stands for 0, the menu comes back at once.
          """),
      KeyShape(
        name: "risk",
        shape: .text(TextRule(meaning: "what the tool can do", allowed: Risk.allCases.map(\.rawValue))),
        required: true, example: #""safe""#, summary: "What it can do to the computer."),
      KeyShape(
        name: "needs",
        shape: .list(
          of: .text(TextRule(meaning: "something a tool can need", allowed: Need.allCases.map(\.rawValue)))),
        standard: "[]", example: #"["network"]"#, summary: "What the tool cannot work without."),
      KeyShape(
        name: "licence", shape: .text(TextRules.licence), required: !own, standard: own ? "not stated" : nil,
        example: #""GPL-2.0-only""#, summary: "SPDX expression of its main program's licence."),
    ]
  }

  private static let packageList = Shape.list(of: .text(TextRules.package))

  private static func perArchitecture(_ key: String, _ shape: Shape) -> TableShape {
    TableShape(
      title: "\(key) per architecture", summary: "One value for each architecture that can have the tool.",
      keys: Architecture.allCases.map {
        KeyShape(name: $0.rawValue, shape: shape, example: "…", summary: "For \($0.rawValue).")
      })
  }
}
