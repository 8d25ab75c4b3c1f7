// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
internal import RecoveryPlan

/// A piece of work that can run beside others.
struct Job: Sendable {
  enum Part: String, Sendable { case fetch, unpack, grow, pack, whole }
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

/// Which jobs wait, which are done, which have failed. Pure: it starts nothing itself.
struct JobBoard: Sendable {
  private(set) var waiting: [Job]
  /// For each step the result or the error, by key.
  private(set) var results: [Digest: Result<StepCache.Stored, any Error>]
  private var done: Set<Job.Name> = []
  private var failed: [Job.Name: any Error] = [:]

  init(waiting: [Job], results: [Digest: Result<StepCache.Stored, any Error>]) {
    self.waiting = waiting
    self.results = results
  }

  /// Takes jobs out that can start now.
  mutating func start(atMost count: Int) -> [Job] {
    let ready = waiting.filter { $0.waitsFor.allSatisfy(done.contains) }.prefix(max(0, count))
    waiting.removeAll { job in ready.contains { $0.name == job.name } }
    return Array(ready)
  }

  /// A job has ended; what waits for a failed one fails for the same reason.
  mutating func finish(_ job: Job, _ result: Result<StepCache.Stored?, any Error>) {
    switch result {
    case .success(let stored):
      done.insert(job.name)
      if let stored { results[job.step.key] = .success(stored) }
    case .failure(let error):
      fail(job, error)
      while let next = waiting.first(where: { $0.waitsFor.contains { failed[$0] != nil } }) {
        waiting.removeAll { $0.name == next.name }
        fail(next, error)
      }
    }
  }

  /// Nothing runs any more: what still waits, waits for something that nobody makes.
  mutating func giveUp() {
    for job in waiting { fail(job, SystemLayersFailure.dependencyFailed(step: job.step.title)) }
    waiting.removeAll()
  }

  private mutating func fail(_ job: Job, _ error: any Error) {
    failed[job.name] = error
    // An unpacked layer stands in the cache all the same.
    if results[job.step.key] == nil { results[job.step.key] = .failure(error) }
  }
}

/// The jobs that make the missing steps: a layer's packages are fetched while what lies below it is made; it is grown
/// as a tree and then packed, so that what stands on the tree need not wait for its compression; a cached layer is
/// unpacked if something has to grow on it.
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
        let fetch = Job(step: step, part: .fetch, waitsFor: [], place: place, needsWorkshop: false)
        let grow = Job(step: step, part: .grow, waitsFor: trees + [fetch.name], place: place, needsWorkshop: true)
        let pack = Job(step: step, part: .pack, waitsFor: [grow.name], place: place, needsWorkshop: true)
        jobs += [fetch, grow, pack]
      case .initramfs:
        jobs.append(Job(step: step, part: .whole, waitsFor: trees, place: place, needsWorkshop: true))
      case .settings:
        jobs.append(Job(step: step, part: .whole, waitsFor: trees, place: place, needsWorkshop: !below.isEmpty))
      case .program, .loaders, .medium:
        jobs.append(Job(step: step, part: .whole, waitsFor: [], place: place, needsWorkshop: false))
      }
    }
    // What others wait for goes first: growing before packing, what lies below before what lies above.
    jobs.sort { Self.rank($0.part) < Self.rank($1.part) }
  }

  private static func rank(_ part: Job.Part) -> Int {
    switch part {
    case .unpack: 0
    case .fetch: 1
    case .grow: 2
    case .whole: 3
    case .pack: 4
    }
  }

  /// The layers whose trees must stand in the workshop for a step, bottom first.
  static func treesBelow(_ step: Step, _ plan: Plan) -> [Step] {
    switch step.kind {
    case .base, .program, .loaders, .medium: return []
    case .initramfs, .tools: return step.dependencies.compactMap { plan.step($0) }
    case .settings:
      guard let (medium, system) = owner(step, plan) else { return [] }
      let image = medium.image
      guard !image.hooks.isEmpty || SystemRecipe.needsLocale(image) || SystemRecipe.needsKeyboard(image) else {
        return []
      }
      let layers = ([system.base] + system.tools).compactMap { plan.step($0) }
      guard image.hooks.isEmpty else { return layers }
      // What a locale or a keyboard map is made from lies in the lower layers; those above need not be waited for.
      let top = layers.lastIndex { layer in step.packages.contains { layer.packages.contains($0) } } ?? 0
      return Array(layers.prefix(through: top))
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
      where system.steps.contains(step.key) {
        return "\(medium.image.release)-\(system.architecture.rawValue)"
      }
    }
    return "any"
  }
}
