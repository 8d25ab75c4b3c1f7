// SPDX-License-Identifier: GPL-3.0-or-later
internal import RecoveryManifest

/// What a suite's signed release file says of it.
struct ArchiveFacts: Sendable, Equatable {
  var origin: String
  var label: String
  var codename: String

  /// Debian's own archives: the release and its updates, security updates, backports.
  var isDebians: Bool {
    ["Debian", "Debian Backports"].contains(origin)
      && ["Debian", "Debian-Security", "Debian Backports"].contains(label)
  }
}

/// A suite and what becomes of it when the release is another: `stable-security` and `bookworm-security` are the same
/// addition to two names.
struct SuiteName: Equatable {
  var name: String
  /// Empty for the release itself, or `-updates`, `-security`.
  var addition: String

  /// Debian's names: of releases, oldest first, and of the places that they come to stand in.
  private static let names = [
    "bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable",
  ]

  /// Nil for what is neither a release of Debian nor one of its updates.
  init?(_ suite: String) {
    guard let name = Self.names.first(where: { suite == $0 || suite.hasPrefix("\($0)-") || suite.hasPrefix("\($0)/") })
    else { return nil }
    let rest = String(suite.dropFirst(name.count))
    // Debian's security archive named its suites so before bullseye, and still answers to it.
    let addition = rest == "/updates" ? "-security" : rest
    guard ["", "-updates", "-security"].contains(addition) else { return nil }
    self.name = name
    self.addition = addition
  }
}

extension AptSource {
  /// Where a source is in a list of facts: the same place written in another way is the same.
  static func place(_ uri: String, _ suite: String) -> String {
    let plain = uri.withoutCredentials.replacing("%20", with: " ")
    return (plain.hasSuffix("/") ? String(plain.dropLast()) : plain) + " " + suite
  }
  var place: String { Self.place(uri, suite) }

  /// Whether it is the release itself, not updates of it.
  var isRelease: Bool { SuiteName(suite)?.addition == "" }

  /// The host's Debian sources turned to a release: those that name it, or else those of the host's own release with
  /// the name exchanged.
  /// - Parameter known: facts about suites by `place`, as far as they are known; others' archives are passed over.
  static func forRelease(
    _ release: String, _ architecture: Architecture, host: [AptSource], known: [String: ArchiveFacts] = [:],
    components: [String]
  ) -> [AptSource] {
    let candidates = host.compactMap { source -> (source: AptSource, suite: SuiteName)? in
      let facts = known[source.place]
      guard facts?.isDebians ?? true, source.components.contains("main"),
        let suite = facts.flatMap({ SuiteName($0.codename) }) ?? SuiteName(source.suite)
      else { return nil }
      return (source, suite)
    }
    // Debian keeps all architectures in one place: a source that this computer uses for amd64 alone has i386 too, but
    // one that is limited to another machine's architecture is asked for nothing.
    let serving = candidates.filter { $0.source.serves(architecture) }
    let usable = serving.isEmpty ? candidates.filter { $0.source.serves(.x64) } : serving
    let named = usable.filter { $0.suite.name == release }
    var found: [AptSource] = []
    for (source, suite) in named.isEmpty ? usable : named {
      var turned = source
      turned.suite = release + suite.addition
      turned.components = components
      turned.architectures = nil
      if !found.contains(where: { $0.place == turned.place }) { found.append(turned) }
    }
    return found
  }
}
