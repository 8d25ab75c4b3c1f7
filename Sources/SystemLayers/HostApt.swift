// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// What apt on this computer is set to use. apt itself is asked where its files are and what it knows of its archives;
/// nothing is fetched or changed.
struct HostApt: Sendable {
  /// Its sources, those that are switched off left out.
  var sources: [AptSource] = []
  /// What it has fetched about them, by `AptSource.place`.
  var known: [String: ArchiveFacts] = [:]
  /// Its pins, as apt_preferences(5) has them.
  var preferences = ""

  /// Reads it.
  /// - Throws: `ExternalCommand.Failure`.
  static func read() async throws -> HostApt {
    let names = ["sourcelist/f", "sourceparts/d", "preferences/f", "preferencesparts/d"]
    let question = ["shell"] + names.enumerated().flatMap { ["V\($0.offset)", "Dir::Etc::\($0.element)"] }
    let answer = try await ExternalCommand("apt-config", question, package: "apt").text()
    // V0='/etc/apt/sources.list'
    let places = answer.split(separator: "\n").map { FilePath(String($0.drop { $0 != "'" }.dropFirst().dropLast())) }
    guard places.count == names.count else { return HostApt() }
    var apt = HostApt()
    for file in [places[0]] + files(in: places[1]) {
      guard let text = try? FileTree.text(of: file) else { continue }
      apt.sources += file.extension == "sources" ? AptSource.readStanzas(text) : AptSource.readLines(text)
    }
    let pins = [places[2]] + files(in: places[3])
    apt.preferences = pins.compactMap { try? FileTree.text(of: $0) }.joined(separator: "\n\n")
    // Without its lists it knows nothing, and is not asked to keep what it finds out.
    let memory = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]
    let targets = ExternalCommand("apt-get", ["indextargets"] + memory, environment: ["LC_ALL": "C.UTF-8"])
    apt.known = facts(inTargets: (try? await targets.text()) ?? "")
    return apt
  }

  /// Files that apt reads in a folder of parts (apt.conf(5)).
  private static func files(in folder: FilePath) -> [FilePath] {
    FileTree.names(in: folder).filter { name in
      name.wholeMatch(of: /[A-Za-z0-9_-]+(\.(list|sources|pref))?/) != nil
    }.map { folder.appending($0) }
  }

  /// Reads what `apt-get indextargets` says.
  static func facts(inTargets text: String) -> [String: ArchiveFacts] {
    AptStanza.read(text).reduce(into: [:]) { facts, target in
      let place = AptSource.place(target.text("repo-uri"), target.text("release"))
      facts[place] = ArchiveFacts(
        origin: target.text("origin"), label: target.text("label"), codename: target.text("codename"))
    }
  }
}
