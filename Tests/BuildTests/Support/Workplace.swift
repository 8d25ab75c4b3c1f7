// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// A person's folder: a manifest, a cache, a place for media, and the built program to run there.
final class Workplace: Sendable {
  let folder: TemporaryFolder
  /// For `XDG_CACHE_HOME`.
  let cacheHome: FilePath

  /// - Parameter cacheHome: nil: an empty cache of its own.
  init(manifest: String, cacheHome: FilePath? = nil) throws {
    folder = try TemporaryFolder()
    self.cacheHome = cacheHome ?? folder.appending("cache")
    try folder.write("rescue.toml", manifest)
  }

  /// Where media go.
  var output: FilePath { folder.appending("out") }
  /// The medium of `Manifests.aid`.
  var medium: FilePath { output.appending("aid-x64.iso") }
  /// A path in Lifeboat's own folder of the cache.
  func cache(_ path: String) -> FilePath { cacheHome.appending("lifeboat").appending(path) }

  /// Runs the program here.
  func lifeboat(_ arguments: [String], environment: [String: String] = [:]) async throws -> Tool.Outcome {
    try await Repository.lifeboat(arguments, in: folder.path, environment: self.environment(environment))
  }

  /// Builds; the summary is taken as JSON. Packages and indexes are those that the cache has, unless `online`.
  func build(
    _ more: [String] = [], online: Bool = false, environment: [String: String] = [:]
  ) async throws -> BuildRun {
    BuildRun(try await lifeboat(Self.arguments(more, online: online), environment: environment))
  }

  /// The arguments of such a build.
  static func arguments(_ more: [String] = [], online: Bool = false) -> [String] {
    // What the reference was built without is not there offline either.
    ["build", "rescue.toml", "-o", "out", "--json"] + (online ? [] : ["--offline", "--allow-incomplete-suites"]) + more
  }

  /// What is added to the environment of every run.
  func environment(_ more: [String: String] = [:]) -> [String: String] {
    ["XDG_CACHE_HOME": cacheHome.string, "no_proxy": "127.0.0.1"].merging(more) { $1 }
  }

  /// `plan --json` from what is in the cache.
  func plan() async throws -> PlanReport {
    let run = try await lifeboat(["plan", "rescue.toml", "--json", "--offline", "--allow-incomplete-suites"])
    try #require(run.status == 0, "\(run)")
    return try PlanReport(run)
  }

  /// The folders of finished steps whose titles begin so.
  func steps(_ title: String = "") -> [FilePath] {
    FileTree.names(in: cache("steps")).map { cache("steps").appending($0) }.filter { folder in
      let record = (try? FileTree.bytes(of: folder.appending("step.json"))) ?? []
      struct Stored: Decodable {
        struct Record: Decodable { var title: String }
        var record: Record
      }
      return (try? JSONDecoder().decode(Stored.self, from: Data(record)))?.record.title.hasPrefix(title) == true
    }
  }

  /// The one finished step whose title begins so.
  func step(_ title: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> FilePath {
    let steps = steps(title)
    try #require(steps.count == 1, "\(title): \(steps)", sourceLocation: sourceLocation)
    return steps[0]
  }

  /// Forgets finished steps.
  func forget(_ titles: String...) { for title in titles { steps(title).forEach(FileTree.remove) } }

  /// Whatever lies about in the cache or the output beside finished things.
  var remains: [String] {
    let work = FileTree.walk(cache("work")).map { "work/\($0)" }
    return work + FileTree.names(in: output).filter { $0.hasPrefix(".") }
  }
}

/// What a run of `build --json` had to say.
struct BuildRun: Sendable, CustomStringConvertible {
  let outcome: Tool.Outcome
  let media: [Medium]
  private let error: Trouble?

  struct Medium: Decodable, Sendable {
    var name: String
    var state: String
    var sha256: Digest?
    var code: String?
    var error: String?
    var remedy: String?
  }

  struct Trouble: Decodable, Sendable {
    var code: String
    var message: String
    var remedy: String?
  }

  private struct Document: Decodable {
    var media: [Medium]?
    var error: Trouble?
  }

  init(_ outcome: Tool.Outcome) {
    self.outcome = outcome
    let document = try? JSONDecoder().decode(Document.self, from: Data(outcome.bytes))
    media = document?.media ?? []
    error = document?.error
  }

  var status: Int32 { outcome.status }
  var description: String { outcome.description }

  /// What went wrong with everything, or with each medium.
  var troubles: [Trouble] {
    let failed = media.compactMap { medium in
      medium.code.map { Trouble(code: $0, message: medium.error ?? "", remedy: medium.remedy) }
    }
    return (error.map { [$0] } ?? []) + failed
  }

  /// The bytes of the only medium.
  func digest(sourceLocation: SourceLocation = #_sourceLocation) throws -> Digest {
    try #require(status == 0 && media.count == 1, "\(self)", sourceLocation: sourceLocation)
    return try #require(media[0].sha256, sourceLocation: sourceLocation)
  }

  /// Expects the run to have ended by one kind of error: told in JSON and, with its remedy, to the person.
  /// - Parameter words: what the message has to name.
  func expect(
    _ code: String, _ status: Int32, naming words: [String], remedy: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(self.status == status, "\(self)", sourceLocation: sourceLocation)
    #expect(!troubles.isEmpty && troubles.allSatisfy { $0.code == code }, "\(self)", sourceLocation: sourceLocation)
    for word in words {
      #expect(troubles.contains { $0.message.contains(word) }, "\(word) in \(self)", sourceLocation: sourceLocation)
    }
    for trouble in troubles {
      let said = "lifeboat: error: " + trouble.message + (trouble.remedy.map { "\n  \($0)\n" } ?? "\n")
      #expect(outcome.errors.contains(said), "\(self)", sourceLocation: sourceLocation)
      #expect(!remedy || trouble.remedy != nil, "\(self)", sourceLocation: sourceLocation)
    }
  }
}

/// What `plan --json` says.
struct PlanReport: Decodable {
  struct Step: Decodable {
    var title: String
    var key: Digest
    var cached: Bool
    var reason: String
    var packages: Int
  }
  struct Medium: Decodable {
    var name: String
    var identifier: String
  }
  var steps: [Step]
  var media: [Medium]
  var incompleteSuites: [String]
  var loadersWithoutSuites: [String]
  var foreignArchives: [String]

  init(_ run: Tool.Outcome) throws { self = try JSONDecoder().decode(PlanReport.self, from: Data(run.bytes)) }

  /// The titles of what would have to be made.
  var missing: [String] { steps.filter { !$0.cached }.map(\.title) }
  /// The step whose title begins so.
  func step(_ title: String) throws -> Step { try #require(steps.first { $0.title.hasPrefix(title) }) }
}
