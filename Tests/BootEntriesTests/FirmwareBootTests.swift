// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks

/// Entries of the firmware, by the real efibootmgr on a folder that it takes for the firmware's variables.
@Suite(.enabled(if: FakeFirmware.isPossible, "needs loop devices and efibootmgr"))
struct FirmwareBootTests {
  @Test func theEntryIsTheLastAndIsMadeOnce() async throws {
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      let plan = try await fake.boot.plan(fake.recovery, BootWish())
      #expect(
        plan == ["add “Recovery: Contoso first aid” to the firmware's boot entries: last in the order, after 1 other"])
      for _ in 1...2 {
        let entries = try await fake.boot.register(fake.recovery, BootWish())
        #expect(entries == [BootEntry(kind: .firmware, name: "Boot0001", label: "Recovery: Contoso first aid")])
        let list = try await fake.list()
        #expect(list.order == ["0000", "0001"] && list.entries.count == 2)
        #expect(list.entries.last?.loader == "\\EFI\\BOOT\\BOOTX64.EFI")
        #expect(list.entries.last?.partition == fake.recovery.partitionUUID)
      }
      #expect(try await fake.boot.status(of: fake.recovery).map(\.name) == ["Boot0001"])
      #expect(try await fake.boot.unregister(fake.recovery).map(\.name) == ["Boot0001"])
      #expect(try await fake.list().entries.map(\.label) == ["debian"])
      // A plain file keeps its old end where efibootmgr writes a shorter order; a variable does not.
      #expect(try await fake.list().order.first == "0000")
      #expect(try await fake.boot.unregister(fake.recovery) == [])
    }
  }

  @Test func theEntryCanBeTheFirst() async throws {
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      _ = try await fake.boot.register(fake.recovery, BootWish(place: .first))
      #expect(try await fake.list().order == ["0001", "0000"])
      let usual = try await fake.boot.usual(besides: fake.recovery)
      #expect(usual?.loader == "\\EFI\\debian\\shimx64.efi" && usual?.partition == fake.system.partitionUUID)
      _ = try await fake.boot.register(fake.recovery, BootWish(place: .last))
      #expect(try await fake.list().order == ["0000", "0001"])
    }
  }

  @Test func onABitLockerDiskTheOrderStays() async throws {
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      let wish = BootWish(place: .first, hotkeyDelay: 3, hasBitLocker: true)
      let plan = try await fake.boot.plan(fake.recovery, wish)
      #expect(plan.first?.hasSuffix("the order of 1 entry stays, because of BitLocker") == true, "\(plan)")
      _ = try await fake.boot.register(fake.recovery, wish)
      let list = try await fake.list()
      #expect(list.order == ["0000"] && list.entries.count == 2)
    }
  }

  @Test func anotherTitleReplacesTheOldEntryAndNoOther() async throws {
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      _ = try await fake.boot.register(fake.recovery, BootWish())
      var renamed = fake.recovery
      renamed.title = "Contoso\nhelp desk"
      let entries = try await fake.boot.register(renamed, BootWish())
      #expect(entries.map(\.label) == ["Recovery: Contoso help desk"])
      let list = try await fake.list()
      #expect(list.entries.map(\.label) == ["debian", "Recovery: Contoso help desk"])
      #expect(list.order.count == 2 && list.order.first == "0000")
    }
  }

  @Test func a32BitFirmwareGetsItsOwnLoader() async throws {
    try await FakeFirmware.with { fake in
      try AtomicFile.write(Array("32\n".utf8), to: fake.folder.pushing("efi/fw_platform_size"))
      _ = try await fake.boot.register(fake.recovery, BootWish())
      #expect(try await fake.list().entries.map(\.loader) == ["\\EFI\\BOOT\\BOOTIA32.EFI"])
    }
  }

  @Test func aBIOSHasNoEntries() async throws {
    try await FakeFirmware.with { fake in
      let boot = FirmwareBoot(program: fake.program, firmware: fake.folder.appending("absent"))
      await #expect(throws: BootEntryFailure.notUEFI) { try await boot.register(fake.recovery, BootWish()) }
      let (left, removed) = try await (boot.status(of: fake.recovery), boot.unregister(fake.recovery))
      #expect(left == [] && removed == [])
    }
  }

  @Test func anMBRDiskIsNamedByNoEntry() async throws {
    try await FakeFirmware.with { fake in
      var partition = fake.recovery
      partition.table = .mbr
      await #expect(throws: BootEntryFailure.noGUID(fake.disk)) {
        try await fake.boot.register(partition, BootWish())
      }
    }
  }

  @Test func variablesThatAreNotMounted() async throws {
    try await FakeFirmware.with { fake in
      // Without the variable efibootmgr looks at this computer, and tests run on none that UEFI started.
      let missing = Efibootmgr(environment: ["EFIVARFS_PATH": fake.folder.string + "/none/"])
      let boot = FirmwareBoot(program: missing, firmware: fake.folder.appending("efi"))
      let failure = BootEntryFailure.variablesAbsent(fake.folder.appending("efi"))
      await #expect(throws: failure) { try await boot.register(fake.recovery, BootWish()) }
      #expect(failure.kind == .systemLimit && failure.remedy?.hasPrefix("Mount ") == true)
    }
  }

  @Test func variablesThatCannotBeWritten() async throws {
    try await onMount("ro") { fake in
      await #expect { try await fake.boot.plan(fake.recovery, BootWish()) } throws: {
        guard case BootEntryFailure.variablesReadOnly = $0 else { return false }
        return true
      }
      await #expect { try await fake.boot.register(fake.recovery, BootWish()) } throws: {
        guard case BootEntryFailure.variablesReadOnly(let reason) = $0 else { return false }
        return reason.contains("Read-only file system")
      }
    }
  }

  @Test func firmwareThatIsFull() async throws {
    try await onMount("size=4k", filling: true) { fake in
      await #expect(throws: BootEntryFailure.variablesFull) {
        try await fake.boot.register(fake.recovery, BootWish())
      }
    }
  }

  /// A program whose words for the loader nobody here knows: the entry is found by the partition and its new number, and
  /// none is left over.
  @Test func aProgramOfOtherWords() async throws {
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      let programs = fake.folder.appending("bin")
      try FileTree.makeFolder(programs)
      let real = try Tool.require("efibootmgr")
      for words in ["s,/File(\\(.*\\)),/\\1,", "s,/File(.*,/Unknown,"] {
        let script = "#!/bin/sh\n\(real) \"$@\" >\(programs)/out || exit\nsed '\(words)' \(programs)/out\n"
        try AtomicFile.write(Array(script.utf8), to: programs.appending("efibootmgr"))
        try FileTree.setPermissions(programs.appending("efibootmgr"), 0o755)
        var program = fake.program
        program.path = programs.appending("efibootmgr").string
        let boot = FirmwareBoot(program: program, firmware: fake.folder.appending("efi"))
        #expect(try await boot.register(fake.recovery, BootWish()).count == 1)
        let list = try await fake.list()
        #expect(list.entries.map(\.label) == ["debian", "Recovery: Contoso first aid"], "\(list)")
        #expect(list.order.first == "0000" && list.order.count == 2)
      }
    }
  }

  /// Firmware may take a variable and drop it: here the program says that all is well and writes nothing.
  @Test func firmwareThatDropsEntries() async throws {
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      let programs = fake.folder.appending("bin")
      try FileTree.makeFolder(programs)
      let real = try Tool.require("efibootmgr")
      let script = "#!/bin/sh\ncase $1 in -v) exec \(real) \"$@\" ;; esac\n"
      try AtomicFile.write(Array(script.utf8), to: programs.appending("efibootmgr"))
      try FileTree.setPermissions(programs.appending("efibootmgr"), 0o755)
      var program = fake.program
      program.path = programs.appending("efibootmgr").string
      let boot = FirmwareBoot(program: program, firmware: fake.folder.appending("efi"))
      await #expect(throws: BootEntryFailure.entryDropped(label: "Recovery: Contoso first aid")) {
        try await boot.register(fake.recovery, BootWish())
      }
      _ = try await fake.boot.register(fake.recovery, BootWish())
      await #expect(throws: BootEntryFailure.orderNotKept(number: "0001")) {
        try await boot.register(fake.recovery, BootWish(place: .first))
      }
      await #expect(throws: BootEntryFailure.entryStays(number: "0001")) { try await boot.unregister(fake.recovery) }
    }
  }

  /// Runs with the variables on a small file system of their own.
  private func onMount(
    _ options: String, filling: Bool = false, _ body: (FakeFirmware) async throws -> Void
  ) async throws {
    try await FakeFirmware.with { fake in
      try await ExternalCommand("mount", ["-t", "tmpfs", "-o", options, "tmpfs", fake.variables.string]).run()
      if filling {
        try AtomicFile.write([UInt8](repeating: 0, count: 4096), to: fake.variables.appending("fill"))
      }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await body(fake)) } catch { outcome = .failure(error) }
      try await ExternalCommand("umount", [fake.variables.string]).run()
      try outcome.get()
    }
  }
}
