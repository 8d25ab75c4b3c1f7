// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// What `sha256sum` writes: lines of 64 hexadecimal digits, two characters, a name; or the digits alone.
package enum ChecksumFile {
  /// The digests that such a text gives for the first of some names that it knows.
  /// - Returns: the name and its digest; the first name for a text that is a digest alone; nil if none is named, or if
  ///   the text is of another form.
  package static func digest(_ text: String, for names: [String]) -> (name: String, digest: Digest)? {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") && !$0.isEmpty }
    var found: [String: Digest] = [:]
    for line in lines {
      // sha256sum marks names that it had to escape with a backslash; no image that is kept beside its sum has one.
      guard let digest = Digest(hex: line.prefix(64)) else { return nil }
      let name = line.dropFirst(64).drop { $0 == " " || $0 == "*" || $0 == "\t" }
      if name.isEmpty, lines.count == 1, let first = names.first { return (first, digest) }
      let last = name.split(separator: "/").last.map(String.init) ?? String(name)
      // One name with two digests proves nothing.
      if let other = found[last], other != digest { return nil }
      found[last] = digest
    }
    for name in names { if let digest = found[name] { return (name, digest) } }
    return nil
  }
}
