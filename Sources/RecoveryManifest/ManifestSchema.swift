// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

/// The manifest's format, written down once: its reader, its JSON Schema and its reference all follow from here.
public enum ManifestSchema {
  /// The newest format that this Lifeboat reads.
  public static let version = 1

  static let format = TextFormat(noun: "manifest", versionKey: "lifeboat", version: version, root: manifest)

  /// The manifest's JSON Schema (draft 2020-12), for editors and other checkers. A TOML date appears as a string.
  ///
  /// What only the catalogue or the other images tell (known tools, names in `extends`, kernels per release) is the
  /// reader's to check.
  public static func jsonSchema() -> String { format.jsonSchema() }

  /// The whole file.
  static let manifest = TableShape(
    title: "the manifest's top level",
    summary: """
      A manifest describes an organisation's recovery images. It is a [TOML 1.0](https://toml.io) file; a key that is \
      not listed here is an error.
      """,
    keys: [
      KeyShape(
        name: "lifeboat", shape: .integer(1...Int64(version)), required: true, example: "1",
        summary: "The format of this file. This Lifeboat reads format \(version)."),
      KeyShape(
        name: "mirror", shape: .text(TextRules.mirror), standard: "the package sources of this computer",
        example: #""https://mirror.contoso.example/debian""#,
        summary: """
          A Debian repository to take all packages from: its URL, or the absolute path of a local copy; of these the \
          release's own suite is used alone. Or lines of sources.list(5), such as \
          `deb [signed-by=/etc/site.gpg] https://mirror.contoso.example/debian bookworm-security main`; \
          others' archives too, which `plan` and the medium's record then name. docs/archives.md says more.
          """),
      KeyShape(
        name: "defaults", shape: .table(defaults), example: #"{ release = "bookworm" }"#,
        summary: "What every image starts from."),
      KeyShape(
        name: "image", shape: .list(of: .table(image), atLeast: 1), required: true, example: #"[{ name = "rescue" }]"#,
        summary: "The images, each a recovery system to build; at least one."),
      KeyShape(
        name: "tool", shape: .list(of: .table(ownTool)), example: #"[{ id = "inventory", title = "…" }]"#,
        summary: "The organisation's own tools, used by their `id` like those of the catalogue."),
    ])

  static let defaults = TableShape(
    title: "[defaults]",
    summary: """
      What every image starts from. An image that sets a key itself replaces the value, or adds to the lists \
      `packages`, `firmware`, `kernel-arguments` and `hooks` and to the table `files`.
      """,
    keys: settings,
    absent: ["tools": "Write the tools of an image in its [image.tools]; other images share them with extends."])

  static let image = TableShape(
    title: "[[image]]",
    summary: "One recovery image: a support level, such as first aid for everybody, or everything for the help desk.",
    keys: [
      KeyShape(
        name: "name", shape: .text(TextRules.imageName), required: true, example: #""tier1""#,
        summary: "Names the image on the command line and in the names of the files that are built."),
      KeyShape(
        name: "title", shape: .text(TextRules.title), standard: "the name", example: #""Contoso first aid""#,
        summary: "What the boot menu and the recovery menu show."),
      KeyShape(
        name: "extends", shape: .text(TextRules.imageName), example: #""tier1""#,
        summary: "The image that this one extends. It may stand anywhere in the file."),
      KeyShape(
        name: "tools", shape: .table(tools), standard: #"{ user = ["standard"] }, or the tools of the extended image"#,
        example: #"{ user = ["standard"], helpdesk = ["locksmith"] }"#, summary: "Who may start which tool."),
    ] + settings,
    absent: ["remote": "Leave it out: remote help is not part of this version of Lifeboat."])

  static let tools = TableShape(
    title: "[image.tools]",
    summary: """
      Access per tool. Each list takes ids of tools and two group words: `all` (every tool of the catalogue and of \
      the manifest) and `standard` (the small tools that suit every image). The more exact word wins: an id over \
      `standard`, `standard` over `all`, and any of them over what the extended image says. A group word leaves out \
      a tool that an architecture cannot have; an id of such a tool is an error.
      """,
    keys: [
      KeyShape(
        name: "user", shape: .list(of: .text(TextRules.toolID)), standard: "[]", example: #"["standard"]"#,
        summary: "Tools that anyone at the keyboard may start."),
      KeyShape(
        name: "helpdesk", shape: .list(of: .text(TextRules.toolID)), standard: "[]",
        example: #"["locksmith", "registry-editor"]"#,
        summary: "Tools that are shown, but locked until the help desk is connected."),
      KeyShape(
        name: "absent", shape: .list(of: .text(TextRules.toolID)), standard: "[]", example: #"["disk-wipe"]"#,
        summary: "Tools to leave out of a group word or of the extended image."),
    ])
}
