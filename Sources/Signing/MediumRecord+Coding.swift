// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
internal import HostSystem

extension MediumRecord {
  /// The newest format that this version reads.
  public static let newestFormat = 1

  /// The bytes of `lifeboat.json`: the same record gives the same bytes, so that a signature stays valid.
  ///
  /// Keys are sorted, one value stands on a line, and the last line ends.
  public func encoded() throws -> [UInt8] {
    Array((try StableJSON.text(self) + "\n").utf8)
  }

  /// Reads `lifeboat.json`.
  /// - Throws: `SigningFailure.recordTooNew` before anything else of a newer format is looked at;
  ///   `SigningFailure.recordUnreadable` naming the key that is missing or wrong.
  public init(decoding bytes: [UInt8]) throws(SigningFailure) {
    let format: Format = try Self.decode(bytes)
    guard format.format <= Self.newestFormat else {
      throw .recordTooNew(format: format.format, known: Self.newestFormat)
    }
    guard format.format >= 1 else { throw .recordUnreadable(reason: "its format is \(format.format)") }
    self = try Self.decode(bytes)
  }

  private struct Format: Decodable {
    var format: Int
  }

  private static func decode<Value: Decodable>(_ bytes: [UInt8]) throws(SigningFailure) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw .recordUnreadable(reason: explain(error))
    } catch {
      throw .recordUnreadable(reason: "\(error)")
    }
  }

  private static func explain(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "\(place(context.codingPath + [key])) is missing"
    case .valueNotFound(_, let context): "\(place(context.codingPath)) has no value"
    case .typeMismatch(_, let context): "\(place(context.codingPath)) has the wrong type"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is not JSON"
    case .dataCorrupted(let context): "\(place(context.codingPath)): \(context.debugDescription)"
    @unknown default: "\(error)"
    }
  }

  private static func place(_ keys: [any CodingKey]) -> String {
    keys.reduce("") { text, key in
      key.intValue.map { "\(text)[\($0)]" } ?? (text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)")
    }
  }
}
