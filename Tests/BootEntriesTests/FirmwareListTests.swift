// SPDX-License-Identifier: GPL-3.0-or-later
import Testing

@testable import BootEntries
@testable import Disks

/// What efibootmgr prints, read; and the order that is given back.
@Suite struct FirmwareListTests {
  static let own = "10ae3f9f-4138-4bda-800b-fabcbeb1bbae"
  static let listing = """
    BootCurrent: 0001
    Timeout: 0 seconds
    BootOrder: 0001,0003,0000,0001
    Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)
    Boot0001* debian\tHD(1,GPT,1378BB09-b9a1-4644-b68c-fd3d6232489e,0x800,0xa000)/File(\\EFI\\debian\\shimx64.efi)
    Boot0002  Off\tHD(1,GPT,1378bb09-b9a1-4644-b68c-fd3d6232489e,0x800,0xa000)/File(\\EFI\\off.efi)
    Boot0003* Recovery: A: b (c)\tHD(2,GPT,10ae3f9f-4138-4bda-800b-fabcbeb1bbae,0xa800,0x19000)/File(\\EFI\\BOOT\\BOOTX64.EFI)..BO
    Boot000A* No path
    MirroredPercentageAbove4G: 0.00
    """
  let list = FirmwareBootList(parsing: listing)

  @Test func isRead() throws {
    #expect(list.current == "0001" && list.order == ["0001", "0003", "0000"])
    #expect(list.entries.map(\.number) == ["0000", "0001", "0002", "0003", "000A"])
    #expect(list.entries.map(\.isActive) == [true, true, false, true, true])
    let own = try #require(list.entries(of: Self.own.uppercased()).first)
    #expect(own.label == "Recovery: A: b (c)" && own.loader == "\\EFI\\BOOT\\BOOTX64.EFI")
    #expect(list.entries[0].partition == nil && list.entries[0].loader == nil)
    #expect(list.entries[1].partition == "1378bb09-b9a1-4644-b68c-fd3d6232489e")
    #expect(list.entries[4].label == "No path" && list.entries[4].path.isEmpty)
  }

  /// efibootmgr 18 with libefivar 38: Debian 13, Ubuntu 24.04, Fedora.
  @Test func isReadFromLaterVersions() throws {
    let path = "HD(1,GPT,1378bb09-b9a1-4644-b68c-fd3d6232489e,0x800,0xa000)"
    let list = FirmwareBootList(
      parsing: """
        BootCurrent: 0001
        BootOrder: 0001,0003,0000
        Boot0000* UEFI: Built-in EFI Shell\tVenMedia(5023b95c-db26-429b-a648-bd47664c8012)0000424f
              dp: 04 03 14 00 / 7f ff 04 00
            data: 00 00 42 4f
        Boot0001* Windows Boot Manager\t\(path)/\\EFI\\Microsoft\\Boot\\bootmgfw.efi57494e444f5753000100000088000000
              dp: 04 01 2a 00 / 7f ff 04 00
        Boot0003* Recovery: first aid\tHD(2,GPT,\(Self.own),0xa800,0x19000)/\\EFI\\BOOT\\BOOTX64.EFI
        Boot0004* Old Windows\t\(path)/File(\\EFI\\Microsoft\\Boot\\bootmgfw.efi)WINDOWS

        """)
    #expect(list.entries.map(\.number) == ["0000", "0001", "0003", "0004"])
    let windows = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
    #expect(list.entries.map(\.loader) == [nil, windows, "\\EFI\\BOOT\\BOOTX64.EFI", windows])
    #expect(list.entries(of: Self.own).map(\.number) == ["0003"])
    #expect(list.usual(besides: Self.own)?.loader == windows)
  }

  @Test func whatStartsByItselfIsTheFirstOfOthers() {
    #expect(list.usual(besides: Self.own)?.label == "debian")
    var afterOthers = list
    afterOthers.order = ["0000", "000A"] + list.order
    #expect(afterOthers.usual(besides: Self.own)?.label == "debian")
    #expect(list.usual(besides: "1378bb09-b9a1-4644-b68c-fd3d6232489e")?.number == "0003")
    #expect(FirmwareBootList(parsing: "").usual(besides: Self.own) == nil)
  }

  @Test func theOrderKeepsOthersInTheirPlaces() {
    #expect(list.order(placing: "0003", .last) == ["0001", "0000", "0003"])
    #expect(list.order(placing: "0003", .first) == ["0003", "0001", "0000"])
    #expect(list.order(placing: "0009", nil) == ["0001", "0003", "0000"])
    #expect(list.order(placing: "0009", .last, without: ["0003"]) == ["0001", "0000", "0009"])
    #expect(list.order(placing: "0009", nil, without: ["0003"]) == ["0001", "0000"])
  }

  /// Firmware without an order looks by itself; a list of ours alone would put it before everything.
  @Test func anEmptyOrderStaysEmptyUnlessTheFirstIsWanted() {
    let list = FirmwareBootList(parsing: "No BootOrder is set; firmware will attempt recovery\nBoot0000* x\tHD(")
    #expect(list.order(placing: "0000", .last) == [] && list.order(placing: "0000", .first) == ["0000"])
  }

  @Test func noLineIsTooStrange() {
    let hostile =
      "BootOrder: ,,\nBootOrder: zzzz\nBoot00*\nBootFFFF*\nBoot0001*\t\t\nBootCurrent: 1\n\u{0}Boot0002* a\tb"
    let list = FirmwareBootList(parsing: hostile)
    #expect(list.order.isEmpty && list.current == nil)
    #expect(list.entries.map(\.number) == ["FFFF", "0001"])
  }
}
