// SPDX-License-Identifier: GPL-3.0-or-later

extension Mount {
  /// Reads the text of `/proc/PID/mountinfo` (proc(5)); lines that are none are left out.
  public static func table(_ text: String, isOutside: Bool = false) -> [Mount] {
    text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      // A varying number of optional fields ends with a hyphen.
      guard fields.count >= 9, let number = DeviceNumber(fields[2]),
        let hyphen = fields[6...].firstIndex(of: "-"), fields.count > hyphen + 2
      else { return nil }
      return Mount(
        number: number, root: unescaped(fields[3]), point: unescaped(fields[4]), type: unescaped(fields[hyphen + 1]),
        source: unescaped(fields[hyphen + 2]), options: fields.count > hyphen + 3 ? unescaped(fields[hyphen + 3]) : "",
        isOutside: isOutside)
    }
  }
}

extension Swap {
  /// Reads the text of `/proc/swaps`.
  public static func table(_ text: String) -> [Swap] {
    text.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard fields.count >= 2 else { return nil }
      return Swap(path: unescaped(fields[0]), isFile: fields[1] == "file")
    }
  }
}

/// The kernel writes space, tab, line feed, backslash and # as three octal digits.
private func unescaped(_ text: Substring) -> String {
  guard text.contains("\\") else { return String(text) }
  var bytes: [UInt8] = []
  var rest = Array(text.utf8)[...]
  while let byte = rest.first {
    rest = rest.dropFirst()
    let digits = rest.prefix(3)
    if byte == UInt8(ascii: "\\"), digits.count == 3,
      let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
    {
      bytes.append(code)
      rest = rest.dropFirst(3)
    } else {
      bytes.append(byte)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
