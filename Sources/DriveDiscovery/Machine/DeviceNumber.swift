// SPDX-License-Identifier: GPL-3.0-or-later

/// The number by which the kernel knows a block device: `8:16`.
public struct DeviceNumber: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Which driver.
  public var major: UInt32
  /// Which of its devices.
  public var minor: UInt32

  /// Wraps the two numbers.
  public init(major: UInt32, minor: UInt32) {
    self.major = major
    self.minor = minor
  }

  /// Takes a `dev_t` of stat(2) apart (`st_rdev` of a device's node), as <sys/sysmacros.h> does.
  public init(rawValue: UInt64) {
    major = UInt32(truncatingIfNeeded: (rawValue >> 8) & 0xfff | (rawValue >> 32) & 0xffff_f000)
    minor = UInt32(truncatingIfNeeded: rawValue & 0xff | (rawValue >> 12) & 0xffff_ff00)
  }

  /// Reads `8:16`; nil if the text is anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = UInt32(parts[0]), let minor = UInt32(parts[1]) else { return nil }
    self.init(major: major, minor: minor)
  }

  /// `8:16`.
  public var description: String { "\(major):\(minor)" }

  /// Reads `"8:16"`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let number = DeviceNumber(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is not a device number")
    }
    self = number
  }

  /// Writes `"8:16"`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
