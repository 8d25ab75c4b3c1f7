// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
internal import RecoveryPlan
internal import SystemPackage

extension SystemBuilder {
  /// Does one job; a job that completes its step returns the result.
  func perform(_ job: Job, _ context: Context) async throws -> StepCache.Stored? {
    if job.step.kind == .loaders { return try await makeLoaders(job.step, context) }
    if job.step.kind == .program { return try await makeProgram(job.step) }
    if job.part == .fetch {
      try await fetch(job.step.packages, from: index(job.step, context), title: job.step.title)
      return nil
    }
    guard job.needsWorkshop, let workshop = context.workshops[job.place] else {
      return try await makeSettings(job.step, context, nil)
    }
    switch (job.step.kind, job.part) {
    case (_, .unpack): try await unpack(job.step, workshop)
    case (.base, .grow): try await growBase(job.step, context, workshop)
    case (.tools, .grow): try await growTools(job.step, context, workshop)
    case (_, .pack): return try await pack(job.step, workshop)
    case (.initramfs, _): return try await makeInitramfs(job.step, workshop)
    default: return try await makeSettings(job.step, context, workshop)
    }
    return nil
  }

  // MARK: - Names in a workshop

  func tree(_ step: Step) -> String { step.kind == .base ? "base" : step.key.short }

  /// Trees as overlayfs takes them: top first.
  func lowerFolders(_ steps: [Step], _ workshop: Workshop) -> String {
    steps.reversed().map { workshop.folder.appending("tree/\(tree($0))").string }.joined(separator: ":")
  }

  /// The script of that name with its arguments, and the time that generated files carry.
  func script(_ name: String, _ arguments: [String], _ step: Step) throws -> ExternalCommand {
    let file = try InstalledData.folder(of: "SystemLayers").appending("build").appending(name)
    return ExternalCommand(
      "sh", [file.string] + arguments, environment: ["SOURCE_DATE_EPOCH": "\(step.timestamp)"])
  }

  private func index(_ step: Step, _ context: Context) throws -> PackageIndex {
    let release = context.plan.media.first { medium in
      medium.systems.contains { [$0.base, $0.initramfs].contains(step.key) || $0.tools.contains(step.key) }
    }?.image.release
    guard let release, let architecture = step.architecture,
      let index = context.archive.indexes[IndexName(release: release, architecture: architecture)]
    else { throw SystemLayersFailure.dependencyFailed(step: step.title) }
    return index
  }

  // MARK: - Jobs

  private func growBase(_ step: Step, _ context: Context, _ workshop: Workshop) async throws {
    let index = try index(step, context)
    progress(.started(step: step.title, total: nil))
    let leftOut = context.archive.leftOut[IndexName(release: index.release, architecture: index.architecture)] ?? []
    try await put(step.packages.map(\.file).joined(separator: "\n") + "\n", "archives", workshop)
    try await put(index.usableSources(without: leftOut), "archives.sources", workshop)
    let arguments = [
      workshop.folder.string, index.folder.string, index.release, index.architecture.debian,
      SystemRecipe.basePackages(index.architecture).joined(separator: ","), outputs(step, workshop).string,
    ]
    try await workshop.run(ExternalCommand("mkdir", ["-p", outputs(step, workshop).string]))
    try await runBuilder(try script("make-base", arguments, step), step, workshop)
    try await checkPackages(step, below: [], workshop)
  }

  private func growTools(_ step: Step, _ context: Context, _ workshop: Workshop) async throws {
    let index = try index(step, context)
    progress(.started(step: step.title, total: nil))
    let below = JobList.treesBelow(step, context.plan)
    let name = tree(step)
    try await put(step.packages.map(\.file).joined(separator: "\n") + "\n", "archives-\(name)", workshop)
    try await workshop.run(ExternalCommand("mkdir", ["-p", outputs(step, workshop).string]))
    let arguments = [
      workshop.folder.string, index.folder.string, name, lowerFolders(below, workshop), outputs(step, workshop).string,
    ]
    try await runBuilder(try script("make-tools", arguments, step), step, workshop)
    try await checkPackages(step, below: below, workshop)
  }

  private func unpack(_ step: Step, _ workshop: Workshop) async throws {
    let arguments = [cache.path(step.key, "layer.squashfs").string, "\(workshop.folder)/tree/\(tree(step))"]
    try await workshop.run(try script("unpack-layer", arguments, step))
  }

  private func pack(_ step: Step, _ workshop: Workshop) async throws -> StepCache.Stored {
    let place = try cache.begin(step)
    let source = workshop.folder.appending("tree/\(tree(step))").string
    try await workshop.run(try script("pack-layer", [source, "\(place)/layer.squashfs"], step))
    let kept = step.kind == .base ? ["packages", "vmlinuz"] : ["packages"]
    let files = kept.map { outputs(step, workshop).appending($0).string }
    try await workshop.run(ExternalCommand("cp", ["-t", place.string] + files))
    return try finish(step, place, ["layer.squashfs"] + kept)
  }

  private func makeInitramfs(_ step: Step, _ workshop: Workshop) async throws -> StepCache.Stored {
    progress(.started(step: step.title, total: nil))
    let place = try cache.begin(step)
    try await runBuilder(
      try script("make-initramfs", [workshop.folder.string, place.string], step), step, workshop)
    return try finish(step, place, ["initrd.img"])
  }

  private func makeLoaders(_ step: Step, _ context: Context) async throws -> StepCache.Stored {
    progress(.started(step: step.title, total: nil))
    let place = try cache.begin(step)
    for (name, index) in context.archive.indexes where name.release == step.name {
      let packages = step.packages.filter { package in
        SystemRecipe.loaderPackages(name.architecture).contains(package.name)
          && (package.file.hasSuffix("_\(name.architecture.debian).deb") || package.file.hasSuffix("_all.deb"))
      }
      try await fetch(packages, from: index, title: "\(step.title) \(name.architecture.debian)")
      let root = place.appending(name.architecture.debian)
      try FileTree.makeFolder(root)
      for package in packages {
        try await ExternalCommand("dpkg-deb", ["--extract", index.pool.appending(package.file).string, root.string])
          .run()
      }
      FileTree.remove(root.appending("usr/share/doc"))
    }
    return try finish(step, place, Architecture.allCases.map(\.debian))
  }

  // MARK: - Parts of jobs

  private func fetch(_ packages: [ResolvedPackage], from index: PackageIndex, title: String) async throws {
    let total = packages.reduce(ByteCount.zero) { $0 + $1.size }
    let name = "packages of \(title)"
    progress(.started(step: name, total: total))
    let progress = self.progress
    try await index.download(packages, offline: options.offline) {
      progress(.advanced(step: name, done: $0, total: total))
    }
    progress(.finished(step: name, produced: total))
  }

  private func runBuilder(_ command: ExternalCommand, _ step: Step, _ workshop: Workshop) async throws {
    let progress = self.progress
    try await workshop.run(command) { progress(.detail(step: step.title, line: $0)) }
  }

  /// The folder in the workshop for what a step gives beside its tree.
  private func outputs(_ step: Step, _ workshop: Workshop) -> FilePath {
    workshop.folder.appending("out-\(tree(step))")
  }

  /// Writes a small file in the workshop, where this process itself cannot see the tmpfs.
  func put(_ text: String, _ name: String, _ workshop: Workshop) async throws {
    let command = ExternalCommand("dd", ["of=\(workshop.folder)/\(name)", "status=none"])
    _ = try await workshop.inside(command).output(input: Array(text.utf8))
  }

  /// What was installed must be what was planned, to the version.
  private func checkPackages(_ step: Step, below: [Step], _ workshop: Workshop) async throws {
    let command = ExternalCommand("cat", ["\(outputs(step, workshop))/packages"])
    let installed = Set(try await workshop.inside(command).text().split(separator: "\n").map(String.init))
    let planned = Set((below + [step]).flatMap(\.packages).map { "\($0.name) \($0.version)" })
    guard installed == planned else {
      throw SystemLayersFailure.notAsPlanned(
        step: step.title, missing: planned.subtracting(installed).sorted(),
        surplus: installed.subtracting(planned).sorted())
    }
  }

  func finish(_ step: Step, _ place: FilePath, _ outputs: [String]) throws -> StepCache.Stored {
    let stored = try cache.commit(step, from: place, outputs: outputs)
    progress(.finished(step: step.title, produced: stored.size))
    return stored
  }
}
