// SPDX-License-Identifier: GPL-3.0-or-later

extension Int {
  /// `1 file`, `2 files`: a number of things, for nouns whose plural ends in s.
  public func counted(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
