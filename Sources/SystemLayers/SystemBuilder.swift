// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import RecoveryManifest
public import RecoveryPlan
public import SystemPackage

/// Makes the systems of a plan: Debian packages become squashfs layers, kernels and initrds, cached by content key.
///
///     apt (signatures, digests) ──▶ pool ──▶ Workshop: mmdebstrap ──▶ base tree ─┬▶ mksquashfs ──▶ StepCache
///                                              (no network)                      ├▶ mkinitramfs
///                                                                                └▶ overlay: tools, settings
///
/// It needs no root, no loop device and no mount outside of its own namespaces.
public struct SystemBuilder: Sendable {
  /// How to build.
  public struct Options: Sendable {
    /// Fetch nothing: plan and build from what was fetched before.
    public var offline = false
    /// Go on without suites whose index is not the signed one (never without the release itself).
    public var allowIncompleteSuites = false
    /// Told what a person should know although the build goes on.
    public var warn: @Sendable (String) -> Void = { _ in }
    /// Whether this process is root, so that no user namespace is needed.
    public var asRoot: Bool
    /// Memory that may be used for trees; below about 3 GB for each architecture the disk is used.
    public var availableMemory: ByteCount
    /// Resources of this module, and the manifest's folder, to which `files` and `hooks` are relative.
    public var manifestFolder: FilePath

    /// Options for a manifest in a folder.
    public init(asRoot: Bool, availableMemory: ByteCount, manifestFolder: FilePath) {
      self.asRoot = asRoot
      self.availableMemory = availableMemory
      self.manifestFolder = manifestFolder
    }
  }

  /// What has been asked of the archive: an index for each release and architecture.
  public struct Archive: Sendable {
    let indexes: [IndexName: PackageIndex]
    /// The answers.
    public let resolved: [LayerStack: ResolvedStack]
    /// What has to be said of it.
    public let notes: ArchiveNotes
    /// For each release the date of its signed release file, in seconds since 1970: the time that generated files
    /// carry. Those of updates are newer, but change several times a day.
    public let times: [String: Int64]
    let leftOut: [IndexName: [String]]
  }

  struct IndexName: Hashable, Sendable {
    var release: String
    var architecture: Architecture
  }

  let cache: StepCache
  let options: Options
  let progress: ProgressEvent.Handler

  /// A builder on a cache.
  public init(cache: StepCache, options: Options, progress: @escaping ProgressEvent.Handler) {
    self.cache = cache
    self.options = options
    self.progress = progress
  }

  /// The digests of this module's recipes, for the plan's keys.
  /// - Throws: `InstalledData.Missing`, `OperationFailure`.
  public static func recipes() throws -> [Planner.Recipe: Digest] {
    let resources = try InstalledData.folder(of: "SystemLayers")
    return [
      .build: try FileTree.digest(of: resources.appending("build")),
      .image: try FileTree.digest(of: resources.appending("image")),
    ]
  }

  /// Fetches the indexes and resolves all stacks of a plan.
  /// - Parameter mirror: the manifest's own archive, instead of the host's.
  /// - Throws: `SystemLayersFailure`.
  public func consult(_ stacks: [LayerStack], mirror: String?) async throws -> Archive {
    let host = mirror == nil ? try await HostApt.read() : HostApt()
    if let mirror, AptSource.readLines(mirror).isEmpty {
      options.warn(
        "only the mirror \(mirror.withoutCredentials) is used: no updates, no security updates (see `mirror` in the manual)"
      )
    }
    var indexes: [IndexName: PackageIndex] = [:]
    for name in Set(stacks.map({ IndexName(release: $0.release, architecture: $0.architecture) })) {
      let components = Self.components(stacks, name)
      let sources =
        mirror.map { AptSource.fromMirror($0, release: name.release, components: components) }
        ?? AptSource.forRelease(
          name.release, name.architecture, host: host.sources, known: host.known, components: components)
      guard !sources.isEmpty else {
        let foreign = host.sources.filter { host.known[$0.place]?.isDebians == false && SuiteName($0.suite) != nil }
        throw SystemLayersFailure.noSources(release: name.release, foreign: foreign.map(\.name))
      }
      indexes[name] = try PackageIndex(
        release: name.release, architecture: name.architecture, sources: sources, deliberate: mirror != nil,
        preferences: host.preferences, under: cache.folder.appending("apt"))
    }
    // What only gives boot loaders: a suite that is out of step there keeps no system from its updates.
    let systems = Set(stacks.filter(\.isSystem).map { IndexName(release: $0.release, architecture: $0.architecture) })
    let asked = try await refresh(indexes, systems: systems)
    indexes = asked.mapValues(\.index)
    let resolved = try await resolve(stacks, indexes)
    var notes = ArchiveNotes()
    for (name, answer) in asked {
      let left = answer.leftOut.map { "\(name.architecture.debian) \($0)" }
      if systems.contains(name) { notes.incompleteSuites += left } else { notes.loadersWithoutSuites += left }
      notes.foreignArchives += answer.foreign
    }
    notes.incompleteSuites.sort()
    notes.loadersWithoutSuites.sort()
    notes.foreignArchives = Set(notes.foreignArchives).sorted()
    let times = Dictionary(indexes.values.map { ($0.release, $0.releaseTime) }) { max($0, $1) }
    return Archive(
      indexes: indexes, resolved: resolved, notes: notes, times: times,
      leftOut: asked.mapValues(\.leftOut).filter { !$0.value.isEmpty })
  }

  /// Firmware lies in a component of its own.
  private static func components(_ stacks: [LayerStack], _ name: IndexName) -> [String] {
    let requests = stacks.filter { $0.release == name.release && $0.architecture == name.architecture }.flatMap(
      \.requests)
    let nonFree = requests.joined().contains { $0.hasPrefix("firmware-") || $0.hasSuffix("-microcode") }
    return nonFree ? ["main", "non-free-firmware"] : ["main"]
  }

  private struct Answer: Sendable {
    var index: PackageIndex
    /// Suites without which it has to do.
    var leftOut: [String]
    /// Others' archives that were asked for.
    var foreign: [String]
  }

  /// - Parameter systems: the indexes that whole systems are made from.
  private func refresh(
    _ indexes: [IndexName: PackageIndex], systems: Set<IndexName>
  ) async throws -> [IndexName: Answer] {
    let step = "package indexes"
    if !options.offline { progress(.started(step: step, total: nil)) }
    let answers = try await withThrowingTaskGroup(of: (IndexName, Answer).self) { group in
      for (name, index) in indexes {
        group.addTask {
          let allowIncomplete = options.allowIncompleteSuites || !systems.contains(name)
          let leftOut =
            options.offline
            ? try index.leftOut(allowIncomplete: allowIncomplete)
            : try await index.update(allowIncomplete: allowIncomplete)
          var index = index
          let foreign = try await index.examine()
          return (name, Answer(index: index, leftOut: leftOut, foreign: foreign))
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    if !options.offline { progress(.finished(step: step, produced: nil)) }
    return answers
  }

  private func resolve(
    _ stacks: [LayerStack], _ indexes: [IndexName: PackageIndex]
  ) async throws -> [LayerStack: ResolvedStack] {
    try await withThrowingTaskGroup(of: (LayerStack, ResolvedStack).self) { group in
      for stack in stacks {
        guard let index = indexes[IndexName(release: stack.release, architecture: stack.architecture)] else { continue }
        group.addTask { (stack, try await index.resolve(stack, essential: stack.isSystem)) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  /// The state of every step of a plan: cached, or why it has to be made.
  public func state(of step: Step) -> (cached: StepCache.Stored?, reason: String) {
    if let stored = cache.peek(step.key) { return (stored, "cached") }
    return (nil, step.reason(since: cache.newestRecord(title: step.title)))
  }
}
