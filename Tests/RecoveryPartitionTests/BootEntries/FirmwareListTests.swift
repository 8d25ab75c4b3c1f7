// SPDX-License-Identifier: GPL-3.0-or-later
import Testing

@testable import RecoveryPartition

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

  @Test func whatStartsByItselfIsTheFirstOfOthers() {
    #expect(list.usual(besides: Self.own)?.label == "debian")
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
