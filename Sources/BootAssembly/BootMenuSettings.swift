// SPDX-License-Identifier: GPL-3.0-or-later

/// What the manifest said for a medium's menu, read back from the menu's own text (`boot/grub/grub.cfg`): the record
/// does not repeat it.
package struct BootMenuSettings: Sendable, Equatable {
  /// Seconds until the first entry starts.
  package var timeout: Int
  /// The hash of the menu password, or nil.
  package var password: String?
  /// What stands on the kernel's line after Lifeboat's own arguments, quoted as it stands there, with a leading space.
  package var arguments: String

  /// Reads what `BootMenu.text` wrote; nil when it is another menu.
  package init?(menu text: String) {
    let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
    guard let wait = lines.first(where: { $0.hasPrefix("set timeout=") }).flatMap({ Int($0.dropFirst(12)) }),
      let kernel = lines.first(where: { $0.hasPrefix("linux \"($medium)/lifeboat/") }),
      let end = kernel.firstRange(of: " $consoles")?.upperBound
    else { return nil }
    timeout = wait
    arguments = String(kernel[end...])
    password = lines.first { $0.hasPrefix("password_pbkdf2 lifeboat ") }.map { String($0.dropFirst(25)) }
  }

  /// The arguments as the kernel gets them.
  package var words: [String] {
    var words: [String] = []
    var rest = Substring(arguments)
    // 'a'\''b' is how `GrubText.word` writes a'b; between words stands one space.
    while let start = rest.firstIndex(of: "'") {
      var word = ""
      rest = rest[start...]
      while rest.first == "'" {
        let inner = rest.dropFirst().prefix { $0 != "'" }
        word += inner
        rest = rest[inner.endIndex...].dropFirst()
        guard rest.hasPrefix("\\'") else { break }
        word += "'"
        rest = rest.dropFirst(2)
      }
      words.append(word)
    }
    return words
  }
}
