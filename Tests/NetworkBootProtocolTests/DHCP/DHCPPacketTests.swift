// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBootProtocol
import Testing

@Suite("DHCP packets") struct DHCPPacketTests {
  private func options(_ digits: String, overload: (file: String, name: String)? = nil) throws -> DHCPPacket {
    var bytes = hex(Firmware.header)
    if let overload {
      let file = hex(overload.file)
      let name = hex(overload.name)
      bytes.replaceSubrange(108..<108 + file.count, with: file)
      bytes.replaceSubrange(44..<44 + name.count, with: name)
    }
    return try DHCPPacket(parsing: bytes + hex(digits))
  }

  private func problem(_ bytes: [UInt8]) -> NetworkBootProtocolFailure.DHCPProblem? {
    do throws(NetworkBootProtocolFailure) {
      _ = try DHCPPacket(parsing: bytes)
      return nil
    } catch {
      if case .dhcp(let problem) = error { return problem }
      return nil
    }
  }

  @Test("every field is where RFC 2131 figure 1 has it") func fields() throws {
    let bytes =
      hex("02 06 08 03 01020304 0506 8001 0a000001 0a000002 0a000003 0a000004 1122334455667788 0000000000000000")
      + text("boot") + [UInt8](repeating: 0, count: 60) + text("shimx64.efi") + [UInt8](repeating: 0, count: 117)
      + hex("63825363 350105 0000 3604 0a000003 ff aabbcc")
    let packet = try DHCPPacket(parsing: bytes)
    #expect(packet.operation == .reply)
    #expect(packet.hardware == HardwareAddress(type: 6, bytes: hex("1122334455667788")))
    #expect(packet.hops == 3 && packet.transaction == 0x0102_0304 && packet.seconds == 0x0506)
    #expect(packet.flags == 0x8001 && packet.wantsBroadcast)
    #expect(packet.clientAddress.description == "10.0.0.1" && packet.yourAddress.description == "10.0.0.2")
    #expect(packet.nextServer.description == "10.0.0.3" && packet.relay.description == "10.0.0.4")
    #expect(packet.serverName == text("boot") && packet.bootFile == text("shimx64.efi"))
    #expect(packet.messageType == .ack)
    #expect(packet.options.address(.serverIdentifier) == IPv4Address("10.0.0.3"))
    #expect(packet.options.entries.map(\.code.rawValue) == [53, 54])
  }

  @Test("a packet is written byte by byte as the standard says, with 300 bytes at least") func written() throws {
    var packet = DHCPPacket(.reply, hardware: Firmware.mac, transaction: Firmware.transaction)
    packet.wantsBroadcast = true
    packet.nextServer = Wire.server
    packet.bootFile = text("a")
    packet.messageType = .offer
    packet.options[.serverIdentifier] = Wire.server.bytes
    let expected =
      hex("02 01 06 00 1a2b3c4d 0000 8000 00000000 00000000 0a420002 00000000 525400123456 00000000000000000000")
      + [UInt8](repeating: 0, count: 64) + text("a") + [UInt8](repeating: 0, count: 127)
      + hex("63825363 350102 3604 0a420002 ff") + [UInt8](repeating: 0, count: 50)
    #expect(try packet.serialised() == expected)
    #expect(expected.count == 300)
  }

  @Test("what firmware sends survives reading, writing and reading", arguments: Firmware.allCases)
  func roundTrip(firmware: Firmware) throws {
    let packet = try DHCPPacket(parsing: firmware.discover)
    #expect(try packet.serialised() == firmware.discover)
    #expect(packet.machine == MachineUUID(Firmware.uuid))
    #expect(packet.hardware == Firmware.mac)
  }

  @Test("an option in pieces is one value (RFC 3396)") func pieces() throws {
    let packet = try options("3c03 505845 0000 350101 3c06 436c69656e74 ff")
    #expect(packet.options.text(.vendorClass) == text("PXEClient"))
    #expect(packet.options.entries.map(\.code.rawValue) == [60, 53])
  }

  @Test("a long value is written in adjacent pieces", arguments: [0, 1, 255, 256, 510, 511, 1024])
  func longOption(count: Int) throws {
    var packet = Firmware.x64.packet()
    packet.options[.vendorSpecific] = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let bytes = try packet.serialised()
    #expect(try DHCPPacket(parsing: bytes) == packet)
    let pieces = max(1, (count + 254) / 255)
    #expect(packet.options.wireCount == Firmware.x64.packet().options.wireCount + count + 2 * pieces)
    if count == 256 { #expect(Array(bytes.suffix(4)) == hex("2b01ffff")) }
  }

  @Test("options in file and sname are read, file first (RFC 2132 §9.3, RFC 3396 §5)") func overload() throws {
    let both = try options("340103 350101 ff", overload: ("3c03505845 ff", "3c06436c69656e74 0c0161 ff"))
    #expect(both.options.text(.vendorClass) == text("PXEClient"))
    #expect(both.options[.hostName] == text("a"))
    #expect(both.bootFile.isEmpty && both.serverName.isEmpty)
    #expect(both.options[.overload] == nil)
    #expect(try DHCPPacket(parsing: both.serialised()) == both)
    let file = try options("340101 350101 ff", overload: ("0c0162 ff", "6162"))
    #expect(file.options[.hostName] == text("b") && file.serverName == text("ab") && file.bootFile.isEmpty)
    let name = try options("340102 350101 ff", overload: ("6162", "0c0163 ff"))
    #expect(name.options[.hostName] == text("c") && name.serverName.isEmpty && name.bootFile == text("ab"))
  }

  @Test("what is no DHCP packet is refused with the reason") func refused() {
    let good = Firmware.x64.discover
    let header = hex(Firmware.header)
    func changed(_ index: Int, _ value: UInt8) -> [UInt8] {
      var bytes = good
      bytes[index] = value
      return bytes
    }
    #expect(problem([]) == .truncated(bytes: 0))
    #expect(problem(Array(good.prefix(239))) == .truncated(bytes: 239))
    #expect(problem(header) == nil)
    #expect(problem(good + [UInt8](repeating: 0, count: 4097 - good.count)) == .oversized(bytes: 4097, limit: 4096))
    #expect(problem(good + [UInt8](repeating: 0, count: 4096 - good.count)) == nil)
    #expect(problem(changed(0, 0)) == .operation(0))
    #expect(problem(changed(0, 3)) == .operation(3))
    #expect(problem(changed(2, 17)) == .hardwareAddressLength(17))
    #expect(problem(changed(2, 255)) == .hardwareAddressLength(255))
    #expect(problem(changed(2, 16)) == nil)
    #expect(problem(changed(236, 98)) == .noMagicCookie)
    #expect(problem(header + hex("3501")) == .truncatedOption(code: 53))
    #expect(problem(header + hex("35")) == .truncatedOption(code: 53))
    #expect(problem(header + hex("350101 3cff 50")) == .truncatedOption(code: 60))
    let giant = [UInt8](repeating: 7, count: 255)
    let four: [UInt8] = Array(repeating: [43, 255] + giant, count: 4).flatMap { $0 }
    #expect(problem(header + four + [255]) == nil)
    #expect(problem(header + four + [43, 5, 1, 2, 3, 4, 5]) == .oversizedOption(code: 43, limit: 1024))
    #expect(problem(header + hex("340100 ff")) == .overload)
    #expect(problem(header + hex("340104 ff")) == .overload)
    #expect(problem(header + hex("34020101 ff")) == .overload)
    var nested = header + hex("340101 ff")
    nested.replaceSubrange(108..<112, with: hex("340102 ff"))
    #expect(problem(nested) == .overload)
    var cut = header + hex("340102 ff")
    cut.replaceSubrange(106..<108, with: hex("0c05"))
    #expect(problem(cut) == .truncatedOption(code: 12))
  }

  @Test("every problem has words of its own") func words() {
    let problems: [NetworkBootProtocolFailure.DHCPProblem] = [
      .truncated(bytes: 3), .oversized(bytes: 9, limit: 4), .operation(3), .hardwareAddressLength(17), .noMagicCookie,
      .truncatedOption(code: 60), .oversizedOption(code: 43, limit: 1024), .overload,
    ]
    #expect(Set(problems.map(\.description)).count == problems.count)
    let failure = NetworkBootProtocolFailure.dhcp(.truncated(bytes: 3))
    #expect(failure.message == "not a DHCP packet: it has 3 bytes, and at least 240 are needed")
    #expect(failure.code == "bad-dhcp-packet" && failure.kind == .badInput && failure.remedy == nil)
    let long = NetworkBootProtocolFailure.answerTooLong(bytes: 600, limit: 548)
    #expect(long.message == "the answer needs 600 bytes, and the client takes 548" && long.remedy != nil)
  }

  @Test("an answer is no longer than the client takes") func limits() throws {
    var packet = Firmware.bios.packet()
    #expect(packet.answerLimit == 0x4ec - 28)
    for (value, limit) in [("0240", 548), ("0000", 548), ("05dc", 1472), ("ffff", 1472), ("05c0", 1444)] {
      packet.options[.maximumMessageSize] = hex(value)
      #expect(packet.answerLimit == limit)
    }
    packet.options[.maximumMessageSize] = nil
    #expect(packet.answerLimit == 548)
    packet.options[.maximumMessageSize] = [1]
    #expect(packet.answerLimit == 548)
    let count = try packet.serialised().count
    packet.options[.hostName] = [UInt8](repeating: 1, count: 200)
    let needed = 240 + packet.options.wireCount
    #expect(needed > count)
    #expect(throws: NetworkBootProtocolFailure.answerTooLong(bytes: needed, limit: needed - 1)) {
      try packet.serialised(limit: needed - 1)
    }
    #expect(try packet.serialised(limit: needed).count == needed)
  }

  @Test("message types are the standard's, and others are none") func messageTypes() {
    var packet = Firmware.bios.packet()
    #expect(DHCPMessageType.allCases.map(\.name).first == "DHCPDISCOVER")
    for value: [UInt8] in [[], [0], [9], [1, 1]] {
      packet.options[.messageType] = value
      #expect(packet.messageType == nil)
    }
    packet.messageType = nil
    #expect(packet.options[.messageType] == nil)
  }

  @Test("pad and end are no options") func codes() {
    #expect(DHCPOptionCode(rawValue: 0) == nil && DHCPOptionCode(rawValue: 255) == nil)
    #expect(DHCPOptionCode(rawValue: 254)?.description == "option 254")
  }
}
