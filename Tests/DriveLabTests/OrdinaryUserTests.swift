// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

extension DriveLab {
  /// A user who is nobody's administrator, with the UDisks2 and the polkit of Debian.
  struct OrdinaryUserTests {
    private static let stick = LabDrive(id: "stick", serial: "STICK-0001")
    private static let hidden = LabDrive(id: "hidden", serial: "HIDDEN-0001")
    private static let mounted = LabDrive(id: "mounted", serial: "MOUNTED-0001")
    private static let volume = LabDrive(id: "volume", serial: "LVM-0001")
    private static let others = [hidden, mounted, volume]

    @Test func whatPolkitAllowsIsWrittenAndNothingElse() async throws {
      try await LabImage.with { image in
        let drives = [Self.stick] + Self.others
        try await LabMachine.with(drives, targets: Set(drives.map(\.id)), files: ["image": image]) { lab in
          try await prepare(lab)
          let before = try drives.map { try lab.digest(of: $0) }
          try await withoutARuleNothingIsWritten(lab)
          try await withoutUDisksNothingIsWritten(lab)
          #expect(try drives.map { try lab.digest(of: $0) } == before)
          try await aPasswordOpensIt(lab, image)
          try await aRuleOpensIt(lab, image)
          try await whatIsInUseIsRefused(lab)
          #expect(try Self.others.map { try lab.digest(of: $0) } == Array(before.dropFirst()))
          try await aResetDriveShowsItsPartition(lab)
          #expect(try Self.others.map { try lab.digest(of: $0) } == Array(before.dropFirst()))
        }
      }
    }

    /// A person, an administrator's password, and drives in use: one in a way that the person cannot see.
    private func prepare(_ lab: LabMachine) async throws {
      var paths: [String] = []
      for drive in Self.others { paths.append(try await lab.path(of: drive)) }
      try await lab.require(
        """
        set -e
        useradd --no-create-home person
        echo root:secret | chpasswd
        wipefs -qa \(paths.joined(separator: " "))
        mkfs.ext4 -q \(paths[0]) && mkfs.ext4 -q \(paths[1]) && pvcreate -qq \(paths[2])
        mkdir /lab/hidden /lab/mounted
        mount -o ro \(paths[1]) /lab/mounted
        unshare --mount sh -c 'mount -o ro \(paths[0]) /lab/hidden && touch /lab/is-hidden && exec sleep 100000' \
          >/dev/null 2>&1 &
        """)
      try await lab.until("[ -e /lab/is-hidden ]")
      try await lab.require("sync && udevadm settle && systemctl start udisks2")
    }

    private func withoutARuleNothingIsWritten(_ lab: LabMachine) async throws {
      let listed = try await lab.lifeboat("devices", as: "person")
      #expect(listed.status == 0 && listed.output.contains("STICK-0001"), "\(listed)")
      let refused = try await lab.lifeboat("write /lab/image STICK-0001 --yes --json", as: "person")
      #expect(refused.status == 71, "\(refused)")
      let target = try refused.target("STICK-0001")
      #expect(target.code == "password-needed" && target.state == "untouched", "\(refused)")
      #expect(target.error?.contains("(org.freedesktop.udisks2.open-device)") == true, "\(refused)")
      try await rule("NO", lab)
      let forbidden = try await lab.lifeboat("write /lab/image STICK-0001 --yes --json", as: "person")
      #expect(try forbidden.target("STICK-0001").code == "not-authorized", "\(forbidden)")
      #expect(forbidden.status == 71)
      try await lab.require("rm /etc/polkit-1/rules.d/50-lab.rules && systemctl restart polkit")
    }

    private func withoutUDisksNothingIsWritten(_ lab: LabMachine) async throws {
      try await lab.require("systemctl mask --runtime --now udisks2")
      let missing = try await lab.lifeboat("write /lab/image STICK-0001 --yes --json", as: "person")
      #expect(missing.status == 69, "\(missing)")
      #expect(try missing.target("STICK-0001").code == "udisks-missing", "\(missing)")
      try await lab.require("systemctl unmask --runtime udisks2")
    }

    /// polkit's own agent asks on the terminal.
    private func aPasswordOpensIt(_ lab: LabMachine, _ image: FilePath) async throws {
      let run = try await lab.beginOnTerminal("password", "write /lab/image STICK-0001", as: "person")
      try await run.until(said: "Type the")
      try await run.type(Self.stick.serial)
      try await run.until(said: "Password:")
      try await run.type("secret")
      let outcome = try await run.end()
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.contains("STICK-0001): verified, "), "\(outcome)")
      #expect(try await lab.holds(Self.stick, image))
    }

    private func aRuleOpensIt(_ lab: LabMachine, _ image: FilePath) async throws {
      try await rule("YES", lab)
      let path = try await lab.path(of: Self.stick)
      try await lab.require("dd if=/dev/zero of=\(path) bs=1M count=8 oflag=direct status=none")
      let written = try await lab.lifeboat("write /lab/image STICK-0001 --yes --json", as: "person")
      #expect(written.status == 0, "\(written)")
      #expect(try written.target("STICK-0001").state == "complete")
      #expect(try await lab.holds(Self.stick, image))
      let compared = try await lab.lifeboat("write /lab/image STICK-0001 --verify-only --json", as: "person")
      #expect(compared.status == 0, "\(compared)")
    }

    /// Allowed as the person is: what is in use stays as it is.
    private func whatIsInUseIsRefused(_ lab: LabMachine) async throws {
      for (drive, code) in [(Self.mounted, "mounted"), (Self.volume, "member")] {
        let outcome = try await lab.lifeboat("write /lab/image \(drive.serial) --yes --json", as: "person")
        #expect(outcome.status == 15, "\(outcome)")
        #expect(try outcome.errorCode() == code, "\(outcome)")
      }
      let outcome = try await lab.lifeboat("write /lab/image \(Self.hidden.serial) --yes --json", as: "person")
      #expect(outcome.status == 15, "\(outcome)")
      #expect(try outcome.target(Self.hidden.serial).code == "target-busy", "\(outcome)")
    }

    /// The person may not have the partition table read; udev does it.
    private func aResetDriveShowsItsPartition(_ lab: LabMachine) async throws {
      let outcome = try await lab.lifeboat("devices reset STICK-0001 --yes --label EMPTY", as: "person")
      #expect(outcome.status == 0, "\(outcome)")
      try await lab.until("[ -b /dev/disk/by-label/EMPTY ]")
    }

    private func rule(_ result: String, _ lab: LabMachine) async throws {
      try await lab.require(
        """
        cat >/etc/polkit-1/rules.d/50-lab.rules <<'END'
        polkit.addRule(function(action, subject) {
          if (action.id == "org.freedesktop.udisks2.open-device" && subject.user == "person") {
            return polkit.Result.\(result);
          }
        });
        END
        systemctl restart polkit
        """)
    }
  }
}
