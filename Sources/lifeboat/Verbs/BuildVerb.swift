// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
@preconcurrency import Glibc
import HostSystem
import RecoveryPlan
import SystemLayers
import SystemPackage

/// `lifeboat build`.
struct BuildVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Build the media of a manifest as ISO files.",
    discussion: """
      Without a selection, builds every image for each of its architectures. What they share is built once, and one \
      failure does not stop the others. Needs no root. Each ISO starts from CD, DVD and USB stick; its SHA-256 lies \
      beside it (NAME.iso.sha256).

        lifeboat build rescue.toml -o output
        lifeboat build rescue.toml --image tier1 --arch both --sign site.key -o output
      """)

  static let stateAfterInterruption =
    "No ISO was replaced by half of one; finished steps stay in the cache, and the next build goes on from them."

  @OptionGroup var options: BuildOptions

  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder for the ISO files.", valueName: "folder"),
    completion: .directory)
  var output: String

  @Flag(name: .shortAndLong, help: "Show the output of the programs that do the building.") var verbose = false
  @Flag(help: "One JSON document on standard output.") var json = false

  func run(on console: Console) async throws -> ExitStatus {
    let summary = try await console.withProgress(verbose: verbose) { progress in
      let session = try options.session(on: console, progress: progress)
      try prepareOutput()
      let lock = try session.cache.lock()
      defer { withExtendedLifetime(lock) {} }
      return try await build(session, console)
    }
    if json { try console.printJSON(summary) } else { console.print(summary.text) }
    return summary.status
  }

  /// Finds out now, not after minutes, whether the media can be written at all.
  private func prepareOutput() throws {
    let folder = FilePath(output)
    try FileTree.makeFolder(folder)
    guard access(folder.string, W_OK | X_OK) == 0 else {
      throw OperationFailure("create files in", folder, Errno(rawValue: errno))
    }
  }

  private func build(_ session: BuildSession, _ console: Console) async throws -> BuildSummary {
    let start = ContinuousClock.now
    let (plan, archive) = try await session.plan()
    for sentence in archive.notes.sentences { console.note("lifeboat: warning: \(sentence)") }
    let results = try await session.builder.build(plan, archive)
    try Task.checkCancellation()
    let writer = MediumWriter(
      session: session, plan: plan, results: results, output: FilePath(output), notes: archive.notes)
    var summary = BuildSummary(notes: archive.notes)
    for medium in plan.media {
      do {
        summary.media.append(try await writer.write(medium))
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        console.note("\(medium.name) failed")
        console.complain(error)
        summary.media.append(writer.failure(medium, ErrorReport(error)))
      }
    }
    summary.seconds = (ContinuousClock.now - start) / .seconds(1)
    return summary
  }
}

/// What a build has done.
struct BuildSummary: Encodable {
  var media: [MediumWriter.Outcome] = []
  /// Suites that were left out.
  var incompleteSuites: [String]
  /// Suites that the boot loaders alone were taken without.
  var loadersWithoutSuites: [String]
  /// Archives of others than Debian.
  var foreignArchives: [String]
  var seconds = 0.0

  init(notes: ArchiveNotes) {
    incompleteSuites = notes.incompleteSuites
    loadersWithoutSuites = notes.loadersWithoutSuites
    foreignArchives = notes.foreignArchives
  }

  /// Where nothing could be made, and for one kind of reason, that reason's status says more than `partial`.
  var status: ExitStatus {
    let statuses = Set(media.map(\.status))
    return statuses.count == 1 ? statuses.first ?? .success : .partial
  }

  var text: String {
    let rows = media.map { medium in
      [
        medium.error == nil ? medium.path : medium.name, medium.state, medium.size?.description ?? "",
        medium.sha256.map { "sha256 \($0)" } ?? medium.error?.split(separator: "\n").first.map(String.init) ?? "",
      ]
    }
    let failed = media.filter { $0.error != nil }.count
    let last = "\(media.count - failed) of \(media.count) media in \(Duration.seconds(seconds).forPeople)"
    return Columns.text(rows) + "\n" + last
  }
}
