// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials

/// JSON as Lifeboat writes it everywhere: the same value gives the same bytes.
public enum StableJSON {
  /// Keys are sorted, one value stands on a line, and the last line does not end.
  /// - Throws: `EncodingError`.
  public static func text(_ value: some Encodable) throws -> String { try text(value, [.prettyPrinted]) }

  /// All of it on one line, for a stream of documents.
  /// - Throws: `EncodingError`.
  public static func line(_ value: some Encodable) throws -> String { try text(value, []) }

  private static func text(_ value: some Encodable, _ more: JSONEncoder.OutputFormatting) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = more.union([.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
