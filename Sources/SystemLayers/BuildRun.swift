// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import RecoveryManifest
public import RecoveryPlan
internal import SystemPackage

extension SystemBuilder {
  /// Makes every step of a plan that is not cached (media are not made here), each once, those that do not stand on
  /// each other side by side. A step that fails takes only those with it that stand on it.
  /// - Returns: for each step the result or the error, by key.
  /// - Throws: `FileLock.Busy`, `OperationFailure`, `ExternalCommand.Failure.notInstalled`,
  ///   `SystemLayersFailure.noUserNamespaces`; a failing step throws nothing.
  public func build(_ plan: Plan, _ archive: Archive) async throws -> [Digest: Result<StepCache.Stored, any Error>] {
    await cache.sweep(asRoot: options.asRoot)
    let steps = plan.steps.filter { $0.kind != .medium }
    let found = await cached(steps)
    let jobs = JobList(missing: steps.filter { found[$0.key] == nil }, plan: plan).jobs
    guard !jobs.isEmpty else { return found }
    let needed = Set(jobs.filter(\.needsWorkshop).map(\.place)).sorted()
    // A missing `mount` would look like a kernel that forbids namespaces.
    if !needed.isEmpty { try Workshop.requirePrograms(asRoot: options.asRoot) }
    let board = JobBoard(waiting: jobs, results: found)
    return try await withWorkshops(needed[...], [:], share: needed.count) { workshops in
      await run(board, Context(plan: plan, archive: archive, workshops: workshops))
    }
  }

  /// Those steps whose results stand in the cache, whole; each is read to its end, several at a time.
  private func cached(_ steps: [Step]) async -> [Digest: Result<StepCache.Stored, any Error>] {
    await withTaskGroup(of: (Digest, StepCache.Stored?).self) { group in
      for step in steps {
        group.addTask {
          let stored = cache.find(
            step.key, damaged: { options.warn("\(step.title) is made again: \($0) is damaged in the cache") })
          if stored != nil { FileTree.touch(cache.path(step.key, "step.json")) }
          return (step.key, stored)
        }
      }
      return await group.reduce(into: [:]) { found, each in found[each.0] = each.1.map { .success($0) } }
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

  /// Runs jobs as soon as what they wait for is done. Two at a time for each workshop keep two processors busy:
  /// package installation uses one, compression all there are.
  private func run(_ start: JobBoard, _ context: Context) async -> [Digest: Result<StepCache.Stored, any Error>] {
    var board = start
    let places = 2 * max(1, context.workshops.count)
    await withTaskGroup(of: (Job, Result<StepCache.Stored?, any Error>).self) { group in
      var running = 0
      while true {
        for job in board.start(atMost: places - running) {
          running += 1
          group.addTask {
            do { return (job, .success(try await perform(job, context))) } catch {
              return (job, .failure(named(error, job.step)))
            }
          }
        }
        guard running > 0, let (job, result) = await group.next() else { break }
        running -= 1
        board.finish(job, result)
      }
    }
    board.giveUp()
    return board.results
  }
}
