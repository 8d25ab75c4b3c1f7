// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import Testing

@Suite struct TerminalTextTests {
  /// An escape, C1's own introducer, a bell, marks that turn the direction around, a byte order mark.
  static let hostile = [
    "\u{1B}[31m", "\u{9B}31m", "\u{7}", "\u{202E}", "\u{2066}", "\u{200F}", "\u{FEFF}", "\r", "\u{7F}",
  ]

  @Test(arguments: hostile) func whatActsOnTheTerminalIsShown(sequence: String) {
    let text = "a\(sequence)b"
    for shown in [text.printable, text.printableText] {
      #expect(shown.hasPrefix("a\u{FFFD}") && shown.hasSuffix("b"), "\(shown.debugDescription)")
    }
  }

  @Test func linesAndTabsAreOfATextAndNotOfAName() {
    #expect("a\n\tb".printableText == "a\n\tb")
    #expect("a\n\tb".printable == "a\u{FFFD}\u{FFFD}b")
    #expect("Größe 文件 e\u{301}".printable == "Größe 文件 e\u{301}")
  }

  @Test(arguments: hostile) func jsonKeepsItsValue(sequence: String) throws {
    let value = ["name": "a\(sequence)\u{E0001}b", "plain": "c\nd"]
    for document in [try StableJSON.text(value), try StableJSON.line(value)] {
      let safe = document.printableJSON
      #expect(try JSONDecoder().decode([String: String].self, from: Data(safe.utf8)) == value)
      #expect(safe.printableText == safe, "\(safe.debugDescription)")
    }
  }

  @Test func aFailureNamesItsFileHarmlessly() {
    let failure = OperationFailure("open", "/media/\u{1B}[2Jx\ny", .noSuchFileOrDirectory)
    #expect(failure.message == "open /media/\u{FFFD}[2Jx\u{FFFD}y: No such file or directory")
  }
}
