// SPDX-License-Identifier: GPL-3.0-or-later

/// Finds what a person probably meant.
package enum NearestWord {
  /// The candidate that needs the fewest slips of the finger to become `word`, if that is close enough to be a guess
  /// worth showing: at most one slip in three characters, and never all of them.
  package static func of(_ word: String, in candidates: some Sequence<String>) -> String? {
    let lowered = word.lowercased()
    guard lowered.unicodeScalars.count <= 64 else { return nil }
    let limit = max(1, lowered.unicodeScalars.count / 3)
    var best: (word: String, slips: Int)?
    for candidate in candidates {
      let slips = distance(lowered, candidate.lowercased())
      guard slips <= limit, slips < candidate.unicodeScalars.count else { continue }
      if best.map({ slips < $0.slips }) ?? true { best = (candidate, slips) }
    }
    return best?.word
  }

  /// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
  static func distance(_ first: String, _ second: String) -> Int {
    let a = Array(first.unicodeScalars)
    let b = Array(second.unicodeScalars)
    guard !a.isEmpty, !b.isEmpty else { return max(a.count, b.count) }
    var rows = [Array(0...b.count)]
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        let cost = a[i - 1] == b[j - 1] ? 0 : 1
        var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
