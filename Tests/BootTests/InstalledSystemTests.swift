// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import Signing
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// The real command, run by an installed Debian on the disk that it lives on: the recovery starts from each entry that
/// was made, Debian by itself, and after a removal everything is as before.
@Suite(
  .serialized,
  .enabled(
    if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1" && InstalledDebian.isPossible,
    "set LIFEBOAT_BOOT_TESTS=1 to boot, as root"))
struct InstalledSystemTests {
  private static let disk = "--disk /dev/disk/by-id/virtio-DISK1 --yes"
  private static let install = "TMPDIR=/tmp lifeboat install /mnt/first.iso --size 700M --hidden \(disk)"
  private static let afterwards = "AFTERWARDS"
  /// Removes, and shows what is left of entries.
  private static let remove =
    "lifeboat install --remove \(disk)\necho \(afterwards)\nls -1 /etc/grub.d\ngrep -i lifeboat /boot/grub/grub.cfg || :\n"

  private func withComputer(
    _ firmware: TrialMachine.Firmware, _ body: (LabComputer, MediumRecord) async throws -> Void
  ) async throws {
    let record = try MediumVerification.record(of: ISOReader(try await DemoMedium.x64.path()))
    let program = try await InstalledDebian.shared.program()
    try await TemporaryFolder.with { folder in
      let disk = try await InstalledDebian.shared.disk(folder.appending("disk"))
      let computer = LabComputer(
        firmware: firmware,
        drives: [
          .init(image: disk, serial: "DISK1"), .init(image: program, serial: "PROGRAM", keeping: .isReadOnly),
        ], folder: folder)
      try await body(computer, record)
    }
  }

  private func table(of computer: LabComputer) async throws -> String {
    try await Tool.run("sfdisk", ["--dump", computer.drives[0].image.string]).output
  }

  /// By GRUB's menu and by the boot record, which hands over to GRUB.
  @Test func onABIOS() async throws {
    try await withComputer(.bios) { computer, record in
      let before = try await table(of: computer)
      let code = try await Tool.run("head", ["-c", "440", computer.drives[0].image.string]).bytes
      let said = try await computer.command(
        "\(Self.install) --mbr-chain --hotkey-delay 5\nls /etc/grub.d\ngrub-reboot lifeboat\n")
      #expect(said.contains { $0.contains("boot entry /dev/vda") }, "\(said)")
      #expect(said.contains { $0.contains("boot entry /etc/grub.d/42_lifeboat_") }, "\(said)")

      let byMenu = try await computer.startRecovery()
      #expect(byMenu.id == record.identifier && byMenu.firmware == "bios" && byMenu.medium == "/dev/vda4")
      let usual = try await computer.start(until: InstalledDebian.mark, ReadyLine.mark)
      #expect(usual.contains(InstalledDebian.mark))
      let byKey = try await computer.startRecovery(pressing: ["esc"])
      #expect(byKey.id == record.identifier && byKey.medium == "/dev/vda4")

      let left = try await computer.command(Self.remove)
      #expect(left.contains("boot entry /dev/vda was removed"), "\(left)")
      #expect(!left.drop { $0 != Self.afterwards }.contains { $0.contains("lifeboat") }, "\(left)")
      #expect(try await table(of: computer) == before)
      #expect(try await Tool.run("head", ["-c", "440", computer.drives[0].image.string]).bytes == code)
      #expect(try await computer.start(until: InstalledDebian.mark, ReadyLine.mark).contains(InstalledDebian.mark))
    }
  }

  /// By the firmware's entry, which stays in its variables, and by GRUB's menu.
  @Test(arguments: [TrialMachine.Firmware.secureBoot, .uefi])
  func onUEFI(_ firmware: TrialMachine.Firmware) async throws {
    let secureBoot = firmware == .secureBoot ? "enabled" : "disabled"
    try await withComputer(firmware) { computer, record in
      let before = try await table(of: computer)
      let said = try await computer.command(
        """
        efibootmgr
        \(Self.install)
        echo \(Self.afterwards)
        efibootmgr
        number=$(efibootmgr | sed -n 's/^Boot\\(....\\)\\* Recovery:.*/\\1/p')
        efibootmgr --bootnext "$number"

        """)
      let order = try #require(said.drop { $0 != Self.afterwards }.first { $0.hasPrefix("BootOrder: ") })
      let old = try #require(said.first { $0.hasPrefix("BootOrder: ") })
      let entry = try #require(said.last { $0.contains("* Recovery: Contoso first aid") })
      #expect(order == "\(old),\(entry.dropFirst(4).prefix(4))", "\(said)")

      let byFirmware = try await computer.startRecovery()
      #expect(byFirmware.id == record.identifier && byFirmware.secureBoot == secureBoot)
      let usual = try await computer.command("efibootmgr\ngrub-reboot lifeboat\n")
      #expect(usual.contains(order), "\(usual)")
      let byMenu = try await computer.startRecovery()
      #expect(byMenu.id == record.identifier && byMenu.secureBoot == secureBoot)

      let left = try await computer.command("\(Self.remove)efibootmgr\n")
      let rest = left.drop { $0 != Self.afterwards }
      #expect(!rest.contains { $0.contains("lifeboat") || $0.contains("Recovery") }, "\(left)")
      #expect(rest.contains(old), "\(left)")
      #expect(try await table(of: computer) == before)
      #expect(try await computer.start(until: InstalledDebian.mark, ReadyLine.mark).contains(InstalledDebian.mark))
    }
  }

  /// First in the firmware's order: each start waits for Esc, and goes on with Debian through the recovery's GRUB.
  @Test func firstUnderSecureBoot() async throws {
    let question = "Press Esc within 3 seconds"
    try await withComputer(.secureBoot) { computer, record in
      let before = try await table(of: computer)
      // As Debian's installer leaves it; `grub-install` had no firmware to write to.
      let said = try await computer.command(
        """
        efibootmgr --create --disk /dev/vda --part 2 --label debian --loader '\\EFI\\debian\\shimx64.efi'
        \(Self.install) --boot-order first --hotkey-delay 3
        echo \(Self.afterwards)
        efibootmgr

        """)
      let old = try #require(said.first { $0.hasPrefix("BootOrder: ") })
      let entry = try #require(said.last { $0.contains("* Recovery: Contoso first aid") }?.dropFirst(4).prefix(4))
      let order = "BootOrder: \(entry),\(old.dropFirst("BootOrder: ".count))"
      #expect(said.drop { $0 != Self.afterwards }.contains(order), "\(said)")

      let usual = try await computer.run { machine in
        _ = try await machine.line { $0.contains(question) }
        return try await machine.line { $0.contains(InstalledDebian.mark) || $0.contains(ReadyLine.mark) }
      }
      #expect(usual.contains(InstalledDebian.mark))
      let byKey = try await computer.startRecovery(pressing: ["esc"], after: question)
      #expect(byKey.id == record.identifier && byKey.secureBoot == "enabled" && byKey.medium == "/dev/vda4")

      let left = try await computer.command("efibootmgr\n\(Self.remove)efibootmgr\n")
      #expect(left.first { $0.hasPrefix("BootOrder: ") } == order, "\(left)")
      let rest = left.drop { $0 != Self.afterwards }
      #expect(!rest.contains { $0.contains("lifeboat") || $0.contains("Recovery") }, "\(left)")
      #expect(rest.contains(old), "\(left)")
      #expect(try await table(of: computer) == before)
      #expect(try await computer.start(until: InstalledDebian.mark, question).contains(InstalledDebian.mark))
    }
  }
}
