// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// Real media on a recovery partition.
  @Suite struct Partitions {
    private struct Status: Decodable {
      struct Slot: Decodable {
        var identifier: String
        var damage: [String]
      }
      var current: String
      var slots: [Slot]
    }

    /// The demo's first image, and the same with one tool more.
    @Test(.enabled(if: Repository.isForAll, "make test-all"))
    func twoVersionsOfTheDemoFitInto300Mebibytes() async throws {
      let manifest = try FileTree.text(of: Repository.path("Fixtures/manifests/rescue.toml"))
      let newer = manifest.replacing(#"helpdesk = ["locksmith","#, with: #"helpdesk = ["gpt-editor", "locksmith","#)
      try #require(newer != manifest)
      let folder = try TemporaryFolder()
      let disk = try ImageMaker.sparse(folder.appending("disk"), size: 400 << 20, data: [])
      let table = try await Tool.run("sfdisk", ["--quiet", disk.string], input: Array("label: gpt\n".utf8))
      try #require(table.status == 0, "\(table)")
      for (text, options) in [(manifest, ["--size", "300M"]), (newer, ["--update"])] {
        try folder.write("rescue.toml", text)
        let medium = try await build(in: folder)
        let done = try await Repository.lifeboat(
          ["install"] + options + [medium.string, "--disk", disk.string, "--yes"])
        try #require(done.status == 0, "\(done)")
      }
      let shown = try await Repository.lifeboat(["install", "--status", "--json", "--disk", disk.string])
      let status = try JSONDecoder().decode(Status.self, from: Data(shown.bytes))
      #expect(shown.status == 0 && status.slots.count == 2 && status.slots.allSatisfy(\.damage.isEmpty), "\(shown)")
      let volume = try await RecoveryVolume(partition: 1, of: disk)
      for slot in status.slots { #expect(try await volume.damage(of: slot.identifier) == nil) }
    }

    private func build(in folder: TemporaryFolder) async throws -> FilePath {
      let arguments = ["--image", "tier1", "--arch", "x64", "--allow-incomplete-suites", "-o", "."]
      let outcome = try await TestCache.shared.alone { cache in
        try await Repository.lifeboat(
          ["build", "rescue.toml"] + arguments, in: folder.path, environment: ["XDG_CACHE_HOME": cache.string])
      }
      try #require(outcome.status == 0, "\(outcome)")
      return folder.appending("tier1-x64.iso")
    }
  }
}
