// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// What `sha256sum` writes: lines of 64 hexadecimal digits, two characters, a name; or, with `--tag` and on BSD,
/// `SHA256 (name) = digits`; or the digits alone. Comments, the lines of a PGP signature around it, a byte order mark
/// and lines of other digests in BSD's form are passed over: whether the signature is right is not asked.
package enum ChecksumFile {
  /// The digests that such a text gives for the first of some names that it knows.
  /// - Returns: the name and its digest; the first name for a text that is a digest alone; nil if none is named, or if
  ///   the text is of another form.
  package static func digest(_ text: String, for names: [String]) -> (name: String, digest: Digest)? {
    let lines = content(text)
    var found: [String: Digest] = [:]
    for line in lines {
      let name: Substring
      let digest: Digest?
      if let tagged = line.wholeMatch(of: /([A-Za-z0-9\/-]+) ?\((.*)\) ?= ?([0-9A-Za-z+\/=]+)\s*/) {
        guard tagged.1 == "SHA256" else { continue }
        (name, digest) = (tagged.2, Digest(hex: tagged.3))
      } else {
        // sha256sum marks names that it had to escape with a backslash; no image that is kept beside its sum has one.
        digest = Digest(hex: line.prefix(64))
        name = line.dropFirst(64).drop { $0 == " " || $0 == "*" || $0 == "\t" }
      }
      guard let digest else { return nil }
      if name.isEmpty, lines.count == 1, let first = names.first { return (first, digest) }
      let last = name.split(separator: "/").last.map(String.init) ?? String(name)
      // One name with two digests proves nothing.
      if let other = found[last], other != digest { return nil }
      found[last] = digest
    }
    for name in names { if let digest = found[name] { return (name, digest) } }
    return nil
  }

  /// The lines that are about digests.
  private static func content(_ text: String) -> [Substring] {
    var lines = text.drop { $0 == "\u{feff}" }.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    if let start = lines.firstIndex(of: "-----BEGIN PGP SIGNED MESSAGE-----") {
      // Armor headers go up to the first empty line; a line that begins with a dash has another one before it.
      lines = Array(lines[(start + 1)...].drop { !$0.isEmpty })
      if let end = lines.firstIndex(of: "-----BEGIN PGP SIGNATURE-----") { lines.removeSubrange(end...) }
      lines = lines.map { $0.hasPrefix("- ") ? $0.dropFirst(2) : $0 }
    }
    return lines.filter { !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace) }
  }
}
