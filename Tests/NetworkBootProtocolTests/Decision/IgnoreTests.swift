// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol
import Testing

@Suite("Silence, always with a reason") struct IgnoreTests {
  private let view = ServerView.everything

  @Test("ordinary clients are never answered", arguments: [nil, "MSFT 5.0", "dhcpcd-9.4.1", "android-dhcp-13", ""])
  func ordinary(vendorClass: String?) {
    let reason = view.decide(.bios) { $0.options[.vendorClass] = vendorClass.map(text) }.reason
    #expect(reason == .notNetboot(vendorClass: vendorClass))
  }

  @Test("what the packet is") func packets() {
    #expect(view.decide(.bios) { $0.operation = .reply }.reason == .notARequest)
    #expect(view.decide(.bios) { $0.messageType = nil }.reason == .noMessageType)
    #expect(view.decide(.bios) { $0.options[.clientArchitecture] = nil }.reason == .noArchitecture)
    #expect(view.decide(.bios) { $0.options[.vendorClass] = text("PXECliens") }.reason != nil)
    #expect(view.decide(.bios) { $0.options[.vendorClass] = text("PXEClient") }.answer != nil)
    for number: UInt8 in [1, 2, 8, 10, 11, 15, 16, 17, 18, 19, 20, 27, 200] {
      let reason = view.decide(.x64) { $0.options[.clientArchitecture] = [0, number] }.reason
      #expect(reason == .unsupportedArchitecture([ClientArchitecture(rawValue: UInt16(number))]))
    }
    for number: UInt8 in [0, 6, 7, 9, 17, 18, 19, 20] {
      #expect(view.decide(.x64HTTP) { $0.options[.clientArchitecture] = [0, number] }.reason != nil)
    }
    let broken = view.decide([UInt8](repeating: 1, count: 100), arrival: Wire.broadcast, at: .dhcp)
    #expect(broken.reason == .malformed(.dhcp(.truncated(bytes: 100))))
    #expect(view.decide(Firmware.bios.discover, arrival: Wire.broadcast, at: .dhcp).answer != nil)
  }

  @Test("where it comes from") func places() {
    for address in ["00:00:00:00:00:00", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"] {
      let hardware = HardwareAddress(address)!
      #expect(view.decide(.bios) { $0.hardware = hardware }.reason == .noHardwareAddress(hardware))
    }
    for count in [0, 5, 7, 8] {
      let hardware = HardwareAddress(bytes: [UInt8](repeating: 2, count: count))!
      #expect(view.decide(.bios) { $0.hardware = hardware }.reason == .noHardwareAddress(hardware))
    }
    let infiniband = HardwareAddress(type: 32, bytes: [1])!
    #expect(view.decide(.bios) { $0.hardware = infiniband }.answer != nil)
    #expect(view.decide(.bios) { $0.hops = 16 }.answer != nil)
    #expect(view.decide(.bios) { $0.hops = 17 }.reason == .relayLoop(hops: 17))
    #expect(view.decide(.bios) { $0.relay = Wire.server }.reason == .relayIsThisServer(Wire.server))
    for relay in ["127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.1"] {
      let address = IPv4Address(relay)!
      #expect(view.decide(.bios) { $0.relay = address }.reason == .relayAddress(address))
    }
    for (source, port) in [("0.0.0.0", 4011), ("255.255.255.255", 68), ("127.0.0.1", 68), ("10.66.0.145", 0)] {
      let arrival = Arrival(
        interface: "eth0", server: Wire.server, source: IPv4Address(source)!, sourcePort: UInt16(port))
      let reason = view.decide(Firmware.bios.packet(.request), arrival: arrival, at: .bootServer).reason
      #expect(reason == .noSource(IPv4Address(source)!, port: UInt16(port)))
    }
  }

  @Test("what it asks, on each port") func messages() {
    for type in DHCPMessageType.allCases where type != .discover && type != .request {
      #expect(view.decide(.bios) { $0.messageType = type }.reason == .messageType(type, .dhcp))
    }
    for type in DHCPMessageType.allCases where type != .request {
      #expect(view.decideAtBootServer(.bios) { $0.messageType = type }.reason == .messageType(type, .bootServer))
    }
    #expect(view.decide(.bios) { $0.messageType = .request }.reason == .requestForSite)
    let forSite = view.decide(.bios) {
      $0.messageType = .request
      $0.options[.serverIdentifier] = Wire.site.bytes
    }
    #expect(forSite.reason == .forAnotherServer(Wire.site))
    let forUs = view.decide(.bios) {
      $0.messageType = .request
      $0.options[.serverIdentifier] = Wire.server.bytes
    }
    #expect(forUs.reason == .requestForSite)
    let elsewhere = view.decideAtBootServer(.bios) { $0.options[.serverIdentifier] = Wire.site.bytes }
    #expect(elsewhere.reason == .forAnotherServer(Wire.site))
    #expect(view.decideAtBootServer(.bios) { $0.options[.serverIdentifier] = Wire.server.bytes }.answer != nil)
    #expect(view.decideAtBootServer(.ia32HTTP).reason == .httpAsksBootServer)
  }

  @Test("an answer that the client cannot take") func tooLong() throws {
    let long = try ObjectName(String(repeating: "a", count: 255))
    let view = view.with { $0.images["tier1"]?[.biosGRUB] = long }
    let relayed = { (packet: inout DHCPPacket) in
      packet.relay = IPv4Address("10.7.0.1")!
      packet.options[.relayAgentInformation] = [1, 250] + [UInt8](repeating: 1, count: 250)
      packet.options[.maximumMessageSize] = hex("0240")
    }
    guard case .answerTooLong(let bytes, 548) = view.decide(.bios, relayed).reason else {
      Issue.record("\(view.decide(.bios, relayed))")
      return
    }
    #expect(bytes > 548)
    let answer = try #require(view.decide(.bios).answer)
    #expect(answer.packet.bootFile.isEmpty, "such a name is in option 67 alone")
  }

  @Test("every reason has words of its own") func words() {
    let server = SeenServer(address: Wire.site, role: .boot, interface: "eth0")
    let reasons: [IgnoreReason] = [
      .malformed(.dhcp(.noMagicCookie)), .notARequest, .noMessageType, .notNetboot(vendorClass: nil),
      .notNetboot(vendorClass: "MSFT 5.0"), .noArchitecture, .unsupportedArchitecture([.uefiARM64]),
      .noHardwareAddress(Firmware.mac), .relayLoop(hops: 17), .relayIsThisServer(Wire.server),
      .relayAddress(.broadcast), .noSource(.any, port: 0), .messageType(.inform, .dhcp), .forAnotherServer(Wire.site),
      .requestForSite, .httpAsksBootServer, .shadowHasNoBootServer, .siteMode, .policyNone, .unknownMachine,
      .deniedMachine, .noImage, .unknownImage("a"), .noFile(image: "a", .shim), .yields(to: server),
      .answerTooLong(bytes: 2, limit: 1), .notTheOffer, .offerWithoutAddress,
      .offerHasBootFile(server: Wire.site),
    ]
    #expect(Set(reasons.map(\.message)).count == reasons.count)
    for reason in reasons {
      #expect(reason.message.contains(" ") && reason.message != "\(reason)", "\(reason)")
      #expect(!reason.message.hasSuffix("."))
    }
    #expect(
      IgnoreReason.unsupportedArchitecture([.uefiARM64]).message == "there is nothing to start on ARM 64-bit UEFI (11)")
    let evil = view.decide(.bios) { $0.options[.vendorClass] = [27, 91, 50, 74] + text("\n\"x") }.reason
    #expect(evil?.message.contains("\\x1b[2J\\x0a\"x") == true, "nothing of a stranger's reaches a terminal as it is")
  }
}

@Suite("Other servers on the wire") struct RivalTests {
  private let view = ServerView.everything

  private func reply(_ change: (inout DHCPPacket) -> Void) -> DHCPPacket {
    var packet = Wire.offer(to: Firmware.bios.packet())
    change(&packet)
    return packet
  }

  private func seen(_ packet: DHCPPacket) -> SeenServer? {
    SeenServer(observing: packet, on: "eth0", own: Wire.server)
  }

  @Test("what a server is, by its messages") func roles() throws {
    #expect(seen(reply { _ in })?.role == .dhcp)
    #expect(seen(reply { $0.options[.vendorClass] = text("PXEClient") })?.role == .boot)
    #expect(seen(reply { $0.options[.bootFileName] = text("x") })?.role == .boot)
    #expect(seen(reply { $0.bootFile = text("x") })?.role == .boot)
    #expect(seen(reply { $0.operation = .request }) == nil)
    #expect(seen(reply { $0.options[.serverIdentifier] = Wire.server.bytes }) == nil, "ourselves")
    let nameless = reply {
      $0.options[.serverIdentifier] = nil
      $0.nextServer = .any
    }
    #expect(seen(nameless) == nil)
    let bootp = reply {
      $0.options[.serverIdentifier] = nil
      $0.messageType = nil
      $0.bootFile = text("x")
    }
    #expect(seen(bootp)?.role == .boot, "plain BOOTP does not say who it is")
  }

  @Test("a Lifeboat knows another by its answers", arguments: Firmware.allCases)
  func lifeboats(firmware: Firmware) throws {
    let there = Arrival(interface: "eth0", server: IPv4Address("10.66.0.9")!, source: .any, sourcePort: 68)
    let packet = try #require(view.decide(firmware.packet(), arrival: there, at: .dhcp).answer?.packet)
    #expect(seen(packet) == SeenServer(address: there.server, role: .lifeboat, interface: "eth0"))
    let unmarked = view.with { $0.marksOffers = false }
    let quiet = try #require(unmarked.decide(firmware.packet(), arrival: there, at: .dhcp).answer?.packet)
    #expect(seen(quiet)?.role == .boot)
  }

  @Test("who has been seen has priority: a boot server always, the lower of two Lifeboats, a DHCP server never")
  func priority() {
    let cases: [(SeenServer.Role, String, Bool)] = [
      (.boot, "10.66.0.1", true), (.boot, "10.66.0.9", true), (.lifeboat, "10.66.0.1", true),
      (.lifeboat, "10.66.0.9", false), (.dhcp, "10.66.0.1", false),
    ]
    for (role, address, silent) in cases {
      let server = SeenServer(address: IPv4Address(address)!, role: role, interface: "eth0")
      let beside = view.with { $0.seen = [server] }
      #expect(beside.decide(.bios).reason == (silent ? .yields(to: server) : nil))
      #expect(beside.with { $0.yields = false }.decide(.bios).answer != nil)
      #expect(beside.decideAtBootServer(.bios).answer != nil, "it has chosen us")
      #expect(beside.decide(.bios) { $0.relay = IPv4Address("10.7.0.1")! }.answer != nil, "another wire")
      let elsewhere = Arrival(interface: "eth1", server: Wire.server, source: .any, sourcePort: 68)
      #expect(beside.decide(Firmware.bios.packet(), arrival: elsewhere, at: .dhcp).answer != nil)
    }
  }

  @Test("of two Lifeboats exactly one answers once they have seen each other") func exactlyOne() throws {
    let low = Wire.broadcast
    let high = Arrival(interface: "eth0", server: IPv4Address("10.66.0.9")!, source: .any, sourcePort: 68)
    let packet = Firmware.ia32HTTP.packet()
    let fromLow = try #require(view.decide(packet, arrival: low, at: .dhcp).answer)
    let fromHigh = try #require(view.decide(packet, arrival: high, at: .dhcp).answer)
    #expect(fromHigh.isOvertaken(by: fromLow.packet, on: "eth0", own: high.server) != nil)
    #expect(fromLow.isOvertaken(by: fromHigh.packet, on: "eth0", own: low.server) == nil)
    let seenByLow = view.with { $0.seen = [SeenServer(address: high.server, role: .lifeboat, interface: "eth0")] }
    let seenByHigh = view.with { $0.seen = [SeenServer(address: low.server, role: .lifeboat, interface: "eth0")] }
    #expect(seenByLow.decide(packet, arrival: low, at: .dhcp).answer != nil)
    #expect(seenByHigh.decide(packet, arrival: high, at: .dhcp).answer == nil)
  }

  @Test("during the delay an answer is overtaken by a boot server's to the same client alone") func overtaken() throws {
    let answer = try #require(view.decide(.bios).answer)
    let rival = reply { $0.options[.vendorClass] = text("PXEClient") }
    let server = SeenServer(address: Wire.site, role: .boot, interface: "eth0", givesAddresses: true)
    #expect(answer.isOvertaken(by: rival, on: "eth0", own: Wire.server) == .yields(to: server))
    #expect(answer.isOvertaken(by: reply { _ in }, on: "eth0", own: Wire.server) == nil)
    var other = rival
    other.transaction += 1
    #expect(answer.isOvertaken(by: other, on: "eth0", own: Wire.server) == nil)
  }
}
