// SPDX-License-Identifier: GPL-3.0-or-later
import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// Programs that are missing, or that fail.
  @Suite struct Programs {
    /// A `PATH` with all programs but some.
    private func path(without missing: String..., in workplace: Workplace) throws -> String {
      let folder = workplace.folder.appending("bin")
      try FileTree.makeFolder(folder)
      for source in ["/usr/bin", "/usr/sbin", "/bin", "/sbin"] {
        for name in FileTree.names(in: FilePath(source)) where !missing.contains(name) {
          let link = folder.appending(name)
          if FileTree.kind(of: link) == nil { try FileTree.makeLink(link, to: "\(source)/\(name)") }
        }
      }
      return folder.string
    }

    /// A `PATH` on which a script stands before a program; `$program` in it is the real one.
    private func path(
      with name: String, _ script: String, in workplace: Workplace
    ) throws -> [String: String] {
      let real = try Tool.require(name)
      try workplace.folder.writeScript("stand-in/\(name)", "program=\(real)\n" + script)
      let path = HostEnvironment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
      return ["PATH": "\(workplace.folder.appending("stand-in")):\(path)"]
    }

    @Test(arguments: [
      ("mmdebstrap", "mmdebstrap"), ("mksquashfs", "squashfs-tools"), ("grub-mkimage", "grub-common"),
      ("mcopy", "mtools"),
    ])
    func aMissingProgramIsNamedWithItsPackage(program: String, package: String) async throws {
      // Nothing has been fetched, but that is not what has to be said first.
      let workplace = try Workplace(manifest: Manifests.aid())
      let run = try await workplace.build(environment: ["PATH": try path(without: program, in: workplace)])
      run.expect("program-missing", 69, naming: ["\(program) is not installed"])
      #expect(run.troubles[0].remedy == "Install it: apt-get install \(package)")
    }

    @Test func aMissingAptIsNamed() async throws {
      let workplace = try Workplace(manifest: Manifests.aid())
      let environment = ["PATH": try path(without: "apt-get", in: workplace)]
      try await workplace.build(online: true, environment: environment)
        .expect("program-missing", 69, naming: ["apt-get is not installed"])
    }

    /// Those that only a build needs are missed when something is to be built, and before it is begun.
    @Test(arguments: [("unsquashfs", "squashfs-tools"), ("mount", "mount"), ("nsenter", "util-linux")])
    func whatTheWorkshopNeedsIsMissedWhenItIsOpened(program: String, package: String) async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      let environment = ["PATH": try path(without: program, in: workplace)]
      #expect(try await workplace.build(environment: environment).status == 0)
      workplace.forget("tools")
      let run = try await workplace.build(environment: environment)
      run.expect("program-missing", 69, naming: ["\(program) is not installed"])
      #expect(run.troubles[0].remedy == "Install it: apt-get install \(package)")
      #expect(workplace.steps("tools").isEmpty && workplace.remains.isEmpty)
    }

    @Test func theLastWordsOfAFailingMmdebstrapAreShown() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("base", "loaders")
      let script = """
        case $* in *--version*) exec "$program" "$@" ;; esac
        for number in $(seq 30); do echo "line $number"; done
        echo 'E: the stand-in has had enough' >&2
        exit 7
        """
      let environment = try path(with: "mmdebstrap", script, in: workplace)
      let run = try await workplace.build(environment: environment)
      run.expect(
        "program-failed", 69, naming: ["line 30\n", "E: the stand-in has had enough"], remedy: false)
      // What does not stand on the base was made.
      #expect(workplace.steps("base").isEmpty && workplace.steps("loaders").count == 1)
      #expect(workplace.remains.isEmpty)
    }

    @Test(.enabled(if: Repository.isForAll, "make test-all"), arguments: ["mksquashfs", "tar"])
    func aProgramThatFailsInTheMiddleSpoilsItsStepAlone(program: String) async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools", "initramfs")
      // tar has read something wrong and says so, after it has written an archive that looks good.
      let failing =
        program == "tar"
        ? "\"$program\" \"$@\" || exit; echo 'the stand-in has read zeros' >&2; exit 2"
        : "head -c 100000 >/dev/null; echo 'FATAL ERROR: the stand-in has had enough' >&2; exit 1"
      let script = "case $* in *-version*) exec \"$program\" \"$@\" ;; esac\n" + failing
      let run = try await workplace.build(environment: try path(with: program, script, in: workplace))
      run.expect("program-failed", 69, naming: ["the stand-in has"], remedy: false)
      #expect(workplace.steps("tools").isEmpty && workplace.steps("initramfs").count == 1)
      #expect(try await workplace.build().digest() == (try await ReferenceBuild.shared.digest()))
    }

    /// Of two images one has a hook that fails: the other one's medium is there, and good.
    @Test func oneFailingImageDoesNotStopTheOther() async throws {
      let manifest =
        Manifests.aid() + """
          [[image]]
          name = "broken"
          architectures = ["x64"]
          hooks = ["hooks/10-fail"]
          [image.tools]
          user = ["meter"]
          """
      let workplace = try await ReferenceBuild.shared.workplace(manifest: manifest)
      try workplace.folder.writeScript("hooks/10-fail", "echo 'the hook looks around'\necho 'no luck' >&2\nexit 5")
      let run = try await workplace.build()
      run.expect("hook-failed", 1, naming: ["hooks/10-fail", "the hook looks around\n", "no luck"])
      #expect(run.media.map(\.state) == ["written", "failed"])
      #expect(run.media[0].sha256 == (try await ReferenceBuild.shared.digest()))
      #expect(FileTree.names(in: workplace.output) == ["aid-x64.iso", "aid-x64.iso.sha256"])
      #expect(try await workplace.lifeboat(["verify", workplace.medium.string]).status == 0)

      try workplace.folder.writeScript("hooks/10-fail", "exit 0")
      #expect(try await workplace.build().media.map(\.state) == ["unchanged", "written"])
    }

    @Test(arguments: [("locale", "xx_XX.UTF-8"), ("keyboard", "zz")])
    func aSettingThatDebianDoesNotHaveIsNamed(key: String, value: String) async throws {
      let manifest = Manifests.aid(more: ["\(key) = \"\(value)\""])
      let workplace = try await ReferenceBuild.shared.workplace(manifest: manifest)
      // The packages that make locales and keyboard maps are not those of the reference.
      let run = try await workplace.build(["--allow-incomplete-suites"], online: true)
      run.expect("bad-setting", 65, naming: [key, "\"\(value)\""])
      #expect(!HostEnvironment.exists(workplace.medium))
    }
  }
}
