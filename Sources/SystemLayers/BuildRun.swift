// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import RecoveryManifest
public import RecoveryPlan
internal import SystemPackage

extension SystemBuilder {
  /// Makes every step of a plan that is not cached (media are not made here), each once, those that do not stand on
  /// each other side by side. A step that fails takes only those with it that stand on it.
  /// - Returns: for each step the result or the error, by key.
  /// - Throws: `FileLock.Busy`, `OperationFailure`, `SystemLayersFailure.noUserNamespaces`; a failing step throws nothing.
  public func build(_ plan: Plan, _ archive: Archive) async throws -> [Digest: Result<StepCache.Stored, any Error>] {
    let steps = plan.steps.filter { $0.kind != .medium }
    var outcome = Outcome(plan: plan)
    for step in steps {
      if let stored = cache.find(
        step.key, damaged: { options.warn("\(step.title) is made again: \($0) is damaged in the cache") })
      {
        outcome.results[step.key] = .success(stored)
        FileTree.touch(cache.path(step.key, "step.json"))
      }
    }
    let jobs = JobList(missing: steps.filter { outcome.results[$0.key] == nil }, plan: plan)
    guard !jobs.jobs.isEmpty else { return outcome.results }
    await cache.sweep(asRoot: options.asRoot)
    let start = outcome
    let needed = Set(jobs.jobs.filter(\.needsWorkshop).map(\.place)).sorted()
    return try await withWorkshops(needed[...], [:], share: needed.count) { workshops in
      await run(jobs, Context(plan: plan, archive: archive, workshops: workshops), start)
    }
  }

  private func withWorkshops(
    _ places: ArraySlice<String>, _ open: [String: Workshop], share: Int,
    _ body: @escaping @Sendable ([String: Workshop]) async throws -> [Digest: Result<StepCache.Stored, any Error>]
  ) async throws -> [Digest: Result<StepCache.Stored, any Error>] {
    guard let place = places.first else { return try await body(open) }
    let portion = options.availableMemory.bytes / Int64(share)
    let tmpfs = portion >= 3 << 30 ? ByteCount(portion / 10 * 8) : nil
    let folder = cache.folder.appending("work").appending("workshop-\(place)")
    return try await Workshop.open(at: folder, tmpfs: tmpfs, asRoot: options.asRoot) { workshop in
      try await withWorkshops(places.dropFirst(), open.merging([place: workshop]) { $1 }, share: share, body)
    }
  }

  /// A program that had no room left says so in its own words.
  private func named(_ error: any Error, _ step: Step) -> any Error {
    guard case ExternalCommand.Failure.failed(_, _, let lines) = error else { return error }
    return SystemLayersFailure.fullDisk(lines, step: step.title) ?? error
  }

  /// What every job can see.
  struct Context: Sendable {
    let plan: Plan
    let archive: Archive
    let workshops: [String: Workshop]
  }

  private struct Outcome: Sendable {
    let plan: Plan
    var results: [Digest: Result<StepCache.Stored, any Error>] = [:]
  }

  /// Runs jobs as soon as what they wait for is done. Two at a time for each workshop keep two processors busy:
  /// package installation uses one, compression all there are.
  private func run(
    _ list: JobList, _ context: Context, _ start: Outcome
  ) async -> [Digest: Result<StepCache.Stored, any Error>] {
    var outcome = start
    var waiting = list.jobs
    var done: Set<Job.Name> = []
    var failed: [Job.Name: any Error] = [:]
    await withTaskGroup(of: (Job, Result<StepCache.Stored?, any Error>).self) { group in
      var running = 0
      repeat {
        for job in waiting {
          if let broken = job.waitsFor.first(where: { failed[$0] != nil }) {
            waiting.removeAll { $0.name == job.name }
            failed[job.name] = failed[broken]
            outcome.results[job.step.key] = .failure(failed[broken] ?? CancellationError())
          }
        }
        let ready = waiting.filter { job in job.waitsFor.allSatisfy { done.contains($0) } }
        for job in ready.prefix(max(0, 2 * max(1, context.workshops.count) - running)) {
          waiting.removeAll { $0.name == job.name }
          running += 1
          group.addTask {
            do { return (job, .success(try await perform(job, context))) } catch {
              return (job, .failure(named(error, job.step)))
            }
          }
        }
        guard running > 0, let (job, result) = await group.next() else { continue }
        running -= 1
        switch result {
        case .success(let stored):
          done.insert(job.name)
          if let stored { outcome.results[job.step.key] = .success(stored) }
        case .failure(let error):
          failed[job.name] = error
          if outcome.results[job.step.key] == nil { outcome.results[job.step.key] = .failure(error) }
        }
      } while running > 0 || !waiting.isEmpty
    }
    return outcome.results
  }
}

/// A piece of work that can run beside others.
struct Job: Sendable {
  enum Part: String, Sendable { case unpack, grow, pack, whole }
  struct Name: Hashable, Sendable {
    var part: Part
    var key: Digest
  }

  let step: Step
  let part: Part
  let waitsFor: [Name]
  /// The workshop it belongs to: release and architecture.
  let place: String
  let needsWorkshop: Bool

  var name: Name { Name(part: part, key: step.key) }
}

/// The jobs that make the missing steps: a layer is grown as a tree and then packed, so that what stands on the tree
/// need not wait for its compression; a cached layer is unpacked if something has to grow on it.
struct JobList {
  private(set) var jobs: [Job] = []

  init(missing: [Step], plan: Plan) {
    let missingKeys = Set(missing.map(\.key))
    for step in missing {
      let below = Self.treesBelow(step, plan)
      let place = Self.place(step, plan)
      let trees = below.map { Job.Name(part: missingKeys.contains($0.key) ? .grow : .unpack, key: $0.key) }
      for layer in below where !missingKeys.contains(layer.key) {
        let unpack = Job(step: layer, part: .unpack, waitsFor: [], place: place, needsWorkshop: true)
        if !jobs.contains(where: { $0.name == unpack.name }) { jobs.append(unpack) }
      }
      switch step.kind {
      case .base, .tools:
        let grow = Job(step: step, part: .grow, waitsFor: trees, place: place, needsWorkshop: true)
        let pack = Job(step: step, part: .pack, waitsFor: [grow.name], place: place, needsWorkshop: true)
        jobs += [grow, pack]
      case .initramfs:
        jobs.append(Job(step: step, part: .whole, waitsFor: trees, place: place, needsWorkshop: true))
      case .settings:
        jobs.append(Job(step: step, part: .whole, waitsFor: trees, place: place, needsWorkshop: !below.isEmpty))
      case .loaders, .medium:
        jobs.append(Job(step: step, part: .whole, waitsFor: [], place: place, needsWorkshop: false))
      }
    }
    // What others wait for goes first: growing before packing.
    jobs.sort { Self.rank($0.part) < Self.rank($1.part) }
  }

  private static func rank(_ part: Job.Part) -> Int {
    switch part {
    case .unpack: 0
    case .grow: 1
    case .whole: 2
    case .pack: 3
    }
  }

  /// The layers whose trees must stand in the workshop for a step, bottom first.
  static func treesBelow(_ step: Step, _ plan: Plan) -> [Step] {
    switch step.kind {
    case .base, .loaders, .medium: return []
    case .initramfs, .tools: return step.dependencies.compactMap { plan.step($0) }
    case .settings:
      guard let (medium, system) = owner(step, plan) else { return [] }
      let image = medium.image
      guard !image.hooks.isEmpty || SystemRecipe.needsLocale(image) || SystemRecipe.needsKeyboard(image) else {
        return []
      }
      return ([system.base] + system.tools).compactMap { plan.step($0) }
    }
  }

  /// The medium and system that a settings step is for.
  static func owner(_ step: Step, _ plan: Plan) -> (Plan.Medium, Plan.System)? {
    for medium in plan.media {
      for system in medium.systems where system.settings == step.key { return (medium, system) }
    }
    return nil
  }

  private static func place(_ step: Step, _ plan: Plan) -> String {
    for medium in plan.media {
      for system in medium.systems
      where [system.base, system.initramfs, system.settings].contains(step.key) || system.tools.contains(step.key) {
        return "\(medium.image.release)-\(system.architecture.rawValue)"
      }
    }
    return "any"
  }
}
