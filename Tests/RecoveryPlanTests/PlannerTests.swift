// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import RecoveryPlan
import Testing

struct PlannerTests {
  @Test func sharedStepsAreMadeOnce() throws {
    let plan = try PlanFixture.plan()
    let titles = plan.steps.map(\.title)
    #expect(
      titles == [
        "base x64 bookworm", "initramfs x64 bookworm", "tools x64 tier1", "settings x64 tier1", "loaders bookworm",
        "medium x64 tier1", "base x86 bookworm", "initramfs x86 bookworm", "tools x86 tier1", "settings x86 tier1",
        "medium x86 tier1", "tools x64 tier2", "settings x64 tier2", "medium x64 tier2", "tools x86 tier2",
        "settings x86 tier2", "medium x86 tier2",
      ])
    #expect(plan.media.map(\.name) == ["tier1-x64", "tier1-x86", "tier2-x64", "tier2-x86"])
    let tier2 = try #require(plan.media.first { $0.name == "tier2-x64" })
    #expect(tier2.systems[0].tools.count == 2)
    #expect(plan.step(tier2.systems[0].tools[1])?.packages.map(\.name) == ["nwipe"])
  }

  @Test func stepsStandAfterWhatTheyStandOn() throws {
    let plan = try PlanFixture.plan()
    for (index, step) in plan.steps.enumerated() {
      let before = Set(plan.steps[..<index].map(\.key))
      #expect(before.isSuperset(of: step.dependencies), "\(step.title)")
    }
  }

  /// A child that gives up a package of its parent cannot stand on the parent's layer.
  @Test func aChildThatTakesAwayStandsOnTheBase() throws {
    var tier2 = PlanFixture.tier2
    tier2.tools.removeAll { $0.tool.id == "mc" }
    let plan = try PlanFixture.plan(Manifest(images: [PlanFixture.tier1, tier2]), .init(images: ["tier2"]))
    let system = try #require(plan.media.first).systems[0]
    #expect(system.tools.count == 1)
    #expect(plan.step(system.tools[0])?.packages.map(\.name) == ["nwipe", "testdisk"])
  }

  @Test func bothArchitecturesOnOneMedium() throws {
    let plan = try PlanFixture.plan(PlanFixture.manifest, .init(images: ["tier1"], architectures: .together))
    #expect(plan.media.map(\.name) == ["tier1"])
    #expect(plan.media[0].systems.map(\.architecture) == [.x64, .x86])
  }

  @Test func everyInputChangesExactlyItsSteps() throws {
    func changed(_ other: Plan) throws -> Set<String> {
      let plan = try PlanFixture.plan()
      return Set(other.steps.filter { step in !plan.steps.contains { $0.key == step.key } }.map(\.title))
    }
    let nwipe = try changed(PlanFixture.plan(versions: ["nwipe": "2"]))
    #expect(nwipe == ["tools x64 tier2", "tools x86 tier2", "medium x64 tier2", "medium x86 tier2"])

    let live = try changed(PlanFixture.plan(versions: ["live-boot": "2"]))
    #expect(live.contains("base x64 bookworm") && live.contains("tools x86 tier2") && live.contains("medium x64 tier1"))
    #expect(!live.contains("settings x64 tier1") && !live.contains("loaders bookworm"))

    var titled = PlanFixture.manifest
    titled.images[0].title = "Other"
    #expect(
      try changed(PlanFixture.plan(titled)) == [
        "settings x64 tier1", "settings x86 tier1", "medium x64 tier1", "medium x86 tier1",
      ])

    var slower = PlanFixture.manifest
    slower.images[0].bootTimeout = 30
    #expect(try changed(PlanFixture.plan(slower)) == ["medium x64 tier1", "medium x86 tier1"])

    var signed = PlanFixture.surroundings
    signed.signer = "ssh-ed25519 AAAA"
    let media = ["tier1", "tier2"].flatMap { ["medium x64 \($0)", "medium x86 \($0)"] }
    #expect(try changed(PlanFixture.plan(surroundings: signed)) == Set(media))
    let notes = [\ArchiveNotes.incompleteSuites, \.loadersWithoutSuites, \.foreignArchives]
    let keys = try notes.map { note in
      var surroundings = PlanFixture.surroundings
      surroundings.notes[keyPath: note] = ["i386 bookworm-security"]
      let plan = try PlanFixture.plan(surroundings: surroundings)
      #expect(try changed(plan) == Set(media))
      return plan.media[0].key
    }
    #expect(Set(keys).count == notes.count)
  }

  /// Generated files carry the archive's time: another time is another result, for every step of that release alone.
  @Test func theArchivesTimeIsPartOfEveryKey() throws {
    var surroundings = PlanFixture.surroundings
    surroundings.times = ["trixie": 7]
    let plan = try PlanFixture.plan()
    #expect(try PlanFixture.plan(surroundings: surroundings).steps.map(\.key) == plan.steps.map(\.key))
    surroundings.times["bookworm"] = 7
    let later = try PlanFixture.plan(surroundings: surroundings)
    #expect(Set(later.steps.map(\.key)).isDisjoint(with: plan.steps.map(\.key)))
    #expect(later.steps.filter { $0.kind != .medium }.allSatisfy { $0.timestamp == 7 })
  }

  /// Hooks may look at the whole system, so a change of any layer runs them again.
  @Test func hooksHangOnTheWholeSystem() throws {
    var manifest = PlanFixture.manifest
    manifest.images[0].hooks = ["hooks/10-branding"]
    let before = try PlanFixture.plan(manifest), after = try PlanFixture.plan(manifest, versions: ["mc": "2"])
    let settings = { (plan: Plan) in plan.steps.first { $0.title == "settings x64 tier1" }?.key }
    #expect(settings(before) != settings(after))
  }

  /// Another program is another layer for x64, and no other; x86 has no such tool.
  @Test func theProgramHasALayerOfItsOwn() throws {
    var manifest = PlanFixture.manifest
    var tool = PlanFixture.tool("install", ["dosfstools"])
    tool.tool.needs = [.lifeboat]
    manifest.images[0].tools.append(tool)
    #expect(try Planner(manifest).needsProgram && !Planner(PlanFixture.manifest).needsProgram)
    #expect(throws: Planner.Failure.noProgram) { try PlanFixture.plan(manifest) }
    var surroundings = PlanFixture.surroundings
    surroundings.program = Digest(of: "program")
    let plan = try PlanFixture.plan(manifest, surroundings: surroundings)
    let systems = plan.media.flatMap(\.systems)
    #expect(systems.map { $0.program != nil } == [true, false, false, false])
    let packages = Set(systems[0].tools.compactMap { plan.step($0) }.flatMap(\.packages).map(\.name))
    #expect(packages.isSuperset(of: ["dosfstools", "libisoburn1", "libfdisk1"]))
    #expect(systems[0].steps.suffix(2) == [systems[0].program, systems[0].settings])
    surroundings.program = Digest(of: "another")
    let other = try PlanFixture.plan(manifest, surroundings: surroundings)
    let changed = other.steps.filter { step in !plan.steps.contains { $0.key == step.key } }
    #expect(changed.map(\.title) == ["program x64 bookworm", "medium x64 tier1"])
  }

  @Test func selectionsThatCannotBe() throws {
    #expect(throws: Planner.Failure.unknownImage("tier9", known: ["tier1", "tier2"])) {
      try Planner(PlanFixture.manifest, .init(images: ["tier9"]))
    }
    var image = PlanFixture.tier1
    image.architectures = [.x64]
    #expect(throws: Planner.Failure.nothingSelected) {
      try Planner(Manifest(images: [image]), .init(architectures: .only(.x86)))
    }
    let planner = try Planner(PlanFixture.manifest)
    #expect(throws: Planner.Failure.unresolved(planner.stacks[0])) {
      try planner.plan([:], PlanFixture.surroundings)
    }
  }

  @Test func localesAndKeyboardsBringTheirPackages() throws {
    var image = PlanFixture.tier1
    image.locale = "en_GB.UTF-8"
    image.keyboard = "gb"
    let requests = SystemRecipe.requests(image, Manifest(images: [image]), .x64)
    #expect(requests.count == 2)
    #expect(requests[1] == ["console-setup", "locales", "mc", "testdisk"])
  }
}
