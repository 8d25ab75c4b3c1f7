// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// One archive location of apt, as in sources.list(5).
struct AptSource: Sendable, Equatable {
  var uri: String
  var suite: String
  var components: [String]
  /// A keyring path, or nil for apt's own.
  var signedBy: String?

  /// The one-line form.
  var line: String {
    let options = signedBy.map { "[signed-by=\($0)] " } ?? ""
    return "deb \(options)\(uri) \(suite) \(components.joined(separator: " "))"
  }

  /// Reads the one-line format; lines that are no binary source are passed over.
  static func readLines(_ text: String) -> [AptSource] {
    text.split(separator: "\n").compactMap { line in
      var rest = line.prefix { $0 != "#" }.trimmingPrefix(while: \.isWhitespace)
      guard rest.hasPrefix("deb ") || rest.hasPrefix("deb\t") else { return nil }
      rest = rest.dropFirst(4).trimmingPrefix(while: \.isWhitespace)
      var options: Substring = ""
      if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
        options = rest[rest.index(after: rest.startIndex)..<end]
        rest = rest[rest.index(after: end)...]
      }
      let words = rest.split(whereSeparator: \.isWhitespace).map(String.init)
      guard words.count >= 3 else { return nil }
      let keyring = options.split(separator: " ").first { $0.hasPrefix("signed-by=") }.map { String($0.dropFirst(10)) }
      return AptSource(uri: words[0], suite: words[1], components: Array(words[2...]), signedBy: keyring)
    }
  }

  /// Reads the deb822 format; stanzas that are disabled or no binary source are passed over.
  static func readStanzas(_ text: String) -> [AptSource] {
    var stanzas: [[String: String]] = [[:]]
    var field = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.hasPrefix("#") {
      if line.allSatisfy(\.isWhitespace) {
        stanzas.append([:])
      } else if line.first?.isWhitespace == true {
        stanzas[stanzas.count - 1][field, default: ""] += "\n" + line
      } else if let colon = line.firstIndex(of: ":") {
        field = line[..<colon].lowercased()
        stanzas[stanzas.count - 1][field] = String(line[line.index(after: colon)...])
      }
    }
    return stanzas.flatMap { stanza -> [AptSource] in
      func words(_ name: String) -> [String] {
        (stanza[name] ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
      }
      guard words("types").contains("deb"), !words("enabled").contains("no") else { return [] }
      let keyring = words("signed-by").first.flatMap { $0.hasPrefix("/") ? $0 : nil }
      return words("uris").flatMap { uri in
        words("suites").map {
          AptSource(uri: uri, suite: $0, components: words("components"), signedBy: keyring)
        }
      }
    }
  }

  /// Debian's code names, oldest first; a host's sources for one serve another with the name exchanged.
  private static let codeNames = ["bullseye", "bookworm", "trixie", "forky", "sid"]

  /// The host's Debian sources turned to a release: those that name it, or else those of the host's own release with
  /// the code name exchanged. Sources of other archives are passed over.
  static func forRelease(_ release: String, host: [AptSource], components: [String]) -> [AptSource] {
    func split(_ suite: String) -> (name: String, rest: String)? {
      guard let name = codeNames.first(where: { suite == $0 || suite.hasPrefix($0 + "-") }) else { return nil }
      let rest = String(suite.dropFirst(name.count))
      return ["", "-updates", "-security"].contains(rest) ? (name, rest) : nil
    }
    let debian = host.filter { split($0.suite) != nil && $0.components.contains("main") }
    let named = debian.filter { split($0.suite)?.name == release }
    var found: [AptSource] = []
    for source in named.isEmpty ? debian : named {
      guard let rest = split(source.suite)?.rest else { continue }
      var turned = source
      turned.suite = release + rest
      turned.components = components
      if !found.contains(where: { $0.uri == turned.uri && $0.suite == turned.suite }) { found.append(turned) }
    }
    return found
  }

  /// A manifest's `mirror`: complete one-line sources, or the root of one archive that has the release.
  static func fromMirror(_ mirror: String, release: String, components: [String]) -> [AptSource] {
    let lines = readLines(mirror)
    guard lines.isEmpty else { return lines }
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    // apt takes a local archive by its URI alone.
    let uri = mirror.hasPrefix("/") ? "file:\(mirror)" : mirror
    return [AptSource(uri: uri, suite: release, components: components, signedBy: keyring)]
  }

  /// All sources of this machine, from /etc/apt.
  static func ofHost() -> [AptSource] {
    let folder = FilePath("/etc/apt/sources.list.d")
    let files = ["/etc/apt/sources.list"] + FileTree.names(in: folder).map { folder.appending($0).string }
    return files.flatMap { file -> [AptSource] in
      guard let text = try? FileTree.text(of: FilePath(file)) else { return [] }
      return file.hasSuffix(".sources") ? readStanzas(text) : file.hasSuffix(".list") ? readLines(text) : []
    }
  }
}

extension StringProtocol {
  fileprivate func trimmingPrefix(while predicate: (Character) -> Bool) -> Substring {
    Substring(drop(while: predicate))
  }
}
