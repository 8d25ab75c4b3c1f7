// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootAssembly

/// What a medium carries for PXE is enough to make GRUBs of, and what they are told is what GRUB understands.
@Suite(.serialized) struct NetworkLoadersTests {
  @Test func modulesBringWhatTheyDependOn() throws {
    let list = "a: b c\nb: c\nc:\nd: a\n"
    let file: FilePath = "moddep.lst"
    #expect(try NetworkLoaders.Platform.modules(["a"], by: list, in: file) == ["a", "b", "c"])
    #expect(try NetworkLoaders.Platform.modules(["c", "c"], by: list, in: file) == ["c"])
    #expect(throws: BootAssemblyFailure.loaderDamaged(file: file, reason: "it does not have the module x")) {
      try NetworkLoaders.Platform.modules(["c", "x"], by: list, in: file)
    }
  }

  @Test func theCommands() {
    let grub = NetworkGRUB(platform: .bios, modules: "m", finder: "", timestamp: 0).command(disk: "d", output: "o")
    #expect(
      grub.arguments.prefix(10) == ["-O", "i386-pc-pxe", "-d", "m", "-m", "d", "-p", "(memdisk)/boot/grub", "-o", "o"])
    #expect(grub.program == "grub-mkimage" && grub.package == "grub-common")
    #expect(Set(grub.arguments).isSuperset(of: ["pxe", "http", "tftp", "cpuid", "regexp", "password_pbkdf2"]))
    let ia32 = NetworkGRUB(platform: .ia32, modules: "m", finder: "", timestamp: 0).command(disk: "d", output: "o")
    #expect(ia32.arguments[1] == "i386-efi" && ia32.arguments.contains("efinet") && !ia32.arguments.contains("pxe"))
    let shim = NetworkLoaders.extractShim(from: "efi.img", to: "shim")
    #expect(shim.arguments == ["-n", "-i", "efi.img", "::/EFI/BOOT/BOOTX64.EFI", "shim"] && shim.package == "mtools")
  }

  /// grub-mkimage has nothing but the medium's folder, and makes the same bytes of it each time.
  @Test(arguments: NetworkLoaders.Platform.allCases) func aMediumIsEnough(_ platform: NetworkLoaders.Platform)
    async throws
  {
    try await requirePackages()
    try await Workshop.open { workshop in
      let entries = try workshop.builder().networkEntries()
      let size = entries.reduce(Int64(0)) { if case .file(_, let size) = $1.content { $0 + size.bytes } else { $0 } }
      #expect(size < 6 << 20, "\(size) bytes")
      let root = try workshop.layOut(BootTree(volumeIdentifier: "X", timestamp: 0, entries: entries))
      func make(_ server: String, _ name: String) async throws -> [UInt8] {
        let scratch = workshop.folder.appending(name)
        try FileTree.makeFolder(scratch)
        let grub = NetworkGRUB(
          platform: platform, modules: root.appending(platform.folder),
          finder: NetworkMenu.finder(image: "tier1", servers: [server]), timestamp: 1_790_000_000)
        try await grub.write(to: scratch.appending("grub"), scratch: scratch)
        return try FileTree.bytes(of: scratch.appending("grub"))
      }
      let first = try await make("http://192.0.2.10", "one")
      #expect(try await make("http://192.0.2.10", "two") == first)
      #expect(try await make("http://192.0.2.11", "three") != first)
      // A BIOS' PXE loads below 640 KiB; UEFI takes a portable executable.
      #expect(first.count < 0x78000 || platform == .ia32)
      let kind = try await Tool.run("file", [workshop.folder.appending("one/grub").string]).output
      #expect(platform == .bios || kind.contains("PE32 executable (EFI application) Intel 80386"), "\(kind)")
    }
  }

  @Test func theSignedGRUBIsDebians() async throws {
    try await requirePackages()
    try await Workshop.open { workshop in
      let root = try workshop.layOut(
        BootTree(volumeIdentifier: "X", timestamp: 0, entries: workshop.builder().networkEntries()))
      let list = try await ExternalCommand(
        "sbverify", ["--list", root.appending(NetworkLoaders.signedGRUB).string], package: "sbsigntool"
      ).text()
      #expect(list.contains("CN=Debian Secure Boot Signer"), "\(list)")
    }
  }

  @Test func missingModulesNameTheirPackage() async throws {
    try await TemporaryFolder.with { folder in
      for (platform, package) in [(NetworkLoaders.Platform.bios, "grub-pc-bin"), (.ia32, "grub-efi-ia32-bin")] {
        let file = folder.appending("moddep.lst")
        #expect(throws: BootAssemblyFailure.loaderMissing(file: file, package: package)) {
          try platform.files(in: folder)
        }
      }
    }
  }

  // MARK: What GRUB is told

  private func check(_ script: String) async throws {
    try await TemporaryFolder.with { folder in
      let file = folder.appending("grub.cfg")
      try AtomicFile.write(Array(script.utf8), to: file)
      try await ExternalCommand("grub-script-check", [file.string], package: "grub-common").run()
    }
  }

  @Test func theFinderKnowsEveryWay() async throws {
    let text = NetworkMenu.finder(
      image: "tier1", servers: ["http://192.0.2.10", "http://192.0.2.11:8080/boot", "http://192.0.2.10:81"])
    try await check(text)
    let ways = text.matches(of: /set medium='(.*)'\n +set base='(.*)'/).map { "\($0.1) \($0.2)" }
    #expect(
      ways == [
        "http,192.0.2.10 ", "http,192.0.2.11:8080 /boot", "http,192.0.2.10:81 ", "tftp,192.0.2.10 ", "tftp,192.0.2.11 ",
      ])
    #expect(text.contains(#"source "($medium)$base/boot/tier1/pxe/grub.cfg""#))
  }

  @Test(arguments: [["tier1"], ["tier1", "tier2", "a.b_c-d"]]) func theDispatcherKnowsEveryImage(_ images: [String])
    async throws
  {
    let text = NetworkMenu.dispatcher(images: images)
    try await check(text)
    for image in images { #expect(text.contains("\"$image\" != '\(image)'")) }
    #expect(text.contains("then set image='tier1'; fi") && text.contains("$net_efinet0_boot_file"))
    for word in ["insmod", "eval", "search"] { #expect(!text.contains(word)) }
  }

  @Test(arguments: [nil, BootMenuTests.password]) func theServedMenuIsTheMediums(_ password: String?) async throws {
    let menu = BootMenu(
      title: "First aid", identifier: BootMenuTests.identifier, architectures: [.x64, .x86],
      kernelArguments: ["quirk=1"], password: password, timeout: 17)
    let disk = NetworkBootDisk(
      image: "tier1", title: "First aid", timestamp: 0, settings: try #require(BootMenuSettings(menu: menu.text)),
      systems: [
        .init(architecture: "x64", identifier: BootMenuTests.identifier, kernel: "k", initrd: "i"),
        .init(architecture: "x86", identifier: "fedcba9876543210", kernel: "k", initrd: "i"),
      ], marker: BootMenuTests.identifier, efiSystemPartition: "e", look: [])
    let text = disk.servedMenu
    try await check(text)
    #expect(text.contains("set lifeboat=found\nset default=0\nset timeout=17\n"))
    #expect(text.contains("password_pbkdf2 lifeboat") == (password != nil))
    #expect(text.contains(#"linux "($medium)$base/boot/tier1/$1/vmlinuz" boot=live lifeboat.boot=net"#))
    #expect(text.contains(#"initrd "($medium)$base/boot/tier1/$1/initrd.img""#))
    #expect(text.contains(#""live-media-path=/lifeboat/$id/$1" lifeboat.id=$id $3 $4 $consoles"#))
    #expect(text.contains(#"set theme="($medium)$base/boot/tier1/theme/theme.txt""#))
    #expect(text.contains("if cpuid -l; then set x64=x64; fi") && text.contains("set id=fedcba9876543210"))
    for word in ["search", "loadfont", "--id memory", "--id memtest", "insmod"] { #expect(!text.contains(word)) }
  }
}
