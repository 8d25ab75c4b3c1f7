// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks

/// The entry in the menu of an installed GRUB, in folders that are installed systems.
@Suite struct InstalledGRUBTests {
  static let partition = InstalledPartition(
    disk: "/dev/sda", isFile: false, table: .gpt, number: 3, start: .mebibytes(1), size: .mebibytes(500),
    sectorSize: 512, partitionUUID: "10ae3f9f-4138-4bda-800b-fabcbeb1bbae", fileSystemSerial: "6C69-6665",
    title: "Contoso's first aid", isHidden: true)
  static let script = "etc/grub.d/42_lifeboat_6C696665"

  /// A Debian: its update-grub puts together what the scripts print, as grub-mkconfig does.
  private func debian(_ body: (TemporaryFolder, InstalledGRUB) async throws -> Void) async throws {
    let root = try TemporaryFolder()
    try root.write("boot/grub/grub.cfg", "set default=0\n")
    try root.writeScript("etc/grub.d/40_custom", "echo 'menuentry Debian { true }'")
    let made = "\(root.path)/boot/grub/grub.cfg"
    let update = "for f in \(root.path)/etc/grub.d/*; do \"$f\" || exit 1; done >\(made).new && mv \(made).new \(made)"
    let program = try root.writeScript("usr/sbin/update-grub", update)
    try await body(root, InstalledGRUB(root: root.path, updateGrub: ExternalCommand(program.string, [])))
    withExtendedLifetime(root) {}
  }

  private func text(_ root: TemporaryFolder, _ name: String) -> String? {
    try? FileTree.text(of: root.path.pushing(FilePath(name)))
  }

  @Test func grubUnderstandsTheEntry() async throws {
    let checked = try await Tool.run(
      "grub-script-check", input: Array(InstalledGRUB.entry(Self.partition).utf8), package: "grub-common")
    #expect(checked.status == 0, "\(checked)")
    #expect(InstalledGRUB.entry(Self.partition).contains("menuentry 'Recovery: Contoso'\\''s first aid' "))
  }

  @Test func debianGetsAScriptOfItsOwn() async throws {
    try await debian { root, grub in
      let plan = try await grub.plan(Self.partition, BootWish())
      #expect(plan.first?.hasSuffix("\(root.path)/\(Self.script), then update-grub") == true, "\(plan)")
      for _ in 1...2 {
        let entries = try await grub.register(Self.partition, BootWish())
        #expect(entries.map(\.name) == ["\(root.path)/\(Self.script)"])
        let menu = try #require(text(root, "boot/grub/grub.cfg"))
        #expect(menu.hasPrefix("menuentry Debian { true }\n"))
        #expect(menu.ranges(of: "search --no-floppy --fs-uuid --set=root 6C69-6665").count == 1)
        #expect(menu.ranges(of: "\nmenuentry 'Recovery: Contoso'\\''s first aid'").count == 1)
      }
      #expect(try await grub.status(of: Self.partition).count == 1)
      #expect(try await grub.unregister(Self.partition).count == 1)
      #expect(text(root, Self.script) == nil)
      #expect(text(root, "boot/grub/grub.cfg") == "menuentry Debian { true }\n")
      #expect(try await grub.unregister(Self.partition) == [])
    }
  }

  @Test func aFileOfSomebodyElseStays() async throws {
    try await debian { root, grub in
      try root.writeScript(Self.script, "echo mine")
      let file = root.path.pushing(FilePath(Self.script))
      await #expect(throws: BootEntryFailure.foreignFile(file)) { try await grub.register(Self.partition, BootWish()) }
      #expect(try await grub.unregister(Self.partition) == [])
      #expect(text(root, Self.script) == "#!/bin/sh\necho mine\n")
    }
  }

  /// A configuration that cannot be made anew is no reason to leave something behind that breaks it once more.
  @Test func aMenuThatCannotBeMadeStaysAsItWas() async throws {
    try await debian { root, grub in
      try root.writeScript("etc/grub.d/50_broken", "echo broken here >&2; exit 1")
      await #expect(throws: BootEntryFailure.menuNotMade(reason: "broken here")) {
        try await grub.register(Self.partition, BootWish())
      }
      #expect(text(root, Self.script) == nil)
      #expect(text(root, "boot/grub/grub.cfg") == "set default=0\n")
    }
  }

  @Test func othersGetAPartOfCustomCfg() async throws {
    let root = try TemporaryFolder()
    try root.write("boot/grub2/grub.cfg", "source ${config_directory}/custom.cfg\n")
    try root.write("boot/grub2/custom.cfg", "menuentry mine { true }")
    let grub = InstalledGRUB(root: root.path)
    #expect(grub.isPresent)
    for _ in 1...2 {
      let entries = try await grub.register(Self.partition, BootWish())
      #expect(entries.map(\.name) == ["\(root.path)/boot/grub2/custom.cfg"])
      let custom = try #require(text(root, "boot/grub2/custom.cfg"))
      #expect(custom.hasPrefix("menuentry mine { true }\n"))
      #expect(custom.ranges(of: "--id lifeboat").count == 1)
      let checked = try await Tool.run("grub-script-check", input: Array(custom.utf8), package: "grub-common")
      #expect(checked.status == 0, "\(checked)")
    }
    var other = Self.partition
    other.fileSystemSerial = "1111-2222"
    #expect(try await grub.unregister(other) == [])
    #expect(try await grub.unregister(Self.partition).count == 1)
    #expect(text(root, "boot/grub2/custom.cfg") == "menuentry mine { true }\n")
    withExtendedLifetime(root) {}
  }

  @Test func withoutGRUBThereIsNoEntry() async throws {
    let root = try TemporaryFolder()
    let grub = InstalledGRUB(root: root.path)
    #expect(!grub.isPresent)
    await #expect(throws: BootEntryFailure.noInstalledGRUB(root.path)) {
      try await grub.register(Self.partition, BootWish())
    }
    #expect(root.names.isEmpty)
  }
}
