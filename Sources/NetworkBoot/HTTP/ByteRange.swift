// SPDX-License-Identifier: GPL-3.0-or-later

/// What a `Range` field asks of a file (RFC 9110, section 14).
enum ByteRange: Sendable, Hashable {
  /// All of it: there is no such field, or it is one that a server may pass over, such as a list of ranges.
  case whole
  /// These bytes.
  case part(Range<Int>)
  /// None that the file has.
  case unsatisfiable

  /// Reads the fields of a request.
  /// - Parameters:
  ///   - values: the values of its `Range` fields.
  ///   - size: of the file.
  init(_ values: [String], size: Int) {
    guard values.count == 1, let value = values.first, let specification = Self.specification(of: value) else {
      self = .whole
      return
    }
    switch specification {
    case (nil, nil): self = .whole
    case (nil, let suffix?): self = suffix > 0 && size > 0 ? .part(max(0, size - suffix)..<size) : .unsatisfiable
    case (let first?, let last):
      if let last, last < first {
        self = .whole
      } else if first >= size {
        self = .unsatisfiable
      } else {
        self = .part(first..<(last.map { min($0, size - 1) + 1 } ?? size))
      }
    }
  }

  /// The numbers on both sides of the hyphen of `bytes=0-499`; nil for every other field.
  private static func specification(of value: String) -> (Int?, Int?)? {
    let sides = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard sides.count == 2, sides[0].lowercased() == "bytes" else { return nil }
    let range = sides[1].drop { $0 == " " || $0 == "\t" }
    let numbers = range.split(separator: "-", omittingEmptySubsequences: false)
    guard numbers.count == 2, let first = number(numbers[0]), let last = number(numbers[1]) else { return nil }
    return (first, last)
  }

  /// A number of digits alone, as large as it may be; nil inside for none, nil for anything else.
  private static func number(_ text: Substring) -> Int?? {
    guard !text.isEmpty else { return .some(nil) }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    // What is too large for a number is too large for every file.
    return .some(Int(text) ?? .max - 1)
  }
}
