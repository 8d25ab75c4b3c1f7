// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

extension ManifestSchema {
  /// An image of which nothing is said: the source of every default.
  private static let plain = Image(name: "", title: "")

  /// The keys that `[defaults]` and `[[image]]` share.
  static let settings: [KeyShape] = system + contents + menu

  private static let system = [
    KeyShape(
      name: "architectures", shape: .list(of: .text(TextRules.architecture), atLeast: 1),
      standard: "[\(plain.architectures.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))]",
      example: #"["x64", "x86"]"#,
      summary: "Built for these: `x64` (Debian amd64) and `x86` (Debian i386). Replaces, never adds."),
    KeyShape(
      name: "release", shape: .text(TextRules.release), standard: "\"\(plain.release)\"", example: #""bookworm""#,
      summary: "The Debian release. `x86` exists up to bookworm."),
    KeyShape(
      name: "locale", shape: .text(TextRules.locale), standard: "\"\(plain.locale)\"", example: #""en_GB.UTF-8""#,
      summary: "Language and conventions of the recovery system."),
    KeyShape(
      name: "keyboard", shape: .text(TextRules.keyboard), standard: "\"\(plain.keyboard)\"", example: #""gb""#,
      summary: "Keyboard layout, by its XKB name."),
    KeyShape(
      name: "time-zone", shape: .text(TextRules.timeZone), standard: "\"\(plain.timeZone)\"",
      example: #""Europe/London""#, summary: "Time zone, by its IANA name."),
  ]

  private static let contents = [
    KeyShape(
      name: "packages", shape: .list(of: .text(TextRules.package)), standard: "[]", example: #"["hexedit"]"#,
      summary: "Debian packages to add to those of the tools. Adds to what is inherited."),
    KeyShape(
      name: "firmware", shape: .list(of: .text(TextRules.firmware)), standard: "[]", example: #"["network", "wifi"]"#,
      summary: """
        Firmware sets or single firmware packages. They need the component `non-free-firmware` in the \
        package source. Adds to what is inherited.
        """),
    KeyShape(
      name: "files", shape: .map(keys: TextRules.pathInImage, values: .text(TextRules.pathBesideManifest)),
      standard: "{}", example: #"{ "etc/motd" = "files/motd" }"#,
      summary: """
        Files to lay over the system: path in the image = file in the manifest's folder. Adds to what is inherited; the same path replaces.
        """),
    KeyShape(
      name: "hooks", shape: .list(of: .text(TextRules.pathBesideManifest)), standard: "[]",
      example: #"["hooks/10-branding"]"#,
      summary: "Programs to run inside the finished system during the build, in this order. Adds."),
  ]

  private static let menu = [
    KeyShape(
      name: "kernel-arguments", shape: .list(of: .text(TextRules.kernelArgument)), standard: "[]",
      example: #"["nomodeset"]"#, summary: "Arguments for the kernel's command line, one in each entry. Adds."),
    KeyShape(
      name: "menu-password", shape: .text(TextRules.menuPassword),
      standard: "none: anybody at the keyboard may edit the boot menu", example: #""grub.pbkdf2.sha512.10000.…""#,
      summary: "Protects the boot menu from being edited: a line that `grub-mkpasswd-pbkdf2` printed."),
    KeyShape(
      name: "boot-timeout", shape: .integer(0...3600), standard: "\(plain.bootTimeout)", example: "10",
      summary: "How many seconds the boot menu waits."),
    KeyShape(
      name: "expires", shape: .date, standard: "never", example: "2027-06-30",
      summary: "The last day on which the image should be used. The recovery system warns after it."),
  ]
}
