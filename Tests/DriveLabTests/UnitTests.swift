// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension DriveLab {
  /// The network boot server as systemd starts it: a user of its own, no capability, most of the system shut off.
  struct UnitTests {
    /// On a wire of its own, where nobody else is.
    private static let address = "10.66.0.2"

    @Test func systemdStartsTheServer() async throws {
      try await TemporaryFolder.with { folder in
        try await LabMachine.with([], targets: [], files: try await Self.files(in: folder)) { lab in
          try await Self.install(in: lab)
          try await lab.require("systemctl start lifeboat || { journalctl -u lifeboat -o cat; exit 1; }")
          try await Self.becomesReady(lab)
          try await Self.expectPorts(lab)
          try await Self.expectConfinement(lab)
          try await Self.expectFiles(lab)
          try await Self.expectStateIsKept(lab)
          try await lab.require("systemctl stop lifeboat; [ \"$(systemctl show -P Result lifeboat)\" = success ]")
        }
      }
    }

    /// A site of the lab's own image, published here, and the units.
    private static func files(in folder: FilePath) async throws -> [String: FilePath] {
      let medium = try await LabMedium.shared.path()
      let site = folder.appending("site")
      let published = try await Repository.lifeboat(
        ["publish", medium.string, "--site", site.string, "--unsigned", "--server", "http://\(address)"])
      try #require(published.status == 0, "\(published)")
      try await sign(site, with: folder.appending("key"))
      // As one file, which the computer mounts: twice in its memory it would not fit.
      let image = folder.appending("site.squashfs")
      try await ExternalCommand(
        "mksquashfs", [site.string, image.string, "-quiet", "-noI", "-noD", "-noF", "-no-progress"]
      ).run()
      let unit = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.service.in"))
        .replacing("@PREFIX@/bin/lifeboat", with: "/usr/local/bin/lifeboat")
      let ports = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.socket"))
      for (name, text) in [("unit", unit), ("socket", ports)] {
        // The drive that carries a file into the computer has whole sectors; systemd passes over blank lines.
        let words = Array(text.utf8)
        let rest = [UInt8](repeating: 0x0a, count: 4096 - words.count % 4096)
        try AtomicFile.write(words + rest, to: folder.appending(name))
      }
      return ["site": image, "unit": folder.appending("unit"), "socket": folder.appending("socket")]
    }

    /// The lab's medium carries no signature, so that its site is signed here, as publishing does it.
    private static func sign(_ site: FilePath, with key: FilePath) async throws {
      try await ExternalCommand("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key.string]).run()
      let index = site.appending("sets/1/index.json").string
      try await ExternalCommand("ssh-keygen", ["-q", "-Y", "sign", "-n", "lifeboat", "-f", key.string, index]).run()
      try AtomicFile.write(try FileTree.bytes(of: FilePath(key.string + ".pub")), to: site.appending("site-key.pub"))
    }

    private static func install(in lab: LabMachine) async throws {
      try await lab.require("mkdir -p /srv/lifeboat && mount -o loop,ro -t squashfs /lab/site /srv/lifeboat")
      try await lab.require("cp /lab/unit /run/systemd/system/lifeboat.service")
      try await lab.require("cp /lab/socket /run/systemd/system/lifeboat.socket && systemctl daemon-reload")
      try await lab.require(
        "modprobe dummy; ip link set lo up && ip link add wire0 type dummy && ip address add \(address)/24 dev wire0"
          + " && ip link set wire0 up")
    }

    private static func becomesReady(_ lab: LabMachine) async throws {
      let ready = "journalctl _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID lifeboat) -o cat | grep -qx ready"
      let answer = try await lab.shell.run(
        "n=0; until \(ready); do n=$((n + 1)); [ $n -lt 120 ] || exit 1; sleep 1; done")
      let log = try await lab.shell.run("journalctl -u lifeboat -u lifeboat.socket -o cat").output
      try #require(answer.status == 0, "\(log)")
      #expect(log.contains("set 1, signed by SHA256:"), "\(log)")
      #expect(!log.contains("name a folder with --state") && !log.contains("does not reach this service"), "\(log)")
    }

    /// They are systemd's, which handed them over, and those of the unit alone.
    private static func expectPorts(_ lab: LabMachine) async throws {
      let listening = try await lab.require("ss -Hlntup")
      for port in ["0.0.0.0:80", "0.0.0.0:69", "0.0.0.0:67", "0.0.0.0:4011", "255.255.255.255:68"] {
        let line = listening.split(separator: "\n").first { $0.contains(" \(port) ") }
        #expect(line?.contains("\"systemd\",pid=1,") == true && line?.contains("\"lifeboat\"") == true, "\(listening)")
      }
      let own = listening.split(separator: "\n").filter { $0.contains("\"lifeboat\"") && !$0.contains("pid=1,") }
      #expect(own.isEmpty, "no port is its own: \(own)")
    }

    private static func expectConfinement(_ lab: LabMachine) async throws {
      let status = try await lab.require("cat /proc/$(systemctl show -P MainPID lifeboat)/status")
      for line in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        #expect(status.contains("\(line):\t0000000000000000"), "no right at all: \(status)")
      }
      #expect(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "\(status)")
      #expect(!status.contains("Uid:\t0"), "\(status)")
    }

    /// What it serves has the name of its digest.
    private static func expectFiles(_ lab: LabMachine) async throws {
      try await lab.require(
        "set -e; name=$(grep -o 'layers/[0-9a-f]*' /srv/lifeboat/current/index.json | head -n 1); "
          + "busybox wget -qO /run/layer http://\(address)/$name.squashfs; "
          + "[ \"$(sha256sum </run/layer | cut -d ' ' -f 1)\" = ${name#layers/} ]; rm /run/layer")
      try await lab.require(
        "set -e; cd /run; busybox wget -qO by-http http://\(address)/boot/lab/boot.ipxe; "
          + "busybox tftp -g -l by-tftp -r boot/lab/boot.ipxe \(address); cmp by-http by-tftp; [ -s by-tftp ]")
      let none = try await lab.shell.run("busybox wget -qO - http://\(address)/current/index.json")
      #expect(none.status != 0 && none.output.contains("404"), "\(none)")
    }

    /// What was said with `lifeboat clients` outlives the service, which has another process and perhaps another user then.
    private static func expectStateIsKept(_ lab: LabMachine) async throws {
      let card = "52:54:00:12:34:56"
      let approved = try await lab.lifeboat("clients approve \(card)")
      #expect(approved.status == 0 && approved.output.contains("\(card) is known from now on"), "\(approved)")
      let before = try await lab.require("systemctl show -P MainPID lifeboat")
      try await lab.require("systemctl restart lifeboat")
      try await becomesReady(lab)
      #expect(try await lab.require("systemctl show -P MainPID lifeboat") != before)
      let listed = try await lab.lifeboat("clients")
      #expect(listed.status == 0 && listed.output.contains(card), "\(listed)")
      let kept = try await lab.require("stat -L -c '%a %U' /var/lib/lifeboat; cat /var/lib/lifeboat/audit.jsonl")
      #expect(kept.hasPrefix("750 ") && !kept.hasPrefix("750 root"), "\(kept)")
      #expect(kept.contains("\"approve\"") && kept.contains("\"uid 0\""), "\(kept)")
      try await lab.require("runuser -u nobody -- lifeboat clients; [ $? -ne 0 ]")
    }
  }
}
