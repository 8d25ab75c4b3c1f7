// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol
import Testing

@Suite("Decisions: every row of the tables") struct DecisionTests {
  private let view = ServerView.everything

  /// What every answer has, whoever gets it.
  private func expectReply(_ answer: Answer, _ type: DHCPMessageType, to firmware: Firmware) throws {
    let packet = answer.packet
    #expect(packet.operation == .reply && packet.messageType == type)
    #expect(packet.transaction == Firmware.transaction && packet.hardware == Firmware.mac)
    #expect(packet.yourAddress == .any && packet.nextServer == Wire.server)
    #expect(packet.options.address(.serverIdentifier) == Wire.server)
    #expect(packet.options[.vendorClass] == text(firmware.kind.bootProtocol.rawValue))
    #expect(packet.options[.machineIdentifier] == firmware.packet().options[.machineIdentifier])
    #expect(packet.options[.leaseTime] == nil && packet.options[.subnetMask] == nil)
    #expect(answer.grant.kind == firmware.kind && answer.grant.admission == .admitted)
    let bytes = try answer.bytes()
    #expect(try DHCPPacket(parsing: bytes) == packet)
    #expect(bytes.count >= 300 && bytes.count <= answer.limit)
    if let last = packet.options.entries.last, packet.options[.bootFileName] != nil {
      #expect(last.code == .bootFileName, "EDK2 writes behind option 67")
    }
  }

  @Test("HTTP boot: the URL, HTTPClient, and nothing of PXE", arguments: [Firmware.x64HTTP, .ia32HTTP])
  func http(firmware: Firmware) throws {
    let answer = try #require(view.decide(firmware).answer)
    try expectReply(answer, .offer, to: firmware)
    #expect(answer.destination == .broadcast(port: 68, interface: "eth0"))
    #expect(answer.packet.options[.bootFileName] == text("http://10.66.0.2/tier1/boot.iso"))
    #expect(answer.packet.options.entries.map(\.code.rawValue) == [53, 54, 60, 97, 224, 67])
    #expect(answer.packet.bootFile.isEmpty && answer.packet.serverName.isEmpty)
    let other = view.with { $0.httpPort = 8080 }
    #expect(
      other.decide(firmware).answer?.packet.options[.bootFileName] == text("http://10.66.0.2:8080/tier1/boot.iso"))
  }

  @Test("the measured offer to HTTP boot, byte by byte") func httpGolden() throws {
    let answer = try #require(view.with { $0.marksOffers = false }.decide(.x64HTTP).answer)
    let url = text("http://10.66.0.2/tier1/boot.iso")
    let expected =
      hex("02 01 06 00 1a2b3c4d 0000 8000 00000000 00000000 0a420002 00000000 525400123456")
      + [UInt8](repeating: 0, count: 10 + 64 + 128)
      + hex("63825363 350102 3604 0a420002 3c0a") + text("HTTPClient") + hex(Firmware.machineOption)
      + [67, UInt8(url.count)] + url + [255]
    #expect(try answer.bytes() == expected)
  }

  @Test("BIOS: the boot file in file and option 67, and option 43") func bios() throws {
    let answer = try #require(view.decide(.bios).answer)
    try expectReply(answer, .offer, to: .bios)
    #expect(answer.packet.options[.vendorSpecific] == hex("060108ff"))
    #expect(answer.packet.options[.bootFileName] == text("grub.pxe") && answer.packet.bootFile == text("grub.pxe"))
    #expect(answer.packet.options[.tftpServerName] == text("10.66.0.2"))
    #expect(answer.packet.serverName == text("10.66.0.2"))
    #expect(answer.grant.file == .loader(.biosGRUB, try ObjectName("grub.pxe"), image: "tier1"))
    let ack = try #require(view.decideAtBootServer(.bios).answer)
    try expectReply(ack, .ack, to: .bios)
    #expect(ack.packet.options[.vendorSpecific] == hex("060108ff") && ack.packet.bootFile == text("grub.pxe"))
    #expect(ack.packet.clientAddress == Wire.client)
    #expect(ack.destination == .unicast(Wire.client, port: 4011, interface: "eth0"))
  }

  @Test("iPXE with HTTP gets the script, on either port", arguments: [Firmware.biosIPXE, .x64IPXE, .ia32IPXE])
  func ipxe(firmware: Firmware) throws {
    for answer in [view.decide(firmware).answer, view.decideAtBootServer(firmware).answer] {
      let answer = try #require(answer)
      try expectReply(answer, answer.packet.messageType == .ack ? .ack : .offer, to: firmware)
      #expect(answer.packet.options[.bootFileName] == text("http://10.66.0.2/tier1/boot.ipxe"))
      #expect(answer.packet.bootFile.isEmpty)
    }
    #expect(view.decide(firmware).answer?.packet.options[.vendorSpecific] == hex("060108ff"))
  }

  @Test("an iPXE without HTTP is served as the firmware below it, and never with iPXE")
  func ipxeWithoutHTTP() throws {
    for change: @Sendable (inout DHCPPacket) -> Void in [
      { $0.options[.ipxe] = nil }, { $0.options[.ipxe] = hex("150101") }, { $0.options[.userClass] = text("other") },
    ] {
      let answer = try #require(view.decide(.biosIPXE, change).answer)
      #expect(answer.grant.kind == .biosPXE && answer.packet.bootFile == text("grub.pxe"))
    }
  }

  @Test("iPXE whose image has no script gets what its firmware would, but not shim")
  func ipxeWithoutScript() throws {
    let view = view.with { $0.images["tier1"]?[.ipxeScript] = nil }
    for (firmware, file) in [(Firmware.biosIPXE, "grub.pxe"), (.ia32IPXE, "grubia32.efi")] {
      let answer = try #require(view.decide(firmware).answer)
      try expectReply(answer, .offer, to: firmware)
      #expect(answer.packet.bootFile == text(file) && answer.packet.options[.bootFileName] == text(file))
      #expect(answer.packet.options[.vendorSpecific] == hex("060108ff"))
    }
    #expect(view.decide(.x64IPXE).reason == .noFile(image: "tier1", .ipxeScript))
  }

  @Test("UEFI IA32 PXE: in the offer, or on port 4011") func ia32() throws {
    let answer = try #require(view.decide(.ia32).answer)
    try expectReply(answer, .offer, to: .ia32)
    #expect(answer.packet.options[.vendorSpecific] == hex("060108ff"))
    #expect(answer.packet.options[.tftpServerName] == text("10.66.0.2"))
    #expect(answer.packet.options[.bootFileName] == text("grubia32.efi") && answer.packet.serverName.isEmpty)
    let two = view.with { $0.uefiNaming = .atBootServer }
    let offer = try #require(two.decide(.ia32).answer)
    try expectReply(offer, .offer, to: .ia32)
    #expect(offer.packet.options.entries.map(\.code.rawValue) == [53, 54, 60, 97, 224])
    #expect(offer.packet.bootFileName == nil)
    for view in [view, two] {
      let ack = try #require(view.decideAtBootServer(.ia32).answer)
      try expectReply(ack, .ack, to: .ia32)
      #expect(ack.packet.options[.vendorSpecific] == nil && ack.packet.bootFile == text("grubia32.efi"))
    }
    #expect(two.decide(.bios).answer?.packet.bootFileName == text("grub.pxe"), "a BIOS is never sent there")
  }

  @Test("UEFI x64 PXE without the shadow reply: a file that is not there", arguments: [Firmware.x64, .x64ByNine])
  func x64FailsAtOnce(firmware: Firmware) throws {
    let answer = try #require(view.decide(firmware).answer)
    try expectReply(answer, .offer, to: firmware)
    #expect(answer.grant.file == .absent(.absent))
    #expect(answer.packet.bootFileName == text("use-http-boot"))
    #expect(answer.packet.options[.vendorSpecific] == hex("060108ff"))
    #expect(try ObjectName("use-http-boot") == ObjectName.absent, "a name like any other")
    let two = view.with { $0.uefiNaming = .atBootServer }
    #expect(two.decide(firmware).answer?.packet.bootFileName == nil)
    #expect(two.decideAtBootServer(firmware).answer?.packet.bootFileName == text("use-http-boot"))
  }

  @Test("UEFI x64 PXE with the shadow reply: nothing is sent yet", arguments: [Firmware.x64, .x64ByNine])
  func x64Shadow(firmware: Firmware) throws {
    for (shadow, commits) in [(ServerView.Shadow.reply, false), (.commit, true)] {
      let wait = try #require(view.with { $0.shadow = shadow }.decide(firmware).wait)
      #expect(wait.commits == commits && wait.grant.kind == .x64PXE)
      #expect(wait.grant.file == .loader(.shim, try ObjectName("shimx64.efi"), image: "tier1"))
    }
    #expect(view.with { $0.shadow = .reply }.decideAtBootServer(firmware).reason == .shadowHasNoBootServer)
  }

  @Test("where no shadow reply can be, PXE fails at once") func noShadow() throws {
    let shadow = view.with { $0.shadow = .reply }
    let relayed = try #require(shadow.decide(.x64) { $0.relay = IPv4Address("10.7.0.1")! }.answer)
    #expect(relayed.grant.file == .absent(.absent))
    let without = shadow.with { $0.images["tier1"]?[.shim] = nil }
    #expect(without.decide(.x64).answer?.grant.file == .absent(.absent))
    let long = try ObjectName(String(repeating: "a", count: 128))
    let tooLong = shadow.with { $0.images["tier1"]?[.shim] = long }
    #expect(tooLong.decide(.x64).answer?.grant.file == .absent(.absent))
    #expect(tooLong.explain(.x64PXE).verdict == .failsAtOnce)
  }

  @Test("mode site: silence on port 67, the boot file on port 4011") func site() throws {
    let site = view.with { $0.mode = .site }
    for firmware in Firmware.allCases { #expect(site.decide(firmware).reason == .siteMode) }
    let files: [(Firmware, String)] = [
      (.bios, "grub.pxe"), (.ia32, "grubia32.efi"), (.x64, "shimx64.efi"), (.x64ByNine, "shimx64.efi"),
    ]
    for (firmware, file) in files {
      let answer = try #require(site.decideAtBootServer(firmware).answer)
      try expectReply(answer, .ack, to: firmware)
      #expect(answer.packet.bootFileName == text(file))
    }
    #expect(site.decideAtBootServer(.x64HTTP).reason == .httpAsksBootServer)
  }

  @Test("an architecture list: the first that is served counts") func several() throws {
    let both = view.decide(.x64) { $0.options[.clientArchitecture] = hex("000b 0006 0007") }
    #expect(both.answer?.grant.kind == .ia32PXE)
  }

  @Test("where an answer goes on port 67 (RFC 2131 §4.1)") func destinations() throws {
    let relay = IPv4Address("10.7.0.1")!
    let relayed = try #require(view.decide(.bios) { $0.relay = relay }.answer)
    #expect(relayed.destination == .unicast(relay, port: 67, interface: "eth0"))
    #expect(relayed.packet.relay == relay && relayed.packet.wantsBroadcast)
    let silent = view.decide(.bios) { $0.wantsBroadcast = false }
    #expect(silent.answer?.destination == .broadcast(port: 68, interface: "eth0"))
    #expect(silent.answer?.packet.wantsBroadcast == false)
    let configured = view.decide(.bios) {
      $0.wantsBroadcast = false
      $0.clientAddress = Wire.client
    }
    #expect(configured.answer?.destination == .unicast(Wire.client, port: 68, interface: "eth0"))
    let flagged = view.decide(.bios) { $0.clientAddress = Wire.client }
    #expect(flagged.answer?.destination == .broadcast(port: 68, interface: "eth0"))
    #expect(configured.answer?.destination.description == "10.66.0.145 port 68 on eth0")
    #expect(flagged.answer?.destination.description == "everybody's port 68 on eth0")
  }

  @Test("a relay agent's information comes back byte by byte (RFC 3046 §2.2)") func relayInformation() throws {
    let information = hex("0104 00ff0001 0206 525400abcdef ff00")
    let answer = try #require(
      view.decide(.x64HTTP) {
        $0.relay = IPv4Address("10.7.0.1")!
        $0.options[.relayAgentInformation] = information
      }.answer)
    #expect(answer.packet.options[.relayAgentInformation] == information)
  }

  @Test("a client without option 97 is answered without it; a strange one comes back as it is") func machine() {
    let without = view.decide(.bios) { $0.options[.machineIdentifier] = nil }.answer
    #expect(without != nil && without?.packet.options[.machineIdentifier] == nil)
    let strange = view.decide(.bios) { $0.options[.machineIdentifier] = [1, 2, 3] }.answer
    #expect(strange?.packet.options[.machineIdentifier] == [1, 2, 3])
  }

  @Test("a client whose hardware address is its UUID (EDK2's SendGUID)") func guid() throws {
    let answer = view.decideAtBootServer(.ia32) {
      $0.hardware = HardwareAddress(bytes: hex("44454c4c420010358054b4c04f4d3732"))!
    }.answer
    #expect(answer?.packet.hardware.bytes.count == 16)
  }

  @Test("the boot item that a client chose comes back (PXE 2.1 table 2-1)") func bootItem() throws {
    let answer = view.decideAtBootServer(.bios) { $0.options[.vendorSpecific] = hex("470400000000ff") }.answer
    #expect(answer?.packet.options[.vendorSpecific] == hex("060108 470400000000 ff"))
    let uefi = view.decideAtBootServer(.ia32) { $0.options[.vendorSpecific] = hex("470480000000ff") }.answer
    #expect(uefi?.packet.options[.vendorSpecific] == hex("470480000000ff"))
  }

  @Test("the delay of a place, less what the client has waited") func delay() {
    let slow = view.with { $0.policies = [PolicyRule(.all, delay: .seconds(3))] }
    #expect(slow.decide(.bios).answer?.delay == .seconds(3))
    #expect(slow.decide(.bios) { $0.seconds = 2 }.answer?.delay == .seconds(1))
    #expect(slow.decide(.bios) { $0.seconds = 60 }.answer?.delay == .zero)
    #expect(slow.decideAtBootServer(.bios).answer?.delay == .zero, "it has chosen us")
    #expect(slow.with { $0.shadow = .reply }.decide(.x64).wait?.delay == .seconds(3))
  }
}
