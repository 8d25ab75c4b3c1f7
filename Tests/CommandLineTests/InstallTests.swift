// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// What `make install` puts in place works away from the build.
@Suite struct InstallTests {
  @Test func anInstalledProgramFindsItsData() async throws {
    let folder = try TemporaryFolder()
    let build = try Repository.program("lifeboat").removingLastComponent()
    let script = Repository.path("scripts/install").string
    let installed = try await Tool.run(script, [build.string, folder.path.string, "/opt/lifeboat"])
    #expect(installed.status == 0, "\(installed)")
    let root = folder.appending("opt/lifeboat")
    for module in ["RecoveryManifest", "SystemLayers", "BootAssembly"] {
      #expect(FileTree.kind(of: root.appending("share/lifeboat/\(module)")) == .folder)
    }
    for file in [
      "share/man/man1/lifeboat.1", "share/man/man1/lifeboat-build.1", "share/zsh/site-functions/_lifeboat",
      "share/bash-completion/completions/lifeboat", "share/fish/completions/lifeboat.fish",
      "lib/systemd/system/lifeboat.service",
      "lib/systemd/system/lifeboat.socket",
    ] {
      #expect((FileTree.status(of: root.appending(file))?.size ?? 0) > 100, "\(file)")
    }
    let program = root.appending("bin/lifeboat").string
    let here = try await Repository.lifeboat(["tools", "--json"])
    let there = try await Tool.run(program, ["tools", "--json"])
    #expect(there.status == 0 && there.bytes == here.bytes)
    let unit = try FileTree.text(of: root.appending("lib/systemd/system/lifeboat.service"))
    #expect(unit.contains("\nExecStart=/opt/lifeboat/bin/lifeboat serve --site ") && !unit.contains("@PREFIX@"))
    FileTree.remove(root.appending("share/lifeboat"))
    let broken = try await Tool.run(program, ["tools"])
    #expect(broken.status == 70)
    #expect(broken.errors.contains(root.appending("share/lifeboat/RecoveryManifest").string), "\(broken)")
  }

  /// Debug and release builds lay the data down as the source has it: links stay links, programs can be run.
  @Test func dataKeepsItsKindAndPermissions() async throws {
    let folder = try TemporaryFolder()
    let build = try Repository.program("lifeboat").removingLastComponent()
    _ = try await Tool.run(
      Repository.path("scripts/install").string, [build.string, folder.path.string, "/usr", "debian"])
    let source = Repository.path("Sources/SystemLayers/Resources")
    let copy = folder.appending("usr/share/lifeboat/SystemLayers")
    for name in FileTree.walk(source) where !name.hasSuffix(".keep") {
      #expect(FileTree.kind(of: copy.appending(name)) == FileTree.kind(of: source.appending(name)), "\(name)")
      guard FileTree.kind(of: source.appending(name)) == .file else { continue }
      let bits = (FileTree.status(of: source.appending(name))?.permissions ?? 0) & 0o100
      #expect((FileTree.status(of: copy.appending(name))?.permissions ?? 0) & 0o100 == bits, "\(name)")
    }
    #expect(FileTree.kind(of: folder.appending("usr/share/zsh/vendor-completions/_lifeboat")) == .file)
  }

  /// Units where systemd looks for them, and a server that neither outlives its program nor goes on with an old one.
  @Test(.enabled(if: Tool.isInstalled("dpkg-shlibdeps"), "needs dpkg-dev")) func thePackageKnowsItsService()
    async throws
  {
    let folder = try TemporaryFolder()
    let build = try Repository.program("lifeboat").removingLastComponent()
    // Whoever makes it may keep his own files to himself.
    let script = Repository.path("scripts/make-deb").string
    let made = try await Tool.run(
      "sh", ["-ec", "umask 077; exec \"$@\"", "sh", script, build.string, folder.path.string, "none"])
    let package = try #require(made.lines.last, "\(made)")
    let files = try await ExternalCommand("dpkg-deb", ["-c", package]).text()
    #expect(
      files.split(separator: "\n").filter { $0.prefixMatch(of: /d......r-x|-......r-[-x]|l/) == nil } == [])
    for file in ["bin/lifeboat", "lib/systemd/system/lifeboat.service", "lib/systemd/system/lifeboat.socket"] {
      #expect(files.contains(" ./usr/\(file)\n"), "\(file)")
    }
    // Bare systems have no mount(8), and a build cannot do without.
    let depends = try await ExternalCommand("dpkg-deb", ["-f", package, "Depends"]).text()
    #expect(depends.split(separator: ",").contains { $0.trimmingPrefix(" ") == "mount" }, "\(depends)")
    try await ExternalCommand("dpkg-deb", ["-e", package, folder.appending("control").string]).run()
    let (first, update) = (["postinst", "configure", ""], ["postinst", "configure", "0.0.9"])
    #expect(try await calls(first, in: folder) == ["systemctl --system daemon-reload"])
    #expect(
      try await calls(update, in: folder) == [
        "systemctl --system daemon-reload", "deb-systemd-invoke try-restart lifeboat.service",
      ])
    #expect(try await calls(["prerm", "upgrade", "0.2"], in: folder) == [])
    #expect(
      try await calls(["prerm", "remove"], in: folder) == ["deb-systemd-invoke stop lifeboat.service lifeboat.socket"])
    #expect(try await calls(["postrm", "remove"], in: folder) == ["systemctl --system daemon-reload"])
  }

  /// What a maintainer script asks of systemd, where that runs.
  private func calls(_ words: [String], in folder: TemporaryFolder) async throws -> [String] {
    for name in ["systemctl", "deb-systemd-invoke"] {
      try folder.writeScript("stubs/\(name)", "echo \(name) \"$@\" >>\"$CALLS\"")
    }
    let script = try FileTree.text(of: folder.appending("control/\(words[0])"))
      .replacing("/run/systemd/system", with: folder.path.string)
    let file = try folder.writeScript("script", script)
    let log = try folder.write("calls", "")
    let run = try await Tool.run(
      "env", ["PATH=\(folder.appending("stubs")):/usr/bin:/bin", "CALLS=\(log)", file.string] + words.dropFirst())
    #expect(run.status == 0 && run.output.isEmpty && run.errors.isEmpty, "\(run)")
    return try FileTree.text(of: log).split(separator: "\n").map(String.init)
  }

  /// systemd knows every word of the unit.
  @Test(.enabled(if: Tool.isInstalled("systemd-analyze"), "needs systemd-analyze")) func theUnitIsAUnit() async throws {
    let folder = try TemporaryFolder()
    let text = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.service.in"))
    let unit = try folder.write("lifeboat.service", text.replacing("@PREFIX@/bin/lifeboat", with: "/bin/true"))
    let ports = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.socket"))
    let socket = try folder.write("lifeboat.socket", ports)
    let judged = try await Tool.run("systemd-analyze", ["verify", "--man=no", unit.string, socket.string])
    #expect(judged.status == 0 && !judged.errors.contains("lifeboat."), "\(judged)")
    let damaged = try folder.write(
      "damaged.service",
      text.replacing("@PREFIX@/bin/lifeboat", with: "/bin/true").replacing("DynamicUser", with: "Dynamik"))
    #expect(try await Tool.run("systemd-analyze", ["verify", "--man=no", damaged.string]).errors.contains("Dynamik"))
  }
}
