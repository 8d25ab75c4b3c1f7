// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem

/// Lays out the line of a running step: name, bar, figures, in exactly as many columns as there are.
///
///     base x64  [##########------------]  45 %  104.1 MB of 231.4 MB  31.0 MB/s  5 s left
struct ProgressLine {
  var width: Int
  var nameWidth: Int
  private static let narrowestBar = 8
  private static let widestBar = 30

  /// - Parameter names: of all the steps that are shown, so that their bars stand below each other.
  init(width: Int, names: [String]) {
    // The last column stays free: some terminals wrap as soon as it is written.
    self.width = max(width - 1, 1)
    nameWidth = min(names.map(\.count).max() ?? 0, max(self.width / 2, 1))
  }

  /// The line, never longer than the width.
  func text(_ step: ProgressBoard.Step, at now: Duration) -> String {
    let name = Self.fit(step.name, nameWidth)
    var figures = step.figures(at: now)
    while let length = room(for: figures, bar: step.fraction != nil), length < 0, !figures.isEmpty {
      let lightest = figures.map(\.weight).min()
      figures.removeAll { $0.weight == lightest }
    }
    var parts = [name]
    if let fraction = step.fraction {
      let length = min((room(for: figures, bar: true) ?? 0) + Self.narrowestBar, Self.widestBar)
      if length >= Self.narrowestBar { parts.append(Self.bar(fraction, length)) }
    }
    parts += figures.map(\.text)
    if let detail = step.detail, step.fraction == nil { parts.append(detail) }
    return String(parts.joined(separator: "  ").printable.prefix(width))
  }

  /// Columns that are left when everything has been set with the narrowest bar.
  private func room(for figures: [ProgressBoard.Step.Figure], bar: Bool) -> Int? {
    let used = figures.reduce(nameWidth) { $0 + 2 + $1.text.count }
    return width - used - (bar ? 2 + Self.narrowestBar + 2 : 0)
  }

  private static func bar(_ fraction: Double, _ length: Int) -> String {
    let full = Int(fraction * Double(length))
    return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: length - full) + "]"
  }

  /// Cut or filled to a width.
  static func fit(_ text: String, _ width: Int) -> String {
    guard text.count > width else { return text + String(repeating: " ", count: width - text.count) }
    return String(text.prefix(max(width - 1, 0))) + (width > 0 ? "~" : "")
  }
}
