// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import RecoveryPlan
import Testing

struct StepTests {
  private let step = Step(
    kind: .tools, name: "x64 tier1", architecture: .x64, inputs: ["recipe": "a", "mksquashfs": "4.5.1"],
    packages: [PlanFixture.package("mc"), PlanFixture.package("nwipe")], dependencies: [Digest(of: "base")])

  @Test func theKeyDoesNotHangOnTheOrderOfThings() {
    var other = step
    other.packages.reverse()
    other = Step(
      kind: other.kind, name: other.name, architecture: other.architecture, inputs: other.inputs,
      packages: other.packages, dependencies: other.dependencies)
    #expect(other.key == step.key)
  }

  /// Keys stay the same across versions of Lifeboat as long as nothing that goes in changes; a change here makes
  /// every cache worthless.
  @Test func theKeyIsStable() {
    #expect(
      step.key.hex
        == Digest(
          of: """
            lifeboat-step 1
            tools
            x64
            input "mksquashfs"="4.5.1"
            input "recipe"="a"
            package mc_1_amd64.deb \(Digest(of: "mc_1_amd64.deb"))
            package nwipe_1_amd64.deb \(Digest(of: "nwipe_1_amd64.deb"))
            on \(Digest(of: "base"))
            """
        ).hex)
  }

  /// Inputs cannot be shifted into each other.
  @Test func inputsAreKeptApart() {
    var one = step, two = step
    one.inputs = ["a": "1\ninput \"b\"=\"2\""]
    two.inputs = ["a": "1", "b": "2"]
    #expect(one.key != two.key)
  }

  @Test func reasonsNameWhatChanged() {
    let record = StepRecord(step)
    var other = step
    #expect(other.reason(since: nil) == "never built")
    #expect(other.reason(since: record) == "its cached result is gone")
    other.packages = [PlanFixture.package("mc", version: "2"), PlanFixture.package("hwinfo")]
    #expect(other.reason(since: record) == "+hwinfo 1, mc 1 -> 2, -nwipe")
    other = step
    other.inputs["mksquashfs"] = "4.6"
    #expect(other.reason(since: record) == "mksquashfs 4.5.1 -> 4.6")
    other = step
    other.inputs["recipe"] = String(repeating: "b", count: 64)
    #expect(other.reason(since: record) == "recipe changed")
    other = step
    other.dependencies = [Digest(of: "other base")]
    #expect(other.reason(since: record) == "a layer below it changed")
  }

  @Test func theToolTableIsOneLineForEachTool() {
    var image = PlanFixture.tier1
    image.tools[0].tool.summary = "Two\nlines\tand a tab."
    image.tools[1].tool.packages[.x86] = nil
    let table = ToolTable.text(image, .x86)
    #expect(
      table == "testdisk\tuser\tsafe\t-\tdisks\tTitle of testdisk\tTwo lines and a tab.\ttestdisk\t\n")
  }
}
