// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootSite

/// `lifeboat publish` as a person and a script see it.
@Suite(.serialized) struct PublishVerbTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func publish(_ arguments: String...) async throws -> Tool.Outcome {
    try await Repository.lifeboat(["publish", "--site", "site"] + arguments, in: folder.path)
  }

  private struct Listing: Decodable {
    struct Entry: Decodable { var isCurrent: Bool, signedBy: String?, index: SetIndex }
    var sets: [Entry]
  }

  @Test func aSitesLife() async throws {
    let key = try await SmallMedia.shared.key().string
    let first = try await publish(
      SmallMedia.shared.iso().string, "--sign", key, "--server", "http://192.0.2.10", "--server", "http://192.0.2.11/")
    #expect(first.status == 0 && first.output.contains("set 1 is current, "), "\(first)")
    #expect(first.output.contains("servers http://192.0.2.10 http://192.0.2.11\n"))
    let second = try await publish(SmallMedia.shared.iso("tier2").string, "--sign", key)
    #expect(second.status == 0 && second.output.contains("\ntier2  x64  bookworm  "), "\(second)")
    #expect(second.errors.contains("the set has 2 images") && second.errors.contains("say --image tier1"), "\(second)")
    #expect(!first.errors.contains("images"), "\(first)")
    let again = try await publish(SmallMedia.shared.iso("tier2").string, "--sign", key)
    #expect(again.status == 0 && again.output.contains("set 2 already holds all of this"), "\(again)")
    let retired = try await publish("--retire", "tier1", "--sign", key)
    #expect(retired.status == 0 && !retired.output.contains("tier1"), "\(retired)")
    let back = try await publish("--rollback")
    #expect(back.status == 0 && back.output.hasPrefix("set 2 (current): "), "\(back)")
    let list = try await publish("--list", "--json")
    let sets = try JSONDecoder().decode(Listing.self, from: Data(list.bytes)).sets
    #expect(sets.map(\.index.number) == [1, 2, 3] && sets.map(\.isCurrent) == [false, true, false])
    #expect(sets.allSatisfy { $0.signedBy?.hasPrefix("SHA256:") == true })
    #expect(try await publish("--list").output.contains("set 2 (current): 34 objects, "))
  }

  /// Whoever serves the site is another user; with what an earlier publication has left, too.
  @Test func everybodyMayReadASiteWhateverTheUmask() async throws {
    let program = try Repository.program("lifeboat").string
    let site = folder.appending("site")
    func publish(_ iso: FilePath) async throws {
      let words = [
        program, "publish", iso.string, "--site", site.string, "--unsigned", "--server", "http://192.0.2.10",
      ]
      try await ExternalCommand("sh", ["-ec", "umask 077; exec \"$@\"", "sh"] + words).run()
    }
    try await publish(SmallMedia.shared.iso())
    try FileTree.setPermissions(site.appending("objects"), 0o700)
    try await publish(SmallMedia.shared.iso("tier2"))
    let closed = try await ExternalCommand(
      "find",
      [site.string, "!", "-name", "lock", "(", "!", "-perm", "-o+r", "-o", "-type", "d", "!", "-perm", "-o+x", ")"]
    ).text()
    #expect(closed.isEmpty, "\(closed)")
  }

  @Test func errorsForScripts() async throws {
    let iso = try await SmallMedia.shared.iso().string
    let outcome = try await publish(iso, "--json", "--server", "http://192.0.2.10")
    #expect(outcome.status == 64 && outcome.output.contains("\"code\" : \"signature-undecided\""), "\(outcome)")
    let server = try await publish(iso, "--unsigned")
    #expect(server.status == 64 && server.errors.contains("--server http://192.0.2.10"), "\(server)")
    let missing = try await publish("missing.iso", "--unsigned", "--server", "http://192.0.2.10")
    #expect(missing.status == 66, "\(missing)")
    let damaged = try await flipped(SmallMedia.shared.iso(), at: 5_000_000, to: folder.appending("bad.iso"))
    let refused = try await publish(damaged.string, "--unsigned", "--server", "http://192.0.2.10")
    #expect(refused.status == 3 && refused.errors.contains("nothing was published:\n  "), "\(refused)")
    let empty = try await publish("--list")
    #expect(empty.status == 66 && empty.errors.contains("nothing is published in site"), "\(empty)")
  }

  @Test(arguments: [
    [], ["--list", "--rollback"], ["--list", "x.iso"], ["--rollback", "--server", "http://192.0.2.10"],
    ["x.iso", "--sign", "key", "--unsigned"], ["x.iso", "--unsigned", "--keep", "0"],
    ["--retire", "a", "--image", "b"],
  ])
  func theCommandLineIsWrong(_ arguments: [String]) async throws {
    let outcome = try await Repository.lifeboat(["publish", "--site", "site"] + arguments, in: folder.path)
    #expect(outcome.status == 64 && folder.names == [], "\(outcome)")
  }
}
