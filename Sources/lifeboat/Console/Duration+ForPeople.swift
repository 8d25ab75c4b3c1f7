// SPDX-License-Identifier: GPL-3.0-or-later

extension Duration {
  /// Seconds with their fraction.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

  /// `0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`.
  var forPeople: String {
    let seconds = Int(components.seconds)
    switch seconds {
    case ..<10:
      let tenths = Int(components.attoseconds / 100_000_000_000_000_000)
      return tenths == 0 ? "\(seconds) s" : "\(seconds).\(tenths) s"
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min \(twoDigits(seconds % 60)) s"
    default: return "\(seconds / 3600) h \(twoDigits(seconds / 60 % 60)) min"
    }
  }

  private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
