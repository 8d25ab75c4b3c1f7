// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

/// The manifest that `lifeboat init` writes.
public enum ManifestTemplate {
  /// A manifest with these images that can be built as it is; comments show every option with an example.
  /// - Parameter images: their names; `Image.isName` must hold for each. None gives one image `rescue`.
  public static func text(images: [String]) -> String {
    let names = images.isEmpty ? ["rescue"] : images
    let sections = names.enumerated().map { index, name in image(name, explained: index == 0) }
    return """
      # A Lifeboat manifest: the recovery images of an organisation. Lines with # are options to take up or to leave.
      # lifeboat check FILE says what is wrong with it, lifeboat plan FILE what a build would do.
      lifeboat = \(ManifestSchema.version)
      \(comments(ManifestSchema.manifest.keys.filter { $0.name == "mirror" }))

      # Without a menu-password whoever is at the keyboard can edit the start menu, and so get a root shell.
      # What every image starts from:
      # [defaults]
      \(comments(ManifestSchema.settings))

      \(sections.joined(separator: "\n"))
      # The organisation's own tools; an image takes them by their id.
      # [[tool]]
      \(comments(ManifestSchema.ownTool.keys))

      """
  }

  private static func image(_ name: String, explained: Bool) -> String {
    let head = "[[image]]\nname = \"\(name)\"\n"
    guard explained else { return head }
    let own = ManifestSchema.image.keys.filter { ["title", "extends"].contains($0.name) }
    return head + """
      \(comments(own))
      # Everything from [defaults] can stand here too.
      # Who may start which tool (lifeboat tools lists them); without this, anyone may start the standard ones:
      # [image.tools]
      \(comments(ManifestSchema.tools.keys))

      """
  }

  /// Each key as a commented example, with the first sentence of its meaning beside it.
  private static func comments(_ keys: [KeyShape]) -> String {
    let pairs = keys.map { ("# \($0.name) = \($0.example)", firstSentence($0.summary)) }
    let width = pairs.map(\.0.count).filter { $0 <= 48 }.max() ?? 0
    let lines = pairs.map { example, meaning in
      example + String(repeating: " ", count: max(0, width - example.count)) + "  # " + meaning
    }
    return lines.joined(separator: "\n")
  }

  private static func firstSentence(_ text: String) -> String {
    guard let stop = text.firstRange(of: ". ") else { return text }
    return String(text[..<stop.lowerBound]) + "."
  }
}

extension Image {
  /// Whether a text can be the name of an image: lower-case letters, digits and hyphens, at most 32.
  public static func isName(_ text: String) -> Bool {
    let letters = text.unicodeScalars.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" }
    return letters && TextRules.imageName.length.contains(text.unicodeScalars.count) && !text.hasPrefix("-")
  }
}
