// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
@preconcurrency internal import Glibc

/// Times as the log, the record and the admin plane write them.
public enum Timestamp {
  /// The present one, as text.
  public static func now() -> String { text(seconds()) }
  /// Seconds of Unix time.
  static func seconds() -> Int64 { Int64(time(nil)) }

  /// `2026-11-25T18:45:14Z`.
  static func text(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
  }
}

/// Something that happened, with the time at which it is told, in one JSON object.
public struct Timed<Event: Encodable>: Encodable {
  private let event: Event
  private let time: String

  /// At the present time, or at the one that is given.
  public init(_ event: Event, at time: String = Timestamp.now()) { (self.event, self.time) = (event, time) }

  public func encode(to encoder: any Encoder) throws {
    try event.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(time, forKey: .time)
  }

  private enum Key: String, CodingKey { case time }
}
