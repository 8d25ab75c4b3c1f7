// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks

/// Boot code and core image as values, made of the files of Debian's GRUB.
@Suite struct BootRecordTests {
  static let modules: FilePath = "/usr/lib/grub/i386-pc"

  @Test func theCodeHasTheSectorAndNothingOfATable() throws {
    let boot = try FileTree.bytes(of: Self.modules.appending("boot.img"))
    let code = try #require(BootRecord.code(boot, loading: 0x1_0203_0405))
    #expect(code.count == 440)
    #expect(code[0x5c..<0x64] == [5, 4, 3, 2, 1, 0, 0, 0])
    #expect(code[0x66..<0x68] == [0x90, 0x90])
    var other = boot
    for range in [0x5c..<0x64, 0x66..<0x68] { other.replaceSubrange(range, with: code[range]) }
    #expect(code == Array(other[..<440]))
  }

  @Test func otherFilesAreNoBootCode() throws {
    let boot = try FileTree.bytes(of: Self.modules.appending("boot.img"))
    #expect(BootRecord.code([], loading: 1) == nil)
    #expect(BootRecord.code(boot + [0], loading: 1) == nil)
    #expect(BootRecord.code([UInt8](repeating: 0, count: 512), loading: 1) == nil)
    #expect(BootRecord.code(try FileTree.bytes(of: Self.modules.appending("diskboot.img")), loading: 1) == nil)
  }

  @Test func theCoreListsItsOwnSectors() async throws {
    let folder = try TemporaryFolder()
    let early = try folder.write("early.cfg", BootRecord.early(serial: "6C69-6665"))
    let made = folder.appending("core.img")
    try await BootRecordBoot().makeCore(early: early, output: made).run()
    let image = try FileTree.bytes(of: made)
    let core = try #require(BootRecord.core(BootRecord.padded(image), at: 5000))
    #expect(core.count % 512 == 0 && core.count >= image.count && core.count < 400_000)
    let sectors = core.count / 512 - 1
    #expect(core[500..<508] == [0x89, 0x13, 0, 0, 0, 0, 0, 0])
    #expect(core[508..<512] == [UInt8(sectors & 0xff), UInt8(sectors >> 8), 0x20, 0x08])
    #expect(core[512..<image.count] == image[512...])
    #expect(BootRecord.core([UInt8](repeating: 0, count: 4096), at: 1) == nil)
    #expect(BootRecord.core(Array(core[..<512]), at: 1) == nil)
  }

  @Test func grubUnderstandsWhatIsReadFirst() async throws {
    let handOver = try #require(
      HandOver.text(serial: "1A2B-3C4D", loader: "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"))
    #expect(handOver.contains("chainloader \"(${root})/EFI/Microsoft/Boot/bootmgfw.efi\""))
    for text in [BootRecord.startMenu(delay: 3), handOver] {
      let checked = try await Tool.run("grub-script-check", input: Array(text.utf8), package: "grub-common")
      #expect(checked.status == 0, "\(checked)")
    }
  }

  @Test(arguments: ["\\EFI\\a\"; reboot", "EFI\\x.efi", "", "\\EFI\\$x"]) func aStrangeLoaderIsNotHandedOverTo(
    _ name: String
  ) {
    #expect(HandOver.text(serial: "1A2B-3C4D", loader: name) == nil)
  }

  @Test func aStrangeSerialIsNotHandedOverTo() {
    #expect(HandOver.text(serial: "", loader: "\\EFI\\x.efi") == nil)
    #expect(HandOver.text(serial: "1 2", loader: "\\EFI\\x.efi") == nil)
  }
}
