// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// What a fleet's tool ships, run with the real program on the image of a disk; what it would change of the computer
/// itself is in memory, in a namespace of its own.
@Suite struct FleetRunTests {
  private static let hasNamespaces = ["unshare", "mount"].allSatisfy { Tool.isInstalled($0) }

  /// The program's folder comes before others.
  private func environment(_ disk: DiskImage, _ more: [String: String] = [:]) throws -> [String: String] {
    let folder = try Repository.program("lifeboat").removingLastComponent()
    let path = "\(disk.folder.appending("stand-ins")):\(folder):/usr/sbin:/usr/bin:/sbin:/bin"
    return [
      "PATH": path, "LIFEBOAT_DISK": disk.path.string, "LIFEBOAT_INSTALL": "--size 300M", "LC_ALL": "C.UTF-8",
    ].merging(more) { $1 }
  }

  @Test func theScriptInstallsUpdatesAndLeavesAlone() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let script = FleetPackage.templates.appending("update-partition").string
    let first = try await SmallMedia.shared.iso()
    let second = try await SmallMedia.shared.iso(tools: "newer tools", number: 2)
    for (medium, state) in [(first, "installed"), (first, "unchanged"), (second, "updated"), (second, "unchanged")] {
      let outcome = try await Tool.run("sh", [script, medium.string, "--json"], environment: try environment(disk))
      #expect(outcome.status == 0 && outcome.output.contains("\"state\" : \"\(state)\""), "\(outcome)")
    }
  }

  /// dpkg's own steps, in folders that only this run sees: the package's files, its settings, its script.
  @Test(.enabled(if: hasNamespaces, "needs mount namespaces")) func theDebianPackageConfiguresItself() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let deb = try await FleetPackage.small().make(.deb, in: disk.folder.path)
    let tree = disk.folder.appending("tree")
    try await ExternalCommand("dpkg-deb", ["-R", deb.string, tree.string]).run()
    let settings = "LIFEBOAT_DISK=\(disk.path)\nLIFEBOAT_INSTALL=\"--size 300M --hidden\"\n"
    try disk.folder.write("tree/etc/default/lifeboat-recovery-tier1", settings)
    let script = """
      for folder in usr/share etc/default; do
        mount -t tmpfs none "/$folder"
        cp -a "$1/$folder/." "/$folder/"
      done
      exec sh "$1/DEBIAN/postinst" configure
      """
    let arguments = ["-rmpf", "--mount-proc", "sh", "-ec", script, "sh", tree.string]
    func configure() async throws -> Tool.Outcome {
      try await Tool.run("unshare", arguments, environment: try environment(disk, ["LIFEBOAT_DISK": ""]))
    }
    // In the making of an image, the disk is that of another computer.
    let before = try Digest(ofFile: disk.path)
    try disk.folder.writeScript("stand-ins/ischroot", "exit 0")
    let chroot = try await configure()
    #expect(chroot.status == 0 && chroot.errors.contains("dpkg-reconfigure lifeboat-recovery-tier1"), "\(chroot)")
    #expect(try Digest(ofFile: disk.path) == before)
    FileTree.remove(disk.folder.appending("stand-ins/ischroot"))

    let first = try await configure()
    #expect(first.status == 0 && first.errors.contains("installing on \(disk.path)"), "\(first)")
    let status = try await disk.installer().status()
    #expect(status.partition.isHidden && status.slots.map(\.damage) == [[]])
    let second = try await configure()
    #expect(second.status == 0 && second.output.contains("is already installed, and whole"), "\(second)")
  }

  @Test(.enabled(if: hasNamespaces && Tool.isInstalled("ansible-playbook"), "needs mount namespaces and ansible-core"))
  func ansibleChangesNothingTheSecondTime() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    _ = try await FleetPackage.small().make(.ansible, in: disk.folder.path)
    let play = try disk.folder.write(
      "play.yml",
      """
      - hosts: localhost
        gather_facts: false
        roles: [lifeboat_recovery_tier1]
        vars:
          lifeboat_recovery_disk: "\(disk.path)"
          lifeboat_recovery_options: "--size 300M"
          lifeboat_recovery_installs_program: false

      """)
    let script = #"mount -t tmpfs none /var/lib && "$@" && exec "$@""#
    let outcome = try await Tool.run(
      "unshare", ["-rm", "sh", "-c", script, "sh", "ansible-playbook", "-i", "localhost,", "-c", "local", play.string],
      environment: try environment(
        disk, ["ANSIBLE_ROLES_PATH": disk.folder.path.string, "HOME": disk.folder.path.string]))
    let counts = outcome.output.matches(of: /changed=([0-9]+)/).compactMap { Int($0.output.1) }
    #expect(outcome.status == 0 && counts == [4, 0], "\(outcome)")
    #expect(try await disk.installer().status().slots.map(\.damage) == [[]])
  }

  /// The disk below the file system of /, through a volume, by a name that says which disk it is.
  @Test(.enabled(if: hasNamespaces, "needs mount namespaces"), arguments: ["nvme-Inner_S1", nil])
  func theSystemsOwnDiskIsFound(name: String?) async throws {
    let disk = try await DiskImage("")
    for (program, answer) in [
      ("findmnt", "echo '/dev/mapper/system-root[/@]'"),
      ("lsblk", "printf '/dev/mapper/system-root lvm\\n/dev/sda2 part\\n/dev/sda disk\\n'"),
      ("lifeboat", "echo \"$*\"; echo '{\"error\": {\"code\" : \"not-installed\"}}'"),
    ] { try disk.folder.writeScript("stand-ins/\(program)", answer) }
    let script = """
      dev=$1/dev
      mkdir -p "$dev/disk/by-id"
      touch "$dev/null" "$dev/sda" "$dev/sdb"
      mount --bind /dev/null "$dev/null"
      ln -s ../../sdb "$dev/disk/by-id/ata-Other"
      for name in dm-name-system-root lvm-pv-uuid-1 $2; do ln -s ../../sda "$dev/disk/by-id/$name"; done
      mount --rbind "$dev" /dev
      exec sh "$3" /m.iso
      """
    let outcome = try await Tool.run(
      "unshare",
      [
        "-rm", "sh", "-ec", script, "sh", disk.folder.path.string, name ?? "",
        FleetPackage.templates.appending("update-partition").string,
      ], environment: try environment(disk, ["LIFEBOAT_DISK": ""]))
    if let name {
      let arguments = "install /m.iso --disk /dev/disk/by-id/\(name) --yes --size 300M"
      #expect(outcome.status == 0 && outcome.lines.first == arguments, "\(outcome)")
    } else {
      #expect(outcome.status == 15 && outcome.errors.contains("has no name of its own"), "\(outcome)")
    }
  }
}
