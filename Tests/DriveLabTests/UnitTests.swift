// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension DriveLab {
  /// The network boot server as systemd starts it: a user of its own, no capability, most of the system shut off.
  struct UnitTests {
    @Test func systemdStartsTheServer() async throws {
      let medium = try await LabMedium.shared.path()
      let text = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.service.in"))
      let ports = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.socket"))
      try await TemporaryFolder.with { folder in
        let unit = folder.appending("unit")
        // The disk of a blank name at the end: the drive that carries the file into the computer has whole sectors.
        let socket = folder.appending("socket")
        for (text, file) in [
          (text.replacing("@PREFIX@/bin/lifeboat", with: "/usr/bin/env lifeboat"), unit), (ports, socket),
        ] {
          let words = Array(text.utf8)
          try AtomicFile.write(words + [UInt8](repeating: 0x0a, count: 4096 - words.count % 4096), to: file)
        }
        let files = ["image": medium, "unit": unit, "socket": socket]
        try await LabMachine.with([], targets: [], files: files) { lab in
          try await lab.require("mount -t tmpfs -o size=400m,mode=755 tmpfs /srv && ip link set lo up")
          let published = try await lab.lifeboat(
            "publish /lab/image --site /srv/lifeboat --unsigned --server http://127.0.0.1")
          #expect(published.status == 0, "\(published)")
          try await lab.require("rm /lab/image && cp /lab/unit /run/systemd/system/lifeboat.service")
          try await lab.require("cp /lab/socket /run/systemd/system/lifeboat.socket")
          try await lab.require(
            "mkdir -p /etc/default && echo 'LIFEBOAT_OPTIONS=\"--mode site\"' >/etc/default/lifeboat")
          try await lab.require("systemctl daemon-reload && systemctl start lifeboat")
          try await lab.until("journalctl -u lifeboat -o cat | grep -qx ready", seconds: 120)
          // What it serves has the name of its digest.
          try await lab.require(
            "set -e; name=$(cd /srv/lifeboat/current && grep -o 'layers/[0-9a-f]*' index.json | head -n 1); "
              + "busybox wget -qO /run/layer http://127.0.0.1/$name.squashfs; "
              + "[ \"$(sha256sum </run/layer | cut -d ' ' -f 1)\" = ${name#layers/} ]")
          let status = try await lab.require("cat /proc/$(systemctl show -P MainPID lifeboat)/status")
          #expect(status.contains("CapEff:\t0000000000000000"), "no right at all: \(status)")
          #expect(!status.contains("Uid:\t0"), "\(status)")
          try await lab.require("systemctl stop lifeboat; [ \"$(systemctl show -P Result lifeboat)\" = success ]")
        }
      }
    }
  }
}
