// SPDX-License-Identifier: GPL-3.0-or-later
import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Whether a file system may be mounted in a namespace of its own, as root or in a user namespace.
private let mount = ["unshare"] + (geteuid() == 0 ? [] : ["--user", "--map-root-user"]) + ["--mount", "sh", "-ec"]
private func mayMount() async throws -> Bool {
  try await Tool.run(mount[0], mount.dropFirst() + ["mount -t tmpfs none /mnt"]).status == 0
}

extension Builds {
  /// Media and results that find no place.
  @Suite struct NoPlace {
    /// Runs a build in a mount namespace of its own, after a script that prepares `$1`, the workplace's folder; what
    /// the script `afterwards` prints is returned too.
    private func build(
      in workplace: Workplace, prepared: String, afterwards: String
    ) async throws -> (run: BuildRun, left: [String]) {
      let folder = workplace.folder
      let script = """
        \(prepared)
        shift
        "$@" || status=$?
        cd "\(folder.path)"
        { \(afterwards); } >left 2>&1
        exit "${status:-0}"
        """
      let command = mount + [script, "sh", folder.path.string, try Repository.program("lifeboat").string]
      let outcome = try await Tool.run(
        command[0], command.dropFirst() + Workplace.arguments(), in: folder.path, environment: workplace.environment())
      let left = try FileTree.text(of: folder.appending("left")).split(separator: "\n").map(String.init)
      return (BuildRun(outcome), left)
    }

    @Test func aFileInTheFoldersPlaceIsNoFolder() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      try workplace.folder.write("out", "a file")
      try await workplace.build().expect("not-a-folder", 73, naming: ["out"])
      #expect(try FileTree.text(of: workplace.output) == "a file")
    }

    @Test(.enabled("this system allows no mounts in a namespace") { try await mayMount() })
    func aFolderThatMayNotBeWrittenIsRefusedAtOnce() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools")
      try workplace.folder.write("out/aid-x64.iso", "the old medium")
      let (run, left) = try await build(
        in: workplace, prepared: "mount --bind out out; mount -o remount,bind,ro out", afterwards: "ls -A out")
      run.expect("permission-denied", 73, naming: ["out"])
      #expect(left == ["aid-x64.iso"])
      // It was found out before anything was built.
      #expect(workplace.steps("tools").isEmpty)
    }

    @Test(.enabled("this system allows no mounts in a namespace") { try await mayMount() })
    func noRoomForTheMediumIsSaidWithBothSizes() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      try FileTree.makeFolder(workplace.output)
      let (run, left) = try await build(
        in: workplace,
        prepared: "mount -t tmpfs -o size=64m none out; echo 'the old medium' >out/aid-x64.iso",
        afterwards: "ls -A out; cat out/aid-x64.iso")
      run.expect("disk-full", 73, naming: ["out/aid-x64.iso", "needs 1", "67.1 MB left"])
      #expect(left == ["aid-x64.iso", "the old medium"])
      #expect(try await workplace.plan().missing == [])
    }

    /// On the cache's file system there is room for the small tools' layer, but not for the initramfs.
    @Test(.enabled("this system allows no mounts in a namespace") { try await mayMount() })
    func noRoomForResultsLeavesNothingHalf() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("initramfs", "tools")
      let kept = workplace.steps().map { $0.lastComponent?.string ?? "" }
      let cache = workplace.cache("").string
      let (run, left) = try await build(
        in: workplace,
        prepared: """
          mkdir small
          megabytes=$(du -sm "\(cache)/steps")
          mount -t tmpfs -o "size=$((${megabytes%%[!0-9]*} + 8))m" none small
          mkdir small/lifeboat small/lifeboat/apt
          cp -a "\(cache)/steps" small/lifeboat/
          mount --bind "\(cache)/apt" small/lifeboat/apt
          export XDG_CACHE_HOME="$1/small"
          """,
        afterwards: "ls small/lifeboat/steps; cd small/lifeboat/steps; for step in *; do ls $step/step.json; done")
      run.expect("disk-full", 73, naming: ["initramfs x64 bookworm", "No space left on device"])
      #expect(run.troubles[0].remedy?.contains("lifeboat cache --prune") == true)
      let steps = left.filter { !$0.contains("/") }
      #expect(Set(steps).isSuperset(of: kept) && steps.count == kept.count + 1, "\(left)")
      #expect(left.filter { $0.hasSuffix("/step.json") }.count == steps.count, "\(left)")
    }
  }
}
