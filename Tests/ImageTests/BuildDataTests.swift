// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The scripts and rules that shape the system while it is built.
struct BuildDataTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  // MARK: - cleanup

  private func cleanup(_ root: FilePath) async throws -> Tool.Outcome {
    try await Tool.run("/bin/sh", [SourceTests.build.appending("cleanup").string, root.string])
  }

  @Test func whatBelongsToTheBuildersMachineGoes() async throws {
    let gone = [
      "var/lib/apt/lists/host_Packages", "var/cache/apt/pkgcache.bin", "var/cache/apt/archives/a.deb",
      "var/cache/ldconfig/aux-cache", "var/cache/debconf/config.dat-old", "var/log/dpkg.log", "var/log/apt/term.log",
      "etc/ssh/ssh_host_rsa_key", "etc/ssh/ssh_host_rsa_key.pub", "etc/passwd-", "etc/shadow-", "etc/.pwd.lock",
      "etc/foo.conf.dpkg-old", "etc/deep/bar.dpkg-dist", "var/lib/systemd/random-seed", "var/lib/dpkg/status-old",
      "var/backups/dpkg.status.0", "var/lib/dbus/machine-id", "root/.bash_history", "tmp/rest", "run/rest",
      "usr/lib/python3/dist-packages/a/__pycache__/a.cpython-311.pyc",
    ]
    let kept = [
      "etc/passwd", "etc/ssh/sshd_config", "etc/foo.conf", "var/lib/dpkg/status", "var/cache/debconf/config.dat",
      "usr/lib/python3/dist-packages/a/a.py", "usr/share/doc/a/copyright",
    ]
    for name in gone + kept { try folder.write("root/" + name, "content") }
    try folder.write("root/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    try folder.write("root/etc/resolv.conf", "nameserver 192.0.2.1\n")
    try folder.write("root/etc/hostname", "workshop\n")
    let root = folder.appending("root")
    let outcome = try await cleanup(root)
    #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)")
    for name in gone { #expect(FileTree.kind(of: root.appending(name)) == nil, "\(name) is still there") }
    for name in kept { #expect(try FileTree.text(of: root.appending(name)) == "content", "\(name)") }
    for name in ["etc/machine-id", "etc/resolv.conf"] { #expect(FileTree.status(of: root.appending(name))?.size == 0) }
    #expect(try FileTree.text(of: root.appending("etc/hostname")) == "lifeboat\n")
    // Services find the folders that their packages made.
    for name in ["var/log/apt", "var/lib/apt/lists", "var/cache/apt/archives"] {
      #expect(FileTree.kind(of: root.appending(name)) == .folder, "\(name)")
    }
  }

  @Test func aCleanSystemIsNotWrittenTo() async throws {
    let root = folder.appending("root")
    try folder.write("root/etc/hostname", "lifeboat\n")
    for name in ["machine-id", "resolv.conf"] { try folder.write("root/etc/\(name)", "") }
    for name in ["usr", "var/log", "var/cache", "tmp", "run"] { try FileTree.makeFolder(root.appending(name)) }
    let places = ["etc/hostname", "etc/machine-id", "etc/resolv.conf"].map { root.appending($0) }
    for place in places { utimensat(AT_FDCWD, place.string, [timespec(), timespec()], 0) }
    #expect(try await cleanup(root).status == 0)
    for place in places { #expect(FileTree.status(of: place)?.modified == 0, "\(place) was written to") }
  }

  @Test func whatIsNoSystemIsRefused() async throws {
    for place in [folder.path, FilePath("/"), folder.appending("missing")] {
      let outcome = try await cleanup(place)
      #expect(outcome.status != 0 && outcome.errors.contains("not the folder of a system"), "\(outcome)")
    }
  }

  // MARK: - dpkg-excludes

  /// dpkg itself unpacks a package under these rules.
  @Test func theRulesSayToDpkgWhatTheyShould() async throws {
    let modules = "usr/lib/modules/6.1.0-1-amd64/kernel"
    let kept = [
      "usr/share/doc/thing/copyright", "usr/bin/thing", "usr/share/locale/locale.alias", "usr/share/i18n/locales/de_DE",
      "\(modules)/drivers/ata/ahci.ko", "\(modules)/drivers/net/wireless/intel/iwlwifi/iwlwifi.ko",
      "\(modules)/drivers/gpu/drm/ast/ast.ko", "\(modules)/sound/core/snd.ko", "\(modules)/fs/ext4/ext4.ko",
      "\(modules)/drivers/nvme/target/nvmet-fc.ko", "\(modules)/drivers/video/fbdev/core/syscopyarea.ko",
    ]
    let left = [
      "usr/share/doc/thing/README", "usr/share/doc/thing/examples/copyright.txt", "usr/share/man/man1/thing.1.gz",
      "usr/share/locale/de/LC_MESSAGES/thing.mo", "usr/share/info/thing.info.gz", "usr/share/lintian/overrides/thing",
      "\(modules)/sound/pci/hda/snd-hda-intel.ko", "\(modules)/drivers/gpu/drm/i915/i915.ko",
      "\(modules)/drivers/nvme/target/nvmet-tcp.ko", "\(modules)/drivers/media/cec/core/cec.ko",
    ]
    for name in kept + left { try folder.write("package/\(name)", "content") }
    try folder.write(
      "package/DEBIAN/control",
      "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: thing\n")
    let package = folder.appending("thing.deb").string
    try await ExternalCommand(
      "dpkg-deb", ["--root-owner-group", "--build", folder.appending("package").string, package], package: "dpkg"
    ).run()
    let root = folder.appending("root")
    for name in ["info", "updates", "triggers"] { try FileTree.makeFolder(root.appending("var/lib/dpkg/\(name)")) }
    try folder.write("root/var/lib/dpkg/status", "")
    let rules = try FileTree.text(of: SourceTests.build.appending("dpkg-excludes")).split(separator: "\n")
      .filter { $0.hasPrefix("path-") }.map { "--" + $0 }
    let outcome = try await Tool.run(
      "dpkg",
      ["--root=\(root)", "--force-not-root", "--force-script-chrootless", "--log=/dev/null"] + rules
        + ["--unpack", package], package: "dpkg")
    #expect(outcome.status == 0, "\(outcome)")
    for name in kept { #expect(FileTree.kind(of: root.appending(name)) == .file, "\(name) is missing") }
    for name in left { #expect(FileTree.kind(of: root.appending(name)) == nil, "\(name) is there") }
  }

  /// Debian 12 ships modules in /lib, its successors in /usr/lib: each rule stands for both.
  @Test func everyModuleRuleStandsTwice() throws {
    let rules = try FileTree.text(of: SourceTests.build.appending("dpkg-excludes")).split(separator: "\n").map(
      String.init)
    let old = rules.filter { $0.contains("=/lib/modules/") }
    #expect(
      old.count > 80
        && old.map { $0.replacing("=/lib/", with: "=/usr/lib/") } == rules.filter { $0.contains("=/usr/lib/modules/") })
  }

  // MARK: - initramfs

  private func check(kernel: [String], initramfs: [String]) async throws -> Tool.Outcome {
    let prefix = "lib/modules/6.1.0-1-amd64/kernel/"
    let lists = try [kernel, initramfs].enumerated().map { index, names in
      try folder.write("list\(index)", names.map { "\(index == 0 ? "./" : "usr/")\(prefix)\($0).ko\n" }.joined()).string
    }
    return try await Tool.run("/bin/sh", [SourceTests.build.appending("check-initramfs").string] + lists)
  }

  @Test func lackingDriversAreFound() async throws {
    let kernel = [
      "drivers/ata/ahci", "drivers/scsi/st", "drivers/net/ethernet/intel/e1000e/e1000e", "sound/core/snd",
      "drivers/nvme/target/nvmet",
    ]
    let whole = try await check(
      kernel: kernel, initramfs: ["drivers/ata/ahci", "drivers/net/ethernet/intel/e1000e/e1000e"])
    #expect(whole.status == 0 && whole.output.isEmpty, "\(whole)")
    let lacking = try await check(kernel: kernel, initramfs: ["drivers/ata/ahci"])
    #expect(lacking.status == 1 && lacking.output == "drivers/net/ethernet/intel/e1000e/e1000e\n", "\(lacking)")
  }
}
