// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// `inspect`, `verify`, `try` and `key`.
@Suite struct MediumVerbTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func strangeISO() async throws -> String {
    try folder.write("tree/README", "not ours\n")
    let made = try await Tool.run(
      "xorriso", ["-as", "mkisofs", "-V", "STRANGE", "-o", "strange.iso", "tree"], in: folder.path)
    #expect(made.status == 0, "\(made)")
    return folder.appending("strange.iso").string
  }

  @Test func inspectShowsAnyISO() async throws {
    let iso = try await strangeISO()
    let text = try await Repository.lifeboat(["inspect", iso])
    #expect(text.status == 0 && text.output.contains("STRANGE"), "\(text)")
    let json = try await Repository.lifeboat(["inspect", iso, "--json"])
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
    #expect(document["path"] as? String == iso)
  }

  @Test(arguments: ["inspect", "verify"])
  func whatIsNoISOIsBadInput(verb: String) async throws {
    let file = try folder.write("noise.iso", [UInt8](repeating: 0x5A, count: 100_000)).string
    let outcome = try await Repository.lifeboat([verb, file])
    #expect(outcome.status == 65, "\(outcome)")
    #expect(outcome.errors.hasPrefix("lifeboat: error: "))
    let absent = try await Repository.lifeboat([verb, folder.appending("absent.iso").string])
    #expect(absent.status == 66, "\(absent)")
  }

  @Test func verifyRefusesAnISOThatIsNotOurs() async throws {
    let outcome = try await Repository.lifeboat(["verify", try await strangeISO()])
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("was not made by Lifeboat"))
  }

  @Test func verifyFindsAnUnusableKeyFirst() async throws {
    let outcome = try await Repository.lifeboat(["verify", "/absent.iso", "--key", "/absent.pub"])
    #expect(outcome.errors.contains("/absent.pub"), "\(outcome)")
    #expect(!outcome.errors.contains("/absent.iso"))
  }

  @Test func keyNewMakesAKeyThatOpenSSHReads() async throws {
    let made = try await Repository.lifeboat(["key", "new", "site"], in: folder.path)
    #expect(made.status == 0, "\(made)")
    #expect(folder.names == ["site", "site.pub"])
    #expect(FileTree.status(of: folder.appending("site"))?.permissions == 0o600)
    let judged = try await Tool.run("ssh-keygen", ["-l", "-f", "site.pub"], in: folder.path)
    let fingerprint = try #require(made.lines.last)
    #expect(judged.output.contains(" \(fingerprint) "))
    let shown = try await Repository.lifeboat(["key", "show", "site", "--json"], in: folder.path)
    #expect(shown.output.contains(fingerprint.replacing("/", with: "/")))
    let again = try await Repository.lifeboat(["key", "new", "site"], in: folder.path)
    #expect(again.status == 73, "\(again)")
  }

  @Test func tryNamesWhatIsMissing() async throws {
    let absent = try await Repository.lifeboat(["try", "/absent.iso"])
    #expect(absent.status == 66)
    #expect(absent.errors.hasPrefix("lifeboat: error: open /absent.iso: No such file or directory\n"))
    let iso = try await strangeISO()
    let impossible = try await Repository.lifeboat(["try", iso, "--firmware", "secure-boot", "--cpu32"])
    #expect([64, 69].contains(impossible.status), "no such computer, or no such firmware here: \(impossible)")
    let none = try await Repository.lifeboat(["try", iso], environment: ["PATH": folder.path.string])
    #expect(none.status == 69)
    #expect(none.errors.contains("apt-get install qemu-system-x86"), "\(none)")
  }

  /// The machine is what the process becomes: it gets its signals, unblocked.
  @Test func tryBecomesTheMachine() async throws {
    let iso = try await strangeISO()
    try folder.writeScript(
      "bin/qemu-system-x86_64", "grep -E '^Sig(Blk|Ign)' /proc/self/status; printf '%s\\n' \"$@\" | grep file=")
    let outcome = try await Repository.lifeboat(
      ["try", iso], environment: ["PATH": folder.appending("bin").string + ":/usr/bin:/bin"])
    #expect(outcome.status == 0, "\(outcome)")
    let masks = outcome.lines.prefix(2).compactMap { UInt64($0.drop { $0 != "\t" }.dropFirst(), radix: 16) }
    let signals = [SIGINT, SIGTERM, SIGPIPE].reduce(UInt64(0)) { $0 | 1 << UInt64($1 - 1) }
    #expect(masks.count == 2 && masks.allSatisfy { $0 & signals == 0 }, "\(outcome)")
    #expect(outcome.output.contains("file=\(iso)"))
  }
}
