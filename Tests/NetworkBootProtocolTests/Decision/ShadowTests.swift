// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol
import Testing

@Suite("The shadow reply") struct ShadowTests {
  private func wait(_ shadow: ServerView.Shadow = .reply, yields: Bool = true) throws -> ShadowWait {
    let view = ServerView.everything.with { ($0.shadow, $0.yields) = (shadow, yields) }
    return try #require(view.decide(.x64).wait)
  }

  private var offer: DHCPPacket { Wire.offer(to: Firmware.x64.packet()) }

  private func offer(_ change: (inout DHCPPacket) -> Void) -> DHCPPacket {
    var offer = self.offer
    change(&offer)
    return offer
  }

  @Test("the reply is what was measured, byte by byte") func golden() throws {
    guard case .answer(let answer, let commit) = try wait().step(seeing: offer) else {
      Issue.record("no answer")
      return
    }
    #expect(commit == nil)
    #expect(answer.destination == .broadcast(port: 68, interface: "eth0"))
    let expected =
      hex("02 01 06 00 1a2b3c4d 0000 8000 00000000 0a420091 0a420002 00000000 525400123456 00000000000000000000")
      + [UInt8](repeating: 0, count: 64) + text("shimx64.efi") + [UInt8](repeating: 0, count: 117)
      + hex("63825363 0104 ffffff00 0304 0a420001 3604 0a420002 ff")
    #expect(try answer.bytes() == expected + [UInt8](repeating: 0, count: 300 - expected.count))
    #expect(answer.packet.messageType == nil && answer.packet.options[.vendorClass] == nil)
  }

  @Test("name server and domain go along, nothing else of the site's") func copied() throws {
    let rich = offer {
      $0.options[.nameServer] = [10, 66, 0, 1, 10, 66, 0, 3]
      $0.options[.domainName] = text("site.example")
      $0.options[.hostName] = text("x")
      $0.options[.broadcastAddress] = [10, 66, 0, 255]
    }
    guard case .answer(let answer, _) = try wait().step(seeing: rich) else {
      Issue.record("no answer")
      return
    }
    #expect(answer.packet.options.entries.map(\.code.rawValue) == [1, 3, 6, 15, 54])
  }

  @Test("commit: a REQUEST for the offered address in the client's name") func commit() throws {
    guard case .answer(_, let commit) = try wait(.commit).step(seeing: offer) else {
      Issue.record("no answer")
      return
    }
    let packet = try #require(commit?.packet)
    #expect(packet.operation == .request && packet.messageType == .request && packet.hardware == Firmware.mac)
    #expect(packet.transaction != Firmware.transaction)
    #expect(packet.options.address(.requestedAddress) == Wire.client)
    #expect(packet.options.address(.serverIdentifier) == Wire.site)
    #expect(commit?.destination == .broadcast(port: 67, interface: "eth0"))
    #expect(try DHCPPacket(parsing: packet.serialised()) == packet)
    let nameless = offer { $0.options[.serverIdentifier] = nil }
    guard case .answer(_, nil) = try wait(.commit).step(seeing: nameless) else {
      Issue.record("a server that does not say who it is cannot be asked")
      return
    }
  }

  @Test("what is no OFFER for the client is waited through") func unrelated() throws {
    let wait = try wait()
    let others = [
      offer { $0.transaction += 1 }, offer { $0.hardware = HardwareAddress("52:54:00:12:34:57")! },
      offer { $0.operation = .request }, offer { $0.messageType = .nak }, offer { $0.messageType = .ack },
    ]
    for other in others { #expect(wait.step(seeing: other) == .keepWaiting(.notTheOffer)) }
    #expect(wait.step(seeing: offer { $0.yourAddress = .any }) == .keepWaiting(.offerWithoutAddress))
    #expect(wait.step(seeing: offer { $0.yourAddress = .broadcast }) == .keepWaiting(.offerWithoutAddress))
  }

  @Test("another boot server, or a boot file of the site's, goes first") func yields() throws {
    let wait = try wait()
    #expect(
      wait.step(seeing: offer { $0.bootFile = text("pxelinux.0") }) == .giveUp(.offerHasBootFile(server: Wire.site)))
    #expect(
      wait.step(seeing: offer { $0.options[.bootFileName] = text("x.efi") })
        == .giveUp(.offerHasBootFile(server: Wire.site)))
    let rival = offer {
      $0.yourAddress = .any
      $0.options[.vendorClass] = text("PXEClient")
    }
    let server = SeenServer(address: Wire.site, role: .boot, interface: "eth0")
    #expect(wait.step(seeing: rival) == .giveUp(.yields(to: server)))
  }

  @Test("of two Lifeboats that shadow, the lower address answers") func two() throws {
    guard case .answer(let answer, _) = try wait().step(seeing: offer) else {
      Issue.record("no answer")
      return
    }
    func reply(of address: String) -> DHCPPacket {
      var packet = answer.packet
      packet.nextServer = IPv4Address(address)!
      packet.options[.serverIdentifier] = packet.nextServer.bytes
      return packet
    }
    let lower = SeenServer(address: IPv4Address("10.66.0.1")!, role: .lifeboat, interface: "eth0")
    #expect(try wait().step(seeing: reply(of: "10.66.0.1")) == .giveUp(.yields(to: lower)))
    #expect(try wait(yields: false).step(seeing: reply(of: "10.66.0.1")) == .keepWaiting(.notTheOffer))
    #expect(try wait().step(seeing: reply(of: "10.66.0.3")) == .keepWaiting(.notTheOffer))
    #expect(try wait().step(seeing: answer.packet) == .keepWaiting(.notTheOffer), "our own")
  }
}
