// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks

/// The entry in systemd-boot's menu, on a mounted file system that is an installed system's. It is one in memory, as not
/// every kernel can mount FAT.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root, to mount"))
struct SystemdBootTests {
  private static let partition = InstalledGRUBTests.partition
  private static let entry = "loader/entries/lifeboat-6C696665.conf"
  private static let image = "EFI/lifeboat/6C696665.efi"

  /// A computer that systemd-boot starts, with Debian's kernel-install.
  private struct Computer {
    let folder: FilePath
    var esp: FilePath { folder.appending("efi") }
    var variables: FilePath { folder.pushing("firmware/efivars") }
    func boot(tools: FilePath = "/usr") -> SystemdBoot {
      SystemdBoot(root: folder, firmware: folder.appending("firmware"), tools: tools)
    }
    func write(_ path: String, _ text: String) throws {
      let file = folder.pushing(FilePath(path))
      try FileTree.makeFolder(file.removingLastComponent())
      try AtomicFile.write(Array(text.utf8), to: file)
    }
    var files: [String] { FileTree.walk(esp).filter { FileTree.kind(of: esp.pushing(FilePath($0))) == .file } }
    func mount(_ options: String) async throws {
      try await ExternalCommand("mount", ["-o", options, esp.string]).run()
    }
  }

  private func withComputer(
    mebibytes: Int = 40, loader: String = "systemd-bootx64.efi", _ body: (Computer) async throws -> Void
  ) async throws {
    try await TemporaryFolder.with { folder in
      let computer = Computer(folder: folder)
      try FileTree.makeFolder(computer.esp)
      try await ExternalCommand(
        "mount", ["-t", "tmpfs", "-o", "size=\(mebibytes)m", "lifeboat", computer.esp.string]
      ).run()
      let outcome: Result<Void, any Error>
      do {
        try computer.write("efi/EFI/systemd/\(loader)", "loader")
        try computer.write("efi/loader/loader.conf", "timeout 3\n")
        try computer.write("efi/loader/entries/debian.conf", "title Debian\nsort-key debian\nlinux /debian/vmlinuz\n")
        try computer.write("firmware/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", "\u{6}\0\0\0\0")
        outcome = .success(try await body(computer))
      } catch { outcome = .failure(error) }
      try await ExternalCommand("umount", [computer.esp.string]).run()
      try outcome.get()
    }
  }

  @Test func theEntryIsMadeAndGoesAgain() async throws {
    try await withComputer { computer in
      let before = computer.files
      let boot = computer.boot()
      let name = computer.esp.pushing(FilePath(Self.entry)).string
      #expect(
        try await boot.plan(Self.partition, BootWish())
          == ["add “Recovery: Contoso's first aid” to systemd-boot's menu: \(name)"])
      #expect(computer.files == before)
      for _ in 1...2 {
        let made = try await boot.register(Self.partition, BootWish())
        #expect(made == [BootEntry(kind: .systemdBoot, name: name, label: "Recovery: Contoso's first aid")])
        #expect(Set(computer.files).subtracting(before) == [Self.entry, Self.image])
      }
      let text = try FileTree.text(of: FilePath(name))
      #expect(
        text.contains("\ntitle Recovery: Contoso's first aid\nefi /\(Self.image)\n") && !text.contains("sort-key"))
      let program = try FileTree.bytes(of: computer.esp.pushing(FilePath(Self.image)))
      #expect(program.starts(with: Array("MZ".utf8)) && program.count < 1 << 20)
      #expect(program.firstRange(of: Array("--set=recovery 6C69-6665\n".utf8)) != nil)
      #expect(try await boot.status(of: Self.partition).map(\.name) == [name])
      var other = Self.partition
      other.fileSystemSerial = "1111-2222"
      #expect(try await boot.unregister(other) == [])
      #expect(try await boot.unregister(Self.partition).map(\.name) == [name])
      #expect(computer.files == before && FileTree.kind(of: computer.esp.pushing("EFI/lifeboat")) == nil)
      #expect(try await boot.unregister(Self.partition) == [])
    }
  }

  @Test func a32BitFirmware() async throws {
    try await withComputer(loader: "systemd-bootia32.efi") { computer in
      #expect(!computer.boot().isPresent)
      try computer.write("firmware/fw_platform_size", "32\n")
      _ = try await computer.boot().register(Self.partition, BootWish())
      let program = try FileTree.bytes(of: computer.esp.pushing(FilePath(Self.image)))
      #expect(program.firstRange(of: Array("/EFI/BOOT/BOOTIA32.EFI".utf8)) != nil)
    }
  }

  /// Each is a line of the plan, and no failure: the firmware's entry is there.
  @Test func whatStandsAgainstIt() async throws {
    try await withComputer { computer in
      func requireNothing(_ reason: String, _ boot: SystemdBoot? = nil) async throws {
        let boot = boot ?? computer.boot()
        let plan = try await boot.plan(Self.partition, BootWish())
        #expect(
          plan.count == 1 && plan.first?.hasPrefix("no entry in systemd-boot's menu: \(reason)") == true, "\(plan)")
        #expect(try await boot.register(Self.partition, BootWish()) == [])
        #expect(!computer.files.contains(Self.entry) && !computer.files.contains(Self.image))
      }
      let variable = "firmware/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
      try computer.write(variable, "\u{6}\0\0\0\u{1}")
      try await requireNothing("Secure Boot is on")
      FileTree.remove(computer.folder.pushing(FilePath(variable)))
      try await requireNothing("whether Secure Boot is on cannot be read")
      try computer.write(variable, "\u{6}\0\0\0\0")
      try await requireNothing("/none/bin/grub-mkimage is missing (package grub-common)", computer.boot(tools: "/none"))
      let tools = computer.folder.appending("tools")
      try computer.write("tools/bin/grub-mkimage", "")
      try await requireNothing(
        "\(tools)/lib/grub/x86_64-efi is missing (package grub-efi-amd64-bin)", computer.boot(tools: tools))
      // Without a name to start by itself, and without keys, systemd-boot starts the first: this one.
      try computer.write("efi/loader/entries/debian.conf", "title Debian\nlinux /debian/vmlinuz\n")
      try await requireNothing("it would become what starts by itself")
      for named in ["*", "gone.conf"] {
        try computer.write("efi/loader/loader.conf", "default \(named)\n")
        try await requireNothing("it would become what starts by itself")
      }
      try computer.write("efi/loader/loader.conf", "#timeout 3\ndefault Debian*\n")
      #expect(try await computer.boot().register(Self.partition, BootWish()).count == 1)
    }
  }

  /// What a folder has while nothing is mounted there is not what firmware sees.
  @Test func withoutSystemdBootThereIsNothing() async throws {
    try await TemporaryFolder.with { folder in
      let computer = Computer(folder: folder)
      try computer.write("efi/EFI/systemd/systemd-bootx64.efi", "loader")
      try computer.write("efi/loader/loader.conf", "")
      try computer.write("firmware/efivars/x", "")
      #expect(!computer.boot().isPresent)
      #expect(try await computer.boot().plan(Self.partition, BootWish()) == [])
      #expect(try await computer.boot().register(Self.partition, BootWish()) == [])
    }
  }

  @Test(arguments: [entry, image]) func aFileOfSomebodyElseStays(name: String) async throws {
    try await withComputer { computer in
      try computer.write("efi/\(name)", "mine")
      let before = computer.files
      await #expect(throws: BootEntryFailure.foreignFile(computer.esp.pushing(FilePath(name)))) {
        try await computer.boot().register(Self.partition, BootWish())
      }
      #expect(try await computer.boot().unregister(Self.partition) == [])
      #expect(computer.files == before)
      #expect(try FileTree.text(of: computer.esp.pushing(FilePath(name))) == "mine")
    }
  }

  @Test func aFullPartitionKeepsNothingHalf() async throws {
    try await withComputer(mebibytes: 2) { computer in
      let fill = computer.esp.appending("fill")
      _ = try await Tool.run("dd", ["if=/dev/zero", "of=\(fill)", "bs=1024", "count=1960", "status=none"])
      let before = computer.files
      let failure = BootEntryFailure.systemPartitionFull(computer.esp)
      await #expect(throws: failure) { try await computer.boot().register(Self.partition, BootWish()) }
      #expect(computer.files == before && FileTree.kind(of: computer.esp.pushing("EFI/lifeboat")) == nil)
      #expect(failure.kind == .cannotCreate && failure.remedy?.hasPrefix("Remove ") == true)
    }
  }

  @Test func aReadOnlyPartition() async throws {
    try await withComputer { computer in
      let failure = BootEntryFailure.systemPartitionReadOnly(computer.esp)
      try await computer.mount("remount,ro")
      await #expect(throws: failure) { try await computer.boot().register(Self.partition, BootWish()) }
      try await computer.mount("remount,rw")
      _ = try await computer.boot().register(Self.partition, BootWish())
      let before = computer.files
      try await computer.mount("remount,ro")
      await #expect(throws: failure) { try await computer.boot().unregister(Self.partition) }
      #expect(computer.files == before && failure.remedy?.hasPrefix("Mount ") == true)
    }
  }
}
