// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// What a fleet's tool ships, judged by dpkg-deb, shellcheck, Ansible, and stand-ins of the computer that gets it.
@Suite struct FleetPackageTests {
  private static let templates = FleetPackage.templates

  private func package(version: String? = "2026.11") async throws -> FleetPackage {
    try await FleetPackage.small(version: version)
  }

  /// A computer whose `lifeboat` writes down how it was called; nothing is installed on it yet.
  private func computer() throws -> TemporaryFolder {
    let computer = try TemporaryFolder()
    try computer.writeScript(
      "lifeboat",
      """
      echo "$*" >>\(computer.path)/calls
      case $* in *--status*) cat \(computer.path)/status 2>/dev/null; exit 15 ;; esac
      cp "${LIFEBOAT_MEDIUM:-$2}" \(computer.path)/medium 2>/dev/null || cp "$3" \(computer.path)/medium 2>/dev/null
      exit "$(cat \(computer.path)/exit 2>/dev/null || echo 0)"
      """)
    try computer.write("status", #"{"error": {"code" : "not-installed"}}"#)
    return computer
  }

  private func run(
    _ program: FilePath, _ arguments: [String], on computer: TemporaryFolder, disk: String = "/dev/disk/by-id/ata-X"
  ) async throws -> Tool.Outcome {
    let path = "\(computer.path):\(HostEnvironment["PATH"] ?? "/usr/bin:/bin")"
    return try await Tool.run(
      "sh", [program.string] + arguments,
      environment: ["PATH": path, "LIFEBOAT_DISK": disk, "LIFEBOAT_INSTALL": "--hidden"])
  }

  private func calls(_ computer: TemporaryFolder) -> [String] {
    ((try? FileTree.text(of: computer.appending("calls"))) ?? "").split(separator: "\n").map(String.init)
  }

  @Test func theScriptInstallsFirstAndUpdatesLater() async throws {
    let computer = try computer()
    let script = Self.templates.appending("update-partition")
    let first = try await run(script, ["/m.iso"], on: computer)
    #expect(first.status == 0, "\(first)")
    #expect(calls(computer).last == "install /m.iso --disk /dev/disk/by-id/ata-X --yes --hidden")
    try computer.write("status", "{}")
    let second = try await run(script, ["/m.iso", "--json"], on: computer)
    #expect(second.status == 0)
    #expect(calls(computer).last == "install --update /m.iso --disk /dev/disk/by-id/ata-X --yes --json")
    try computer.write("exit", "75")
    #expect(try await run(script, ["/m.iso"], on: computer).status == 75)
  }

  @Test func aDiskThatCannotBeToldIsRefused() async throws {
    let computer = try computer()
    try computer.writeScript("findmnt", "echo /dev/md0")
    try computer.writeScript("lsblk", "printf '/dev/md0 raid1\\n/dev/sda disk\\n/dev/sdb disk\\n'")
    let outcome = try await run(Self.templates.appending("update-partition"), ["/m.iso"], on: computer, disk: "")
    #expect(outcome.status == 15 && outcome.errors.contains("set LIFEBOAT_DISK"), "\(outcome)")
    #expect(calls(computer).isEmpty)
  }

  @Test func theScriptCarriesItsMedium() async throws {
    let folder = try TemporaryFolder()
    let package = try await package()
    let script = try await package.make(.script, in: folder.path)
    #expect(script.lastComponent?.string == "lifeboat-recovery-tier1.sh")
    let computer = try computer()
    let outcome = try await run(script, [], on: computer)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(calls(computer).last?.hasSuffix("--disk /dev/disk/by-id/ata-X --yes --hidden") == true)
    #expect(try Digest(ofFile: computer.appending("medium")) == package.digest)
    // Cut off, it does nothing.
    try await ExternalCommand("truncate", ["-s", "-1000", script.string]).run()
    let other = try self.computer()
    let cut = try await run(script, [], on: other)
    #expect(cut.status == 3 && cut.errors.contains("damaged or incomplete") && calls(other).isEmpty, "\(cut)")
  }

  @Test func theDebianPackageHasAllOfIt() async throws {
    let folder = try TemporaryFolder()
    let deb = try await package().make(.deb, in: folder.path)
    #expect(folder.names == ["lifeboat-recovery-tier1_2026.11_all.deb"])
    let fields = try await Tool.run("dpkg-deb", ["-f", deb.string, "Package", "Version", "Depends"])
    #expect(
      fields.lines == [
        "Package: lifeboat-recovery-tier1", "Version: 2026.11", "Depends: lifeboat, efibootmgr, util-linux",
      ])
    let tree = folder.appending("tree")
    try await ExternalCommand("dpkg-deb", ["-R", deb.string, tree.string]).run()
    for script in ["DEBIAN/postinst", "usr/share/lifeboat-recovery-tier1/update-partition"] {
      let judged = try await Tool.run("shellcheck", [tree.pushing(FilePath(script)).string])
      #expect(judged.status == 0, "\(judged)")
    }
    let media = FileTree.names(in: tree.pushing("usr/share/lifeboat-recovery-tier1")).filter { $0.hasSuffix(".iso") }
    #expect(media.count == 1)
    #expect(try FileTree.text(of: tree.pushing("DEBIAN/postinst")).contains(media.first ?? "?"))
  }

  /// What the package unpacks is for everybody to read, however the one who makes it keeps his own files.
  @Test func theDebianPackageKnowsNoUmask() async throws {
    let folder = try TemporaryFolder()
    let words = [
      try Repository.program("lifeboat").string, "package", try await SmallMedia.shared.iso().string, "--deb",
      "--package-version", "1", "--to", folder.path.string,
    ]
    let made = try await Tool.run("sh", ["-ec", "umask 077; exec \"$@\"", "sh"] + words)
    let package = try #require(made.lines.last, "\(made)")
    let files = try await ExternalCommand("dpkg-deb", ["-c", package]).text().split(separator: "\n")
    #expect(files.count > 5)
    #expect(files.filter { $0.prefixMatch(of: #/(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) /#) == nil } == [])
  }

  @Test(.enabled(if: Tool.isInstalled("ansible-playbook"), "needs ansible-core"))
  func ansibleUnderstandsTheRole() async throws {
    let folder = try TemporaryFolder()
    let role = try await package().make(.ansible, in: folder.path)
    #expect(role.lastComponent?.string == "lifeboat_recovery_tier1")
    #expect(FileTree.names(in: role.appending("files")).contains("update-partition"))
    let play = try folder.write("play.yml", "- hosts: localhost\n  roles: [lifeboat_recovery_tier1]\n")
    let outcome = try await Tool.run(
      "ansible-playbook", ["--syntax-check", "-i", "localhost,", play.string],
      environment: ["ANSIBLE_ROLES_PATH": folder.path.string, "HOME": folder.path.string, "LC_ALL": "C.UTF-8"])
    #expect(outcome.status == 0, "\(outcome)")
  }

  /// There is no PowerShell to ask: pairs, placeholders and the list of digests are looked at.
  @Test func theWindowsFolderIsComplete() async throws {
    let folder = try TemporaryFolder()
    let package = try await package()
    let made = try await package.make(.powershell, in: folder.path)
    let tree = made.appending("tree")
    let sums = try FileTree.text(of: made.appending("SHA256SUMS.txt")).replacing("\r\n", with: "\n")
    let outcome = try await Tool.run("sha256sum", ["--check", "--quiet"], in: tree, input: Array(sums.utf8))
    #expect(outcome.status == 0, "\(outcome)")
    let files = FileTree.walk(tree).filter { FileTree.kind(of: tree.pushing(FilePath($0))) == .file }
    #expect(sums.split(separator: "\n").count == files.count)
    for name in ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "boot/grub/grub.cfg", "lifeboat/state"] {
      #expect(files.contains(name), "\(name)")
    }
    let bytes = try FileTree.bytes(of: made.appending("Install-Recovery.ps1"))
    #expect(bytes.starts(with: [0xef, 0xbb, 0xbf]))
    let script = String(decoding: bytes, as: UTF8.self)
    #expect(script.firstMatch(of: /@[A-Z]+@/) == nil)
    #expect(script.contains("'Recovery: First aid “tier1”'") && script.contains("has not been run on Windows"))
    #expect(script.contains("manage-bde.exe -status") && script.contains("'/addlast'"))
    #expect(script.contains("$label = '\(StagedVolume.label)'"))
    for (open, close) in [("{", "}"), ("(", ")"), ("[", "]")] as [(Character, Character)] {
      #expect(script.count { $0 == open } == script.count { $0 == close }, "\(open)\(close)")
    }
    // The serial number that the script replaces stands in both menus.
    for menu in ["boot/grub/grub.cfg", "lifeboat/\(package.set.identifier)/menu.cfg"] {
      #expect(try FileTree.text(of: tree.pushing(FilePath(menu))).contains(FleetPackage.serial))
      #expect(script.contains("'\(menu.replacing("/", with: "\\"))'"))
    }
  }

  @Test(arguments: ["", "v1", "1 2", "1;reboot"]) func strangeVersions(_ version: String) async throws {
    await #expect(throws: FleetFailure.badVersion(version)) { _ = try await package(version: version) }
  }
}
