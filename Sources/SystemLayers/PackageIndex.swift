// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
internal import RecoveryPlan
internal import SystemPackage

/// The archive as apt sees it for one release and architecture, in a private state folder: the host's own apt is
/// not changed, and no privilege is needed. apt checks the archive's signature and every digest.
///
///     FOLDER/apt.conf  archives.sources  preferences  status (empty: nothing is installed)
///     FOLDER/foreign (places of others' archives)  left-out (suites)  lists/  archives/ (the .deb pool)
struct PackageIndex: Sendable {
  let release: String
  let architecture: Architecture
  let folder: FilePath
  /// Without those that turned out to be others' archives.
  private(set) var sources: [AptSource]
  /// Whether somebody asked for exactly these sources, and not for Debian's.
  let isDeliberate: Bool

  var pool: FilePath { folder.appending("archives") }
  var lists: FilePath { folder.appending("lists") }

  /// Prepares the state folder; fetches nothing.
  /// - Parameters:
  ///   - deliberate: the sources were asked for one by one, and may be anybody's.
  ///   - preferences: pins, as apt_preferences(5) has them.
  init(
    release: String, architecture: Architecture, sources: [AptSource], deliberate: Bool, preferences: String = "",
    under parent: FilePath
  ) throws {
    self.release = release
    self.architecture = architecture
    self.isDeliberate = deliberate
    let facts = sources.map(\.stanza).joined() + preferences
    folder = parent.appending("\(release)-\(architecture.debian)-\(Digest(of: facts).short)")
    let foreign = ((try? FileTree.text(of: folder.appending("foreign"))) ?? "").split(separator: "\n")
    self.sources = sources.filter { source in !foreign.contains { $0 == source.place } }
    for name in ["lists/partial", "archives/partial"] { try FileTree.makeFolder(folder.appending(name)) }
    try writeSources()
    try AtomicFile.write(Array(preferences.utf8), to: folder.appending("preferences"))
    try AtomicFile.write(Array(configuration.utf8), to: folder.appending("apt.conf"))
    if FileTree.kind(of: folder.appending("status")) == nil { try AtomicFile.write([], to: folder.appending("status")) }
  }

  /// Their URIs may hold passwords.
  private func writeSources() throws {
    let text = sources.map(\.stanza).joined()
    try AtomicFile.write(Array(text.utf8), to: folder.appending("archives.sources"), permissions: .ownerReadWrite)
  }

  /// The host's own apt configuration stays in force (its proxy matters), but for what acts on the host or slows
  /// apt down: its hooks are cleared, and what container images switch on to save space is switched off.
  /// `Error-Mode any`: a source that cannot be reached is an error, not a warning.
  /// APT::Sandbox::User: root would otherwise download as `_apt`, who cannot write here.
  private var configuration: String {
    """
    #clear APT::Update::Pre-Invoke;
    #clear APT::Update::Post-Invoke;
    #clear APT::Update::Post-Invoke-Success;
    APT::Architecture "\(architecture.debian)";
    APT::Architectures "\(architecture.debian)";
    APT::Install-Recommends "false";
    APT::Sandbox::User "";
    APT::Update::Error-Mode "any";
    Acquire::GzipIndexes "false";
    Acquire::Languages "none";
    Acquire::Retries "2";
    Acquire::ForceHash "sha256";
    Dir::State "\(folder)";
    Dir::State::lists "\(lists)";
    Dir::State::status "\(folder)/status";
    Dir::State::extended_states "\(folder)/extended_states";
    Dir::Cache "\(folder)";
    Dir::Cache::pkgcache "pkgcache.bin";
    Dir::Cache::srcpkgcache "srcpkgcache.bin";
    Dir::Cache::archives "\(pool)";
    Dir::Etc::sourcelist "\(folder)/archives.sources";
    Dir::Etc::sourceparts "/dev/null";
    Dir::Etc::preferences "\(folder)/preferences";
    Dir::Etc::preferencesparts "/dev/null";
    DPkg::Lock::Timeout "-1";

    """
  }

  /// A run of apt-get. The configuration is given twice: apt reads that of the environment first, for the sake of the
  /// programs it starts, and that of the command line last, so that nothing of the host's has the last word.
  func aptGet(_ arguments: [String]) -> ExternalCommand {
    let configuration = folder.appending("apt.conf").string
    return ExternalCommand(
      "apt-get", ["--config-file", configuration] + arguments,
      environment: ["APT_CONFIG": configuration, "LC_ALL": "C.UTF-8"], package: "apt")
  }

  /// Whether an index of the release has been fetched before.
  var hasLists: Bool { FileTree.names(in: lists).contains { $0.hasSuffix("_Packages") || $0.contains("_Packages.") } }

  /// Which state of the archive the lists hold: a digest over their signed release files, or nil without any.
  var state: Digest? {
    let names = FileTree.names(in: lists).filter { $0.hasSuffix("Release") || $0.hasSuffix("Packages") }
    let facts = names.compactMap { name -> String? in
      if name.hasSuffix("Packages") { return name }
      guard let bytes = try? FileTree.bytes(of: lists.appending(name)) else { return nil }
      return "\(name) \(Digest(of: bytes))"
    }
    return facts.isEmpty ? nil : Digest(of: facts.joined(separator: "\n"))
  }

  /// Fetches the indexes that changed.
  /// - Returns: suites left out because their index is not the signed one; empty unless `allowIncomplete`.
  /// - Throws: `SystemLayersFailure.noNetwork`, `.noRelease`, `.badSignature`, `.notTheArchive`, `.indexMismatch`, `.apt`.
  func update(allowIncomplete: Bool) async throws -> [String] {
    do {
      // Why a server cannot be reached stands on standard output alone.
      try await aptGet(["update", "-q"]).run()
      try remember(leftOut: [])
      return []
    } catch ExternalCommand.Failure.failed(_, _, let lines) {
      let failure = AptTrouble(lines: lines, sources: sources).failure(architecture)
      let releases = sources.filter(\.isRelease).map(\.suite)
      guard allowIncomplete, case .indexMismatch(let suites, _, _) = failure, !suites.contains(where: releases.contains)
      else { throw failure }
      // apt keeps what an earlier update fetched; a suite that is left out must not take part with its old state.
      for name in FileTree.names(in: lists) where suites.contains(where: { name.contains(Self.listName($0)) }) {
        FileTree.remove(lists.appending(name))
      }
      try remember(leftOut: suites)
      return suites
    }
  }

  /// The suites that the last update left out.
  /// - Throws: `SystemLayersFailure.indexMismatch` if there are any, unless `allowIncomplete`.
  func leftOut(allowIncomplete: Bool) throws -> [String] {
    let text = (try? FileTree.text(of: folder.appending("left-out"))) ?? ""
    let suites = text.split(separator: "\n").map(String.init)
    guard allowIncomplete || suites.isEmpty else {
      throw SystemLayersFailure.indexMismatch(
        suites: suites, architecture: architecture.debian, detail: "it was not when it was last fetched")
    }
    return suites
  }

  private func remember(leftOut suites: [String]) throws {
    try AtomicFile.write(Array(suites.joined(separator: "\n").utf8), to: folder.appending("left-out"))
  }

  /// Asks the release files that were fetched whose archives they are. Of this computer's sources others' archives are
  /// left out, now and from the next time on; those that were asked for stay.
  /// - Returns: others' archives that are used, as people know them.
  /// - Throws: `SystemLayersFailure.noSources`, `.noRelease`.
  mutating func examine() async throws -> [String] {
    let targets = try? await aptGet(["indextargets"]).text()
    let facts = HostApt.facts(inTargets: targets ?? "")
    let foreign = sources.compactMap { source -> (source: AptSource, name: String)? in
      guard let facts = facts[source.place], !facts.isDebians else { return nil }
      return (source, "\(source.name) (\(facts.origin.isEmpty ? "without an origin" : facts.origin))")
    }
    if !isDeliberate, !foreign.isEmpty {
      sources.removeAll { source in foreign.contains { $0.source == source } }
      guard !sources.isEmpty else {
        throw SystemLayersFailure.noSources(release: release, foreign: foreign.map(\.name))
      }
      let known = (try? FileTree.text(of: folder.appending("foreign"))) ?? ""
      let places = foreign.map { $0.source.place + "\n" }.joined()
      try AtomicFile.write(Array((known + places).utf8), to: folder.appending("foreign"))
      try writeSources()
    }
    // `stable` is another release from one year to the next.
    let found = sources.filter(\.isRelease).compactMap { facts[$0.place]?.codename }.filter { !$0.isEmpty }
    guard found.isEmpty || found.contains(release) else {
      throw SystemLayersFailure.noRelease(
        detail: "the sources have \(found.joined(separator: " and ")), and the manifest asks for \(release)")
    }
    return isDeliberate ? foreign.map(\.name) : []
  }

  /// The sources that have an index here; what mmdebstrap is given.
  func usableSources(without suites: [String]) -> String {
    sources.filter { !suites.contains($0.suite) }.map(\.checkedStanza).joined()
  }

  /// How a suite is part of the names of its lists.
  static func listName(_ suite: String) -> String { "_dists_\(suite.replacing("/", with: "_"))_" }
}

extension PackageIndex {
  /// Seconds since 1970 of the `Date` of the release's own release file; 0 without one.
  var releaseTime: Int64 {
    let suites = sources.filter(\.isRelease).map(\.suite)
    let names = FileTree.names(in: lists).filter { name in
      name.hasSuffix("Release") && suites.contains { name.contains(Self.listName($0)) }
    }
    let dates = names.compactMap { name -> Int64? in
      guard let text = try? FileTree.text(of: lists.appending(name)) else { return nil }
      guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Date: ") }) else { return nil }
      return ReleaseDate.seconds(line.dropFirst(6))
    }
    return dates.max() ?? 0
  }
}

/// The dates of Debian's release files: `Sat, 10 May 2025 10:11:12 UTC` (always UTC, RFC 2822 order).
enum ReleaseDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func seconds(_ text: some StringProtocol) -> Int64? {
    let words = text.split(separator: " ")
    guard words.count >= 5, let day = Int64(words[1]), let month = months.firstIndex(of: String(words[2])),
      let year = Int64(words[3])
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { Int64($0) }
    guard clock.count == 3 else { return nil }
    return daysSince1970(year: year, month: Int64(month) + 1, day: day) * 86_400 + clock[0] * 3600 + clock[1] * 60
      + clock[2]
  }

  /// Days in the proleptic Gregorian calendar, counted from March so that a leap day ends the year.
  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let monthFromMarch = (month + 9) % 12
    let era = shifted / 400
    let yearOfEra = shifted % 400
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
