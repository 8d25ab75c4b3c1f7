// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest

/// One archive location of apt, as in sources.list(5).
struct AptSource: Sendable, Equatable {
  var uri: String
  var suite: String
  var components: [String]
  /// How apt is to judge it, as fields of a stanza with their names in lower case, their values as they were written:
  /// `signed-by` (keyrings, fingerprints or a whole key), `check-valid-until` ….
  var judgement: [String: String] = [:]
  /// Debian architectures that it is limited to, or nil.
  var architectures: [String]?

  /// What is taken over of a stanza. `trusted` and `allow-insecure` are not: they would let unsigned packages in.
  private static let judging = [
    "signed-by", "check-valid-until", "valid-until-min", "valid-until-max", "check-date", "date-max-future",
    "inrelease-path",
  ]

  init(
    uri: String, suite: String, components: [String], judgement: [String: String] = [:], architectures: [String]? = nil
  ) {
    self.uri = uri
    self.suite = suite
    self.components = components
    self.judgement = judgement
    self.architectures = architectures
  }

  /// A location of a stanza.
  private init(uri: String, suite: String, of stanza: AptStanza) {
    self.init(
      uri: uri, suite: suite, components: stanza.words("components"),
      judgement: stanza.fields.filter { Self.judging.contains($0.key) })
    architectures = stanza.words("architectures").nilIfEmpty
    let removed = stanza.words("architectures-remove")
    if !removed.isEmpty {
      architectures = (architectures ?? Architecture.allCases.map(\.debian)).filter { !removed.contains($0) }
    }
  }

  /// A stanza in deb822 format, which can say everything; a path with spaces too.
  var stanza: String {
    let fields = judgement.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)\n" }.joined()
    return "types: deb\nuris: \(uri)\nsuites: \(suite)\ncomponents: \(components.joined(separator: " "))\n\(fields)\n"
  }

  /// The same for an apt without network, whose package lists another run of apt has checked.
  var checkedStanza: String {
    AptSource(
      uri: uri.withoutCredentials, suite: suite, components: components, judgement: ["trusted": " yes"]
    ).stanza
  }

  /// For people.
  var name: String { "\(uri.withoutCredentials) \(suite)" }

  /// Whether it is for an architecture of Debian.
  func serves(_ architecture: Architecture) -> Bool { architectures?.contains(architecture.debian) ?? true }

  /// Reads the one-line format; lines that are no binary source are passed over.
  static func readLines(_ text: String) -> [AptSource] {
    text.split(separator: "\n").flatMap { line -> [AptSource] in
      guard
        let match = line.prefix(while: { $0 != "#" }).wholeMatch(
          of: /\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+(.*)/)
      else { return [] }
      var stanza = AptStanza()
      stanza.fields["components"] = String(match.4)
      for option in (match.1 ?? "").split(whereSeparator: \.isWhitespace) {
        guard let (_, name, sign, value) = option.wholeMatch(of: /([^=+-]+(?:-[a-z]+)*)([+-]?)=(.*)/)?.output else {
          continue
        }
        let field = name.lowercased() == "arch" ? "architectures" : name.lowercased()
        let suffix = sign == "+" ? "-add" : sign == "-" ? "-remove" : ""
        stanza.fields[field + suffix] = " " + value.replacing(",", with: " ")
      }
      return [AptSource(uri: String(match.2), suite: String(match.3), of: stanza)]
    }.filter { !$0.components.isEmpty }
  }

  /// Reads the deb822 format; stanzas that are disabled or no binary source are passed over.
  static func readStanzas(_ text: String) -> [AptSource] {
    AptStanza.read(text).flatMap { stanza -> [AptSource] in
      guard stanza.words("types").contains("deb"), stanza.isEnabled else { return [] }
      return stanza.words("uris").flatMap { uri in
        stanza.words("suites").map { AptSource(uri: uri, suite: $0, of: stanza) }
      }
    }
  }

  /// A manifest's `mirror`: complete one-line sources, or the root of one archive that has the release.
  static func fromMirror(_ mirror: String, release: String, components: [String]) -> [AptSource] {
    let lines = readLines(mirror)
    guard lines.isEmpty else { return lines }
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    // apt takes a local archive by its URI alone.
    let uri = mirror.hasPrefix("/") ? "file:\(mirror)" : mirror
    return [AptSource(uri: uri, suite: release, components: components, judgement: ["signed-by": " " + keyring])]
  }
}

/// A stanza of deb822(5).
struct AptStanza {
  /// By names in lower case; the values as they were written, with their further lines.
  var fields: [String: String] = [:]

  static func read(_ text: String) -> [AptStanza] {
    var stanzas = [AptStanza()]
    var field = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) where !line.hasPrefix("#") {
      if line.allSatisfy(\.isWhitespace) {
        stanzas.append(AptStanza())
      } else if line.first?.isWhitespace == true {
        stanzas[stanzas.count - 1].fields[field, default: ""] += "\n" + line
      } else if let colon = line.firstIndex(of: ":") {
        field = line[..<colon].lowercased()
        stanzas[stanzas.count - 1].fields[field] = String(line[line.index(after: colon)...])
      }
    }
    return stanzas.filter { !$0.fields.isEmpty }
  }

  func words(_ name: String) -> [String] {
    (fields[name] ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// A field of one line.
  func text(_ name: String) -> String { (fields[name] ?? "").trimmingSpaces }

  /// What apt's `StringToBool` takes for false; everything else leaves a source in force.
  var isEnabled: Bool {
    let value = text("enabled").lowercased()
    return !["no", "false", "without", "off", "disable"].contains(value) && value.firstMatch(of: /^(0x)?0+$/) == nil
  }
}

extension Array {
  fileprivate var nilIfEmpty: Self? { isEmpty ? nil : self }
}

extension String {
  var trimmingSpaces: String {
    let start = drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }

  /// Without names and passwords in URLs, which are nobody's business who reads a message.
  var withoutCredentials: String { replacing(/:\/\/[^\s\/'"]*@/, with: "://") }
}
