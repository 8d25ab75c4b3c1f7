// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol
import Testing

@Suite("Options inside options") struct SubOptionTests {
  @Test("PXE's: ascending, and with an end") func pxe() {
    #expect(PXEVendorOptions(discoveryControl: PXEVendorOptions.useBootFile).bytes == hex("060108ff"))
    let item = PXEVendorOptions(discoveryControl: 8, bootItem: hex("00000000"))
    #expect(item.bytes == hex("060108 470400000000 ff"))
    #expect(PXEVendorOptions(parsing: item.bytes) == item)
    #expect(PXEVendorOptions(parsing: hex("00 470200 ff")) == PXEVendorOptions(), "a broken length is left out")
    #expect(PXEVendorOptions(parsing: hex("47020000 060208 00")) == PXEVendorOptions(), "of another length")
    #expect(PXEVendorOptions().bytes == [255])
  }

  @Test("a user class is RFC 3004's list, or iPXE's bare text")
  func userClass() {
    #expect(UserClass(parsing: text("iPXE")).isIPXE)
    #expect(UserClass(parsing: [4] + text("iPXE")).isIPXE)
    #expect(UserClass(parsing: [3] + text("abc") + [4] + text("iPXE")).isIPXE)
    #expect(UserClass(parsing: text("iPXE\0")).isIPXE)
    #expect(!UserClass(parsing: []).isIPXE)
    #expect(!UserClass(parsing: text("gPXE")).isIPXE)
    #expect(!UserClass(parsing: text("iPXE2")).isIPXE)
    #expect(UserClass(parsing: [3] + text("abc") + [0]).classes == [[3] + text("abc")], "a length of 0 is none")
  }

  @Test("iPXE says what it can") func ipxe() {
    #expect(IPXEFeatures(parsing: hex("130101 140101")) == IPXEFeatures(parsing: hex("140101 130101 ff")))
    #expect(IPXEFeatures(parsing: hex("130101")).http && !IPXEFeatures(parsing: hex("130101")).https)
    #expect(!IPXEFeatures(parsing: hex("130100")).http)
    #expect(!IPXEFeatures(parsing: hex("1301")).http)
  }

  @Test("a relay agent's list has neither padding nor an end") func relay() {
    let information = RelayAgentInformation(parsing: hex("0104 00ff0001 0206 525400abcdef 0504 0a070000"))
    #expect(information.circuit == hex("00ff0001") && information.remote == hex("525400abcdef"))
    #expect(information.link == IPv4Address("10.7.0.0"))
    #expect(RelayAgentInformation(parsing: hex("0000 0502 0a07")).link == nil)
  }

  @Test("architectures: known, unknown, several, a stray byte") func architectures() {
    var packet = Firmware.x64.packet()
    packet.options[.clientArchitecture] = hex("0007 0010 07")
    #expect(packet.architectures == [.uefiX64, .uefiX64HTTP])
    packet.options[.clientArchitecture] = []
    #expect(packet.architectures.isEmpty)
    packet.options[.clientArchitecture] = [0]
    #expect(packet.architectures.isEmpty)
    let expected: [(ClientArchitecture, UInt16, String)] = [
      (.bios, 0, "x86 BIOS (0)"), (.uefiIA32, 6, "x86 UEFI (6)"), (.uefiX64, 7, "x64 UEFI (7)"),
      (.uefiByteCode, 9, "EBC (9)"), (.uefiARM32, 10, "ARM 32-bit UEFI (10)"),
      (.uefiARM64, 11, "ARM 64-bit UEFI (11)"), (.uefiIA32HTTP, 15, "x86 UEFI boot from HTTP (15)"),
      (.uefiX64HTTP, 16, "x64 UEFI boot from HTTP (16)"), (.uefiARM32HTTP, 18, "ARM 32-bit UEFI boot from HTTP (18)"),
      (.uefiARM64HTTP, 19, "ARM 64-bit UEFI boot from HTTP (19)"),
    ]
    for (architecture, number, name) in expected {
      #expect(architecture.rawValue == number && architecture.description == name)
    }
    #expect(ClientArchitecture(rawValue: 999).description == "unknown architecture (999)")
  }

  @Test("a machine's UUID is known in either byte order, and tolerated in no other form") func machine() throws {
    let uuid = try #require(MachineUUID(Firmware.uuid))
    #expect(uuid.description == Firmware.uuid)
    #expect(uuid.swapped.description == "4c4c4544-0042-3510-8054-b4c04f4d3732")
    #expect(uuid.isSameMachine(as: uuid.swapped) && uuid.swapped.isSameMachine(as: uuid))
    #expect(uuid.swapped.swapped == uuid)
    #expect(!uuid.isSameMachine(as: try #require(MachineUUID("44454c4c-4200-1035-8054-b4c04f4d3733"))))
    for bad in [
      "", "44454c4c420010358054b4c04f4d3732", "44454c4c-4200-1035-8054-b4c04f4d373",
      "+4454c4c-4200-1035-8054-b4c04f4d3732",
      "44454c4c-42001035-8054-b4c04f4d3732",
    ] { #expect(MachineUUID(bad) == nil) }
    var packet = Firmware.x64.packet()
    for value in ["", "00", "01 44454c4c420010358054b4c04f4d3732", "44454c4c420010358054b4c04f4d3732"] {
      packet.options[.machineIdentifier] = hex(value)
      #expect(packet.machine == nil)
    }
    for filler: UInt8 in [0, 255] {
      packet.options[.machineIdentifier] = [0] + [UInt8](repeating: filler, count: 16)
      #expect(packet.machine == nil, "what boards have whose maker set none")
    }
  }
}

@Suite("Addresses") struct AddressTests {
  @Test("IPv4: four plain numbers") func addresses() {
    #expect(IPv4Address("10.66.0.2")?.bytes == [10, 66, 0, 2])
    for bad in ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1.2.3.4 ", "a.b.c.d", "1..2.3"] {
      #expect(IPv4Address(bad) == nil)
    }
    #expect(IPv4Address(bytes: [1, 2, 3]) == nil)
    for other in ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1"] {
      #expect(IPv4Address(other)?.isUnicast == false)
    }
    #expect(IPv4Address("10.0.0.1")! < IPv4Address("10.0.0.2")!)
  }

  @Test("subnets") func subnets() throws {
    let subnet = try #require(IPv4Subnet("10.66.4.0/22"))
    #expect(subnet.contains(IPv4Address("10.66.7.255")!) && !subnet.contains(IPv4Address("10.66.8.0")!))
    #expect(subnet.mask.description == "255.255.252.0" && subnet.broadcast.description == "10.66.7.255")
    #expect(subnet.description == "10.66.4.0/22")
    #expect(IPv4Subnet("0.0.0.0/0")?.contains(.broadcast) == true)
    #expect(IPv4Subnet("10.0.0.1/32")?.mask == .broadcast)
    for bad in ["10.66.4.1/22", "10.66.4.0", "10.66.4.0/33", "10.66.4.0/-1", "10.66.4.0/022", "/8", "10.0.0.0/8/8"] {
      #expect(IPv4Subnet(bad) == nil)
    }
  }

  @Test("hardware addresses") func hardware() {
    #expect(HardwareAddress("52-54-00-12-34-56") == Firmware.mac && Firmware.mac.description == "52:54:00:12:34:56")
    for bad in [
      "", "52:54:00:12:34", "52:54:00:12:34:5", "52:54:00:12:34:56:78", "+2:54:00:12:34:56", "zz:54:00:12:34:56",
    ] { #expect(HardwareAddress(bad) == nil) }
    #expect(HardwareAddress(bytes: [UInt8](repeating: 1, count: 17)) == nil)
    #expect(HardwareAddress("00:00:00:00:00:00")?.isEthernetUnicast == false)
    #expect(HardwareAddress("01:00:5e:00:00:01")?.isEthernetUnicast == false)
    #expect(HardwareAddress(bytes: [])?.description == "no hardware address")
  }
}
