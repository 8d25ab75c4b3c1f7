// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import TestSupport
import Testing

@Suite("Addresses and boot files in one packet") struct AddressServerTests {
  private static let view = ServerView.everything.with { $0.mode = .full }
  private static let subnet = IPv4Subnet("10.66.0.0/24")!
  private static let pool = try! AddressPool("10.66.0.100-10.66.0.199", of: subnet, server: Wire.server)

  private func answer(_ packet: DHCPPacket, _ server: inout AddressServer) -> AddressServer.Outcome {
    server.answer(packet, Wire.broadcast, by: Self.view, at: .zero)
  }

  private func reply(_ packet: DHCPPacket, _ server: inout AddressServer) throws -> AddressServer.Reply {
    guard case .reply(let reply) = answer(packet, &server) else {
      Issue.record("no reply")
      throw CancellationError()
    }
    return reply
  }

  @Test("OFFER and ACK name address and boot file", arguments: Firmware.allCases)
  func both(firmware: Firmware) throws {
    var server = AddressServer(Self.pool)
    let offer = try reply(firmware.packet(), &server)
    let address = offer.packet.yourAddress
    let ack = try reply(
      firmware.packet(.request).with {
        $0.options[.serverIdentifier] = Wire.server.bytes
        $0.options[.requestedAddress] = address.bytes
      }, &server)
    #expect(Self.pool.contains(address) && ack.packet.yourAddress == address)
    for (reply, type) in [(offer, DHCPMessageType.offer), (ack, .ack)] {
      let packet = reply.packet
      #expect(packet.messageType == type && packet.nextServer == Wire.server && reply.refusal == nil)
      #expect(packet.options.seconds(.leaseTime) == 3600 && packet.options.seconds(.renewalTime) == 1800)
      #expect(packet.options.seconds(.rebindingTime) == 3150)
      #expect(packet.options.address(.subnetMask) == IPv4Address("255.255.255.0"))
      #expect(packet.options.address(.broadcastAddress) == IPv4Address("10.66.0.255"))
      #expect(packet.options.address(.serverIdentifier) == Wire.server && packet.options[.router] == nil)
      #expect(packet.bootFileName == offer.packet.bootFileName && packet.bootFileName != nil)
      // A proxy's words would send firmware to port 4011.
      let isHTTP = firmware.kind.bootProtocol == .http
      #expect(packet.options[.vendorClass] == (isHTTP ? text("HTTPClient") : nil))
      #expect(packet.options[.vendorSpecific] == nil)
      #expect(packet.options.entries.last?.code == .bootFileName, "EDK2 writes a NUL behind it")
      #expect(try reply.bytes().count <= reply.limit)
    }
    let name = try #require(offer.grant?.file)
    guard case .loader(let loader, _, _) = name else {
      Issue.record("\(name)")
      return
    }
    #expect(loader == firmware.kind.loader)
  }

  @Test("an ordinary computer gets an address and nothing else") func ordinary() throws {
    var server = AddressServer(Self.pool)
    let offer = try reply(Firmware.x64.packet().with { $0.options[.vendorClass] = nil }, &server)
    #expect(offer.packet.bootFileName == nil && offer.packet.nextServer == .any && offer.grant == nil)
    #expect(offer.refusal == .notNetboot(vendorClass: nil))
    #expect(offer.packet.options.entries.map(\.code.rawValue) == [53, 54, 51, 58, 59, 1, 28])
  }

  @Test("a NAK goes to everybody; a renewal by unicast is answered so") func destinations() throws {
    var server = AddressServer(Self.pool)
    let lost = Firmware.x64.packet(.request).with { $0.clientAddress = IPv4Address("10.1.1.1")! }
    let nak = try reply(lost, &server)
    #expect(nak.packet.messageType == .nak && nak.packet.yourAddress == .any && nak.grant == nil)
    #expect(nak.destination == .broadcast(port: 68, interface: "eth0") && nak.packet.wantsBroadcast)
    let own = IPv4Address("10.66.0.150")!
    let renewal = Firmware.x64.packet(.request).with {
      $0.clientAddress = own
      $0.wantsBroadcast = false
    }
    let ack = try reply(renewal, &server)
    #expect(ack.packet.messageType == .ack && ack.packet.clientAddress == own)
    #expect(ack.destination == .unicast(own, port: 68, interface: "eth0"))
    let inform = try reply(renewal.with { $0.messageType = .inform }, &server)
    #expect(inform.packet.yourAddress == .any && inform.packet.options[.leaseTime] == nil)
  }

  @Test("relayed packets, cards that are none, and replies are left alone") func strangers() {
    var server = AddressServer(Self.pool)
    let relay = IPv4Address("10.77.0.1")!
    #expect(
      answer(Firmware.x64.packet().with { $0.relay = relay }, &server) == .silent(.ignore(.relayInFullMode(relay))))
    #expect(
      answer(Firmware.x64.packet().with { $0.operation = .reply }, &server) == .silent(.ignore(.notARequest)))
    let group = HardwareAddress("53:54:00:12:34:56")!
    #expect(
      answer(Firmware.x64.packet().with { $0.hardware = group }, &server) == .silent(.ignore(.noHardwareAddress(group)))
    )
    #expect(server.leases.count == 0)
  }

  @Test("a flood of made-up cards fills the pool and nothing else") func flood() {
    var server = AddressServer(Self.pool)
    var random = SplitMix(seed: 3)
    var offers = 0
    for _ in 0..<20_000 {
      let card = HardwareAddress(bytes: [0x52] + (0..<5).map { _ in UInt8.random(in: 0...255, using: &random) })!
      if case .reply = answer(Firmware.x64.packet().with { $0.hardware = card }, &server) { offers += 1 }
    }
    #expect(offers == 100 && server.leases.count == 100)
  }

  @Test("wrong packets of every kind: addresses are of the pool, and packets stay within limits") func fuzz() throws {
    var mutator = Mutator(seed: 7)
    var server = AddressServer(Self.pool)
    let types: [DHCPMessageType] = [.discover, .request, .decline, .release, .inform]
    var seeds: [[UInt8]] = []
    for firmware in Firmware.allCases {
      for type in types {
        let packet = firmware.packet(type).with {
          $0.options[.requestedAddress] = [10, 66, 0, 120]
          $0.options[.serverIdentifier] = Wire.server.bytes
          if type == .release || type == .inform { $0.clientAddress = IPv4Address("10.66.0.120")! }
        }
        seeds.append(try packet.serialised())
      }
    }
    var replies = 0
    for index in 0..<Mutator.count {
      guard let packet = try? DHCPPacket(parsing: mutator.mutate(seeds[index % seeds.count])) else { continue }
      let now = Duration.seconds(index / 100)
      guard case .reply(let reply) = server.answer(packet, Wire.broadcast, by: Self.view, at: now) else { continue }
      replies += 1
      #expect(try reply.bytes().count <= reply.limit)
      #expect(reply.packet.transaction == packet.transaction && reply.packet.operation == .reply)
      let address = reply.packet.yourAddress
      guard address != .any else { continue }
      #expect(Self.pool.contains(address))
    }
    #expect(replies > Mutator.count / 100 && server.leases.count <= 100)
  }
}

extension DHCPPacket {
  fileprivate func with(_ change: (inout DHCPPacket) -> Void) -> DHCPPacket {
    var packet = self
    change(&packet)
    return packet
  }
}
