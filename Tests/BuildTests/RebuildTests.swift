// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// Building again: nothing that is still right is made again, and nothing that is wrong is used.
  @Suite struct Again {
    @Test func theMediumIsWholeAndItsChecksumLiesBeside() async throws {
      let medium = try await ReferenceBuild.shared.medium()
      let verified = try await Repository.lifeboat(["verify", medium.string])
      #expect(verified.status == 0 && verified.output.contains("every byte is as it was built"), "\(verified)")
      let summed = try await Tool.run(
        "sha256sum", ["--check", "aid-x64.iso.sha256"], in: medium.removingLastComponent())
      #expect(summed.status == 0, "\(summed)")
    }

    @Test func nothingChangedLeavesTheMediumAlone() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      let first = try await workplace.build()
      #expect(first.media.first?.state == "written")
      #expect(try first.digest() == (try await ReferenceBuild.shared.digest()))
      let inode = ["-c", "%i %Y %Z", workplace.medium.string]
      let before = try await Tool.run("stat", inode).output
      let second = try await workplace.build()
      #expect(second.media.first?.state == "unchanged")
      #expect(try second.digest() == first.digest())
      #expect(try await Tool.run("stat", inode).output == before)
    }

    @Test func aMediumThatWasChangedIsWrittenAgain() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      let digest = try await workplace.build().digest()
      var bytes = try FileTree.bytes(of: workplace.medium)
      bytes[bytes.count / 2] ^= 1
      try AtomicFile.write(bytes, to: workplace.medium)
      let again = try await workplace.build()
      #expect(again.media.first?.state == "written")
      #expect(try again.digest() == digest)
      #expect(try Digest(ofFile: workplace.medium) == digest)
    }

    @Test func anotherTitleMakesSettingsAndMediumAnew() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      let before = try await workplace.plan()
      #expect(before.missing == [] && before.steps.allSatisfy { $0.reason == "cached" })
      _ = try await workplace.build().digest()
      let kept = workplace.steps().map(\.string)

      try workplace.folder.write("rescue.toml", Manifests.aid(title: "Second aid"))
      let after = try await workplace.plan()
      #expect(after.missing == ["settings x64 aid"])
      #expect(try after.step("settings").reason == "title First aid -> Second aid")
      #expect(after.media[0].identifier != before.media[0].identifier)
      let run = try await workplace.build()
      #expect(run.media.first?.state == "written", "\(run)")
      #expect(Set(workplace.steps().map(\.string)).subtracting(kept).count == 1)
    }

    /// Three kinds of damage at once, each in another step.
    @Test func damagedResultsAreNamedAndMadeAgain() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      let layer = try workplace.step("tools").appending("layer.squashfs")
      var bytes = try FileTree.bytes(of: layer)
      bytes[bytes.count / 2] ^= 1
      try AtomicFile.write(bytes, to: layer)
      FileTree.remove(try workplace.step("initramfs").appending("initrd.img"))
      let record = try workplace.step("settings").appending("step.json")
      try AtomicFile.write(Array("{ \"garbage\"".utf8), to: record)

      let run = try await workplace.build()
      #expect(try run.digest() == (try await ReferenceBuild.shared.digest()))
      for (step, file) in [
        ("tools x64 aid", "layer.squashfs"), ("initramfs x64 bookworm", "initrd.img"),
        ("settings x64 aid", "step.json"),
      ] {
        #expect(run.outcome.errors.contains("warning: \(step) is made again: \(file) is damaged"), "\(run)")
      }
      #expect(try await workplace.plan().missing == [])
      #expect(workplace.remains == [])
    }

    @Test func aDamagedPackageIsNeverUsed() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools")
      let name = try #require(FileTree.walk(workplace.cache("apt")).first { $0.contains("/archives/pv_") })
      let package = workplace.cache("apt").appending(name)
      let good = try FileTree.bytes(of: package)
      var bad = good
      bad[bad.count / 2] ^= 1
      try AtomicFile.write(bad, to: package)

      let offline = try await workplace.build()
      offline.expect("nothing-offline", 69, naming: ["damaged", FilePath(name).lastComponent?.string ?? "?"])
      #expect(workplace.steps("tools").isEmpty)

      let online = try await workplace.build(["--allow-incomplete-suites"], online: true)
      #expect(online.status == 0, "\(online)")
      #expect(try FileTree.bytes(of: package) == good)
    }

    @Test func withoutANetworkTheSameMediumComesFromTheCache() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      // A proxy that nobody answers for is no network; so is a namespace without one, where that can be had.
      let isolated = try await Tool.run("unshare", ["--net", "true"]).status == 0
      func build(_ more: [String]) async throws -> BuildRun {
        let arguments = ["build", "rescue.toml", "-o", "out", "--json", "--allow-incomplete-suites"] + more
        let lifeboat = try Repository.program("lifeboat").string
        let nowhere = "http://127.0.0.1:1"
        return BuildRun(
          try await Tool.run(
            isolated ? "unshare" : lifeboat, (isolated ? ["--net", lifeboat] : []) + arguments,
            in: workplace.folder.path,
            environment: workplace.environment(["http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": ""])))
      }
      try await build([]).expect("no-network", 69, naming: [])
      #expect(try await build(["--offline"]).digest() == (try await ReferenceBuild.shared.digest()))
    }
  }
}
