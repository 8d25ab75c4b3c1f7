// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import RecoveryPlan
import SystemLayers

/// `lifeboat plan`.
struct PlanVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what a build would do, and why.",
    discussion: """
      Lists each step with its content key, whether its result is cached, and how large it is or will be. For a step \
      that must be repeated it says which input changed. Fetches the package indexes and builds nothing.

        lifeboat plan rescue.toml --image tier1 --arch x64
      """)

  @OptionGroup var options: BuildOptions
  @Flag(help: "One JSON document on standard output.") var json = false

  func run(on console: Console) async throws -> ExitStatus {
    let (plan, archive, builder) = try await console.withProgress { progress in
      let session = try options.session(on: console, progress: progress)
      // Fetching indexes beside a running build would change them under its feet.
      let lock = try session.cache.lock()
      defer { withExtendedLifetime(lock) {} }
      let (plan, archive) = try await session.plan()
      return (plan, archive, session.builder)
    }
    let document = PlanDocument(plan, archive, builder)
    if json { try console.printJSON(document) } else { console.print(document.text) }
    return .success
  }
}

/// A plan as it is shown.
struct PlanDocument: Encodable {
  struct Step: Encodable {
    var title: String
    var key: Digest
    var cached: Bool
    var reason: String
    /// Of the result; expected where `cached` is false.
    var size: ByteCount?
    var packages: Int
  }
  struct Medium: Encodable {
    var name: String
    var identifier: String
    var layers: [Digest]
    /// The sum of what the medium carries, as far as that is known before it is made.
    var size: ByteCount
  }

  var steps: [Step]
  var media: [Medium]
  /// Suites that would be left out.
  var incompleteSuites: [String]
  /// Suites that the boot loaders alone would be taken without.
  var loadersWithoutSuites: [String]
  /// Archives of others than Debian.
  var foreignArchives: [String]
  private let sentences: [String]

  private enum CodingKeys: CodingKey { case steps, media, incompleteSuites, loadersWithoutSuites, foreignArchives }

  init(_ plan: Plan, _ archive: SystemBuilder.Archive, _ builder: SystemBuilder) {
    incompleteSuites = archive.notes.incompleteSuites
    loadersWithoutSuites = archive.notes.loadersWithoutSuites
    foreignArchives = archive.notes.foreignArchives
    sentences = archive.notes.sentences
    var sizes: [Digest: ByteCount] = [:]
    steps = plan.steps.filter { $0.kind != .medium }.map { step in
      let (stored, reason) = builder.state(of: step)
      let size = stored?.size ?? step.expectedSize
      sizes[step.key] = size
      return Step(
        title: step.title, key: step.key, cached: stored != nil, reason: reason, size: size,
        packages: step.packages.count)
    }
    media = plan.media.map { medium in
      let keys = medium.systems.flatMap(\.steps)
      let boot = ByteCount.mebibytes(14)
      return Medium(
        name: medium.name, identifier: medium.identifier, layers: keys,
        size: keys.reduce(boot) { $0 + (sizes[$1] ?? .zero) })
    }
  }

  var text: String {
    var rows = [["STEP", "KEY", "SIZE", "PACKAGES", "STATE"]]
    rows += steps.map { step in
      let size = step.size.map { (step.cached ? "" : "about ") + $0.description } ?? ""
      return [
        step.title, step.key.short, size, step.packages == 0 ? "" : "\(step.packages)",
        step.cached ? "cached" : "to make: \(step.reason)",
      ]
    }
    var lines = Columns.text(rows)
    lines +=
      "\n"
      + Columns.text([["MEDIUM", "IDENTIFIER", "SIZE"]] + media.map { [$0.name, $0.identifier, "about \($0.size)"] })
    for sentence in sentences { lines += "\nwarning: \(sentence)" }
    return lines
  }
}

/// Text in columns, as wide as their widest cell; the last one runs free.
enum Columns {
  static func text(_ rows: [[String]]) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, cell in
        column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
