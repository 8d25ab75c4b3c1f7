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
    /// Suites that were left out, as `architecture suite`.
    public let incomplete: [String]
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
    let names = Set(stacks.map { IndexName(release: $0.release, architecture: $0.architecture) })
    let host = AptSource.ofHost()
    if let mirror, AptSource.readLines(mirror).isEmpty {
      options.warn("only the mirror \(mirror) is used: no updates, no security updates (see `mirror` in the manual)")
    }
    var indexes: [IndexName: PackageIndex] = [:]
    for name in names {
      let components = Self.components(stacks, name)
      let sources =
        mirror.map { AptSource.fromMirror($0, release: name.release, components: components) }
        ?? AptSource.forRelease(name.release, host: host, components: components)
      guard !sources.isEmpty else { throw SystemLayersFailure.noSources(release: name.release) }
      indexes[name] = try PackageIndex(
        release: name.release, architecture: name.architecture, sources: sources, under: cache.folder.appending("apt"))
    }
    let leftOut = try await refresh(indexes)
    let resolved = try await resolve(stacks, indexes)
    let incomplete = leftOut.flatMap { name, suites in suites.map { "\(name.architecture.debian) \($0)" } }
    let times = Dictionary(indexes.values.map { ($0.release, $0.releaseTime) }) { max($0, $1) }
    return Archive(
      indexes: indexes, resolved: resolved, incomplete: incomplete.sorted(), times: times, leftOut: leftOut)
  }

  /// Firmware lies in a component of its own.
  private static func components(_ stacks: [LayerStack], _ name: IndexName) -> [String] {
    let requests = stacks.filter { $0.release == name.release && $0.architecture == name.architecture }.flatMap(
      \.requests)
    let nonFree = requests.joined().contains { $0.hasPrefix("firmware-") || $0.hasSuffix("-microcode") }
    return nonFree ? ["main", "non-free-firmware"] : ["main"]
  }

  private func refresh(_ indexes: [IndexName: PackageIndex]) async throws -> [IndexName: [String]] {
    guard !options.offline else {
      let leftOut = try indexes.mapValues { try $0.leftOut(allowIncomplete: options.allowIncompleteSuites) }
      return leftOut.filter { !$0.value.isEmpty }
    }
    let step = "package indexes"
    progress(.started(step: step, total: nil))
    let leftOut = try await withThrowingTaskGroup(of: (IndexName, [String]).self) { group in
      for (name, index) in indexes {
        group.addTask { (name, try await index.update(allowIncomplete: options.allowIncompleteSuites)) }
      }
      return try await group.reduce(into: [IndexName: [String]]()) { if !$1.1.isEmpty { $0[$1.0] = $1.1 } }
    }
    progress(.finished(step: step, produced: nil))
    return leftOut
  }

  private func resolve(
    _ stacks: [LayerStack], _ indexes: [IndexName: PackageIndex]
  ) async throws -> [LayerStack: ResolvedStack] {
    try await withThrowingTaskGroup(of: (LayerStack, ResolvedStack).self) { group in
      for stack in stacks {
        guard let index = indexes[IndexName(release: stack.release, architecture: stack.architecture)] else { continue }
        let whole = stack.requests[0] == SystemRecipe.basePackages(stack.architecture)
        group.addTask { (stack, try await index.resolve(stack, essential: whole)) }
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
