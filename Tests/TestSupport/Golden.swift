// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage

/// Texts that are kept in the repository and must not change unnoticed.
///
///     #expect(try Golden.difference(report, "Fixtures/reports/demo.txt") == nil)
///
/// With `LIFEBOAT_UPDATE_GOLDENS=1` in the environment the files are written instead; look at `git diff` afterwards.
public enum Golden {
  /// Nil when the text equals the file, otherwise the first line that differs.
  /// - Parameter file: relative to the top folder of the source tree.
  public static func difference(_ actual: String, _ file: String) throws -> String? {
    let path = Repository.path(file)
    if ProcessInfo.processInfo.environment["LIFEBOAT_UPDATE_GOLDENS"] == "1" {
      try FileTree.makeFolder(path.removingLastComponent())
      try AtomicFile.write(Array(actual.utf8), to: path)
      return nil
    }
    let expected = try FileTree.text(of: path)
    guard expected != actual else { return nil }
    let old = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let new = actual.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(old, new).prefix { $0 == $1 }.count
    func text(_ lines: [Substring]) -> String { line < lines.count ? "\"\(lines[line])\"" : "the end" }
    return "\(file), line \(line + 1): expected \(text(old)), got \(text(new))"
  }
}
