// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The look of the menu on a graphics screen: a GRUB theme of colours, two small pictures and one font.
///
/// The template `theme.txt` and the pictures are this module's resources.
struct BootTheme {
  /// The image's title on one line.
  var title: String
  /// A line under the title: Debian release, architectures, date of expiry.
  var subtitle: String
  /// Whether editing entries needs a password; the line of keys says so.
  var locked: Bool

  /// A title longer than this would leave a 640 pixels wide screen.
  private static let titleLimit = 60

  /// The theme's files with their paths on the medium.
  /// - Throws: `InstalledData.Missing`, `OperationFailure`.
  func entries() throws -> [BootTree.Entry] {
    let folder = try InstalledData.folder(of: "BootAssembly").appending("grub")
    let template = String(decoding: try FileTree.bytes(of: folder.appending("theme.txt")), as: UTF8.self)
    let pictures = try ["desktop.png", "emblem.png", "selected_c.png", "line.png"].map { name in
      BootTree.Entry("boot/grub/theme/\(name)", .bytes(try FileTree.bytes(of: folder.appending(name))))
    }
    return pictures + [BootTree.Entry("boot/grub/theme/theme.txt", .bytes(Array(fill(template).utf8)))]
  }

  /// Puts the texts into the template.
  func fill(_ template: String) -> String {
    let keys =
      locked
      ? "↑ ↓ choose  ·  Enter start  ·  e and c ask for the menu password"
      : "↑ ↓ choose  ·  Enter start  ·  e edit  ·  c command line"
    return
      template
      .replacing("\"@SUBTITLE@\"", with: GrubText.themeValue(GrubText.shortened(subtitle, to: Self.titleLimit)))
      .replacing("\"@KEYS@\"", with: GrubText.themeValue(keys))
      .replacing("\"@TITLE@\"", with: GrubText.themeValue(GrubText.shortened(title, to: Self.titleLimit)))
  }
}
