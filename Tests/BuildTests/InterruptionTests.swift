// SPDX-License-Identifier: GPL-3.0-or-later
import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// Builds that end in the middle.
  @Suite struct EndedInTheMiddle {
    private func expectNothingLeft(of run: RunningLifeboat, in workplace: Workplace) async throws {
      #expect(try await run.survivors() == [])
      #expect(try mounts(below: workplace.folder.path) == [])
    }

    /// Killed at one moment after the other, it goes on each time from what was finished; what comes out in the end is
    /// what an undisturbed build on another cache gives, to the byte.
    @Test(.enabled(if: Repository.isForAll, "make test-all")) func killedAtAnyStepItGoesOn() async throws {
      let reference = try await ReferenceBuild.shared.digest()
      let workplace = try await ReferenceBuild.shared.workplace()
      let undisturbed = try await ReferenceBuild.shared.steps()
      for step in workplace.steps() { FileTree.remove(step) }

      let moments: [(moment: String, reached: (RunningLifeboat) async throws -> Bool)] = [
        ("at its start", { try await $0.reaches { !FileTree.names(in: workplace.cache("work")).isEmpty } }),
        ("when the base begins", { try await $0.says("base x64 bookworm: started") }),
        ("when initramfs and layers are made", { try await $0.says("initramfs x64 bookworm: started") }),
        ("when the digests of the medium are made", { try await $0.says("digests: started") }),
        (
          "when the medium is written",
          { try await $0.reaches { FileTree.names(in: workplace.output).contains { $0.hasPrefix(".aid") } } }
        ),
      ]
      for (moment, reached) in moments {
        let run = try await RunningLifeboat(Workplace.arguments(), in: workplace)
        #expect(try await reached(run), "\(moment) was never reached: \(run.said)")
        run.signal(SIGKILL)
        _ = try await run.status()
        try await expectNothingLeft(of: run, in: workplace)
        #expect(!HostEnvironment.exists(workplace.medium), "\(moment)")
      }

      let run = try await workplace.build()
      let differing = try workplace.steps().filter { step in
        guard let other = undisturbed.first(where: { $0.lastComponent == step.lastComponent }) else { return true }
        return try FileTree.digest(of: step) != FileTree.digest(of: other)
      }
      #expect(differing == [])
      #expect(try run.digest() == reference)
      #expect(try Digest(ofFile: workplace.medium) == reference)
      let verified = try await workplace.lifeboat(["verify", workplace.medium.string])
      #expect(verified.status == 0, "\(verified)")
      #expect(workplace.remains == [])
    }

    @Test(arguments: [true, false])
    func interruptedItSaysWhatItLeaves(isTerminal: Bool) async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools", "settings")
      let run = try await RunningLifeboat(Workplace.arguments(), in: workplace)
      #expect(try await run.says("tools x64 aid: started"))
      // A terminal sends the signal to everything in front of it.
      run.signal(SIGINT, toAll: isTerminal)
      #expect(try await run.status() == 130)
      #expect(run.said.hasSuffix("lifeboat: error: interrupted\n  \(stateAfterInterruption)\n"), "\(run.said)")
      try await expectNothingLeft(of: run, in: workplace)
      #expect(FileTree.names(in: workplace.output) == [])
      #expect(workplace.steps("tools").isEmpty)
      let again = try await workplace.build()
      #expect(try again.digest() == (try await ReferenceBuild.shared.digest()))
    }

    private let stateAfterInterruption =
      "No ISO was replaced by half of one; finished steps stay in the cache, and the next build goes on from them."

    @Test func interruptedWhileItWritesTheMediumItLeavesTheOldOne() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      try workplace.folder.write("out/aid-x64.iso", "the old medium")
      let run = try await RunningLifeboat(Workplace.arguments(), in: workplace)
      #expect(try await run.reaches { FileTree.names(in: workplace.output).contains { $0.hasPrefix(".aid") } })
      run.signal(SIGINT)
      let status = try await run.status()
      try #require(status == 130, "\(run.said)")
      #expect(FileTree.names(in: workplace.output) == ["aid-x64.iso"])
      #expect(try FileTree.text(of: workplace.medium) == "the old medium")
      #expect(workplace.remains == [])
    }
  }
}
