// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import RecoveryPlan
import Testing

@testable import SystemLayers

struct JobListTests {
  private func plan(locale: String = "C.UTF-8", hooks: [String] = []) throws -> Plan {
    let tool = Tool(
      id: "mc", title: "mc", summary: "", category: "files", packages: [.x64: ["mc"]], command: "mc", risk: .safe)
    let image = Image(
      name: "tier1", title: "t", tools: [.init(tool: tool, access: .user)], hooks: hooks, locale: locale)
    let planner = try Planner(Manifest(images: [image]))
    let package = ResolvedPackage(
      name: "mc", version: "1", file: "mc_1_amd64.deb", size: .zero, sha256: Digest(of: ""))
    let resolved = planner.stacks.map { ($0, ResolvedStack(layers: $0.requests.map { _ in [package] })) }
    return try planner.plan(
      Dictionary(uniqueKeysWithValues: resolved),
      .init(lifeboat: "1", programs: [:], recipes: [:], files: [:], signer: nil))
  }

  private func describe(_ jobs: [Job], _ plan: Plan) -> [String] {
    jobs.map { job in
      let waits = job.waitsFor.map { "\($0.part) \(plan.step($0.key)?.kind.rawValue ?? "?")" }
      return "\(job.part) \(job.step.kind)" + (waits.isEmpty ? "" : " after \(waits.joined(separator: ", "))")
    }
  }

  @Test func whatStandsOnATreeDoesNotWaitForItsCompression() throws {
    let plan = try plan()
    let jobs = JobList(missing: plan.steps.filter { $0.kind != .medium }, plan: plan).jobs
    #expect(
      describe(jobs, plan) == [
        "fetch base", "fetch tools", "grow base after fetch base", "grow tools after grow base, fetch tools",
        "whole initramfs after grow base", "whole settings", "whole loaders", "pack base after grow base",
        "pack tools after grow tools",
      ])
    #expect(jobs.filter { !$0.needsWorkshop }.map(\.step.kind) == [.base, .tools, .settings, .loaders])
  }

  @Test func cachedLayersAreUnpackedOnlyToBuildUpon() throws {
    let plan = try plan(locale: "en_GB.UTF-8")
    let tools = plan.steps.filter { $0.kind == .tools }
    #expect(
      describe(JobList(missing: tools, plan: plan).jobs, plan) == [
        "unpack base", "fetch tools", "grow tools after unpack base, fetch tools", "pack tools after grow tools",
      ])
    let settings = plan.steps.filter { $0.kind == .settings }
    #expect(
      describe(JobList(missing: settings, plan: plan).jobs, plan) == [
        "unpack base", "whole settings after unpack base",
      ])
    let hooked = try self.plan(hooks: ["hooks/10-branding"])
    #expect(
      describe(JobList(missing: hooked.steps.filter { $0.kind == .settings }, plan: hooked).jobs, hooked) == [
        "unpack base", "unpack tools", "whole settings after unpack base, unpack tools",
      ])
    let loaders = plan.steps.filter { $0.kind == .loaders }
    #expect(describe(JobList(missing: loaders, plan: plan).jobs, plan) == ["whole loaders"])
  }
}

struct JobBoardTests {
  private struct Broken: Error {}

  private func job(_ name: String, _ part: Job.Part, after: [Job.Name] = []) -> Job {
    let step = Step(kind: .tools, name: name, architecture: .x64, inputs: ["name": name])
    return Job(step: step, part: part, waitsFor: after, place: "p", needsWorkshop: true)
  }

  @Test func jobsStartWhenWhatTheyWaitForIsDone() {
    let base = job("base", .grow), tools = job("tools", .grow, after: [base.name])
    let pack = job("base", .pack, after: [base.name])
    var board = JobBoard(waiting: [base, tools, pack], results: [:])
    let first = board.start(atMost: 3), nothing = board.start(atMost: 3)
    #expect(first.map(\.name) == [base.name] && nothing.isEmpty)
    board.finish(base, .success(nil))
    let second = board.start(atMost: 1), none = board.start(atMost: 0), third = board.start(atMost: 1)
    #expect(second.map(\.name) == [tools.name] && none.isEmpty && third.map(\.name) == [pack.name])
  }

  @Test func aFailureTakesOnlyWhatStandsOnIt() {
    let base = job("base", .grow), tools = job("tools", .grow, after: [base.name])
    let more = job("more", .grow, after: [tools.name]), other = job("other", .whole)
    var board = JobBoard(waiting: [base, tools, more, other], results: [:])
    _ = board.start(atMost: 1)
    board.finish(base, .failure(Broken()))
    #expect(board.waiting.map(\.name) == [other.name])
    #expect(Set(board.results.keys) == Set([base, tools, more].map(\.step.key)))
    for result in board.results.values { #expect(throws: Broken.self) { try result.get() } }
  }

  @Test func whatNobodyMakesIsGivenUp() {
    let lost = job("lost", .grow, after: [job("nobody", .grow).name])
    var board = JobBoard(waiting: [lost], results: [:])
    let nothing = board.start(atMost: 9)
    #expect(nothing.isEmpty)
    board.giveUp()
    #expect(throws: SystemLayersFailure.dependencyFailed(step: "tools lost")) {
      try board.results[lost.step.key]?.get()
    }
  }
}
