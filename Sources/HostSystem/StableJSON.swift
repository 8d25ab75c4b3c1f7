// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials

/// JSON as Lifeboat writes it everywhere: the same value gives the same bytes.
public enum StableJSON {
  /// Keys are sorted, one value stands on a line, and the last line does not end.
  /// - Throws: `EncodingError`.
  public static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
