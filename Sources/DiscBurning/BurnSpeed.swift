// SPDX-License-Identifier: GPL-3.0-or-later

/// How fast a disc is to be written.
public enum BurnSpeed: Sendable, Equatable {
  /// As slowly as the drive can.
  case slowest
  /// As fast as drive and disc allow.
  case fastest
  /// A multiple of what the family calls 1x.
  case times(Double)

  /// Reads `8`, `8x`, `2.4x`, `min` or `max`.
  public init?(_ text: String) {
    switch text {
    case "min": self = .slowest
    case "max": self = .fastest
    default:
      let digits = text.hasSuffix("x") ? text.dropLast() : text[...]
      guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }), let factor = Double(digits),
        factor > 0, factor <= 1000
      else { return nil }
      self = .times(factor)
    }
  }

  /// What libburn takes: 1000 bytes in a second, rounded up (4x CD is 706); 0 is the most, -1 the least.
  func kilobytesPerSecond(_ family: DiscProfile.Family) -> Int {
    switch self {
    case .slowest: -1
    case .fastest: 0
    case .times(let factor): Int((factor * Self.single(family)).rounded(.up))
    }
  }

  /// kB/s of 1x: Red Book; DVD and BD as libburn rounds them.
  static func single(_ family: DiscProfile.Family) -> Double {
    switch family {
    case .cd: 176.4
    case .dvd, .file: 1385
    case .bd: 4495.5
    }
  }

  /// `8x`, `2.4x` for a speed that a drive offers.
  public static func text(_ kilobytesPerSecond: Int, _ family: DiscProfile.Family) -> String {
    let tenths = Int((Double(kilobytesPerSecond) / single(family) * 10).rounded())
    // Drives round each in their own way: 23.9x is 24x.
    if tenths >= 60 || tenths % 10 == 0 { return "\((tenths + 5) / 10)x" }
    return "\(tenths / 10).\(tenths % 10)x"
  }
}
