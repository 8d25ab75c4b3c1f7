// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// `lifeboat cache` on a cache that has been used.
  @Suite struct Cache {
    private struct List: Decodable {
      struct Entry: Decodable {
        var title: String
        var size: Int64
        var newest: Bool
      }
      var folder: String
      var entries: [Entry]
      var packages: Int64
    }

    private func list(_ workplace: Workplace, _ more: [String] = []) async throws -> List {
      let run = try await workplace.lifeboat(["cache", "--json"] + more)
      try #require(run.status == 0, "\(run)")
      return try JSONDecoder().decode(List.self, from: Data(run.bytes))
    }

    @Test func listsPrunesAndClears() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      try workplace.folder.write("rescue.toml", Manifests.aid(title: "Second aid"))
      _ = try await workplace.build().digest()

      let all = try await list(workplace)
      #expect(all.folder == workplace.cache("").string)
      #expect(all.entries.count == 6 && all.packages > 10_000_000)
      #expect(all.entries.filter { !$0.newest }.map(\.title) == ["settings x64 aid"])
      let text = try await workplace.lifeboat(["cache"])
      #expect(text.lines.filter { $0.hasSuffix("replaced") }.count == 1, "\(text)")

      #expect(try await list(workplace, ["--prune"]).entries.map(\.title) == ["settings x64 aid"])
      // What the newest manifest needs is still there.
      #expect(try await workplace.plan().missing == [])
      #expect(try await list(workplace).entries.count == 5)

      #expect(try await list(workplace, ["--clear"]).entries.count == 5)
      let none = try await list(workplace)
      #expect(none.entries.isEmpty && none.packages == 0)
      #expect(FileTree.walk(workplace.cache("")).filter { $0.hasSuffix(".deb") || $0.hasSuffix(".squashfs") } == [])
      // Media are not the cache's.
      #expect(HostEnvironment.exists(workplace.medium))
    }

    @Test func aBuildThatRunsIsNotDisturbed() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools")
      let first = try await RunningLifeboat(Workplace.arguments(), in: workplace)
      #expect(try await first.says("tools x64 aid: started"))
      for arguments in [Workplace.arguments(), ["cache", "--clear", "--json"], ["plan", "rescue.toml", "--json"]] {
        let second = BuildRun(try await workplace.lifeboat(arguments))
        second.expect("locked", 75, naming: [workplace.cache("lock").string])
      }
      #expect(try await first.status() == 0, "\(first.said)")
      #expect(try Digest(ofFile: workplace.medium) == (try await ReferenceBuild.shared.digest()))
    }
  }
}
