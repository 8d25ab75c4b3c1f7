// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap
import NetworkBootProtocol
import Testing

@Suite("Waiting for the site's OFFER: how many, how long") struct ShadowWaitsTests {
  private let view = ServerView.everything.with { $0.shadow = .reply }

  private func wait(_ number: UInt32 = 0) throws -> ShadowWait {
    try #require(view.decide(.x64) { $0.transaction &+= number }.wait)
  }

  private func offer(_ number: UInt32 = 0) -> DHCPPacket {
    var packet = Firmware.x64.packet()
    packet.transaction &+= number
    return Wire.offer(to: packet)
  }

  private func isAnswer(_ outcome: ShadowWaits.Outcome?) -> Bool {
    if case .answer? = outcome?.step { true } else { false }
  }

  @Test("the OFFER of the same conversation on the same wire ends the wait, once") func offers() throws {
    var waits = ShadowWaits()
    #expect(waits.add(try wait(), at: .zero) == nil)
    #expect(waits.see(offer(1), on: "eth0", at: .zero) == nil, "another conversation")
    #expect(waits.see(offer(), on: "eth1", at: .zero) == nil, "another wire")
    let first = waits.see(offer(), on: "eth0", at: .zero)
    #expect(isAnswer(first) && waits.count == 0)
    #expect(waits.see(offer(), on: "eth0", at: .zero) == nil)
  }

  @Test("an OFFER that was read before its DISCOVER counts, for a second") func early() throws {
    var waits = ShadowWaits()
    _ = waits.see(offer(), on: "eth0", at: .zero)
    let late = waits.add(try wait(), at: .milliseconds(1001))
    #expect(late == nil)
    var others = ShadowWaits()
    _ = others.see(offer(), on: "eth0", at: .zero)
    let outcome = others.add(try wait(), at: .milliseconds(900))
    #expect(isAnswer(outcome) && others.count == 0)
  }

  @Test("an early boot server's answer ends it too") func earlyRival() throws {
    var waits = ShadowWaits()
    var rival = offer()
    rival.bootFile = text("pxelinux.0")
    _ = waits.see(rival, on: "eth0", at: .zero)
    _ = waits.see(offer(), on: "eth0", at: .zero)
    #expect(waits.add(try wait(), at: .zero)?.step == .giveUp(.offerHasBootFile(server: Wire.site)))
  }

  @Test("after its patience a wait ends, and asking again begins anew") func patience() throws {
    var waits = ShadowWaits()
    _ = waits.add(try wait(1), at: .zero)
    _ = waits.add(try wait(2), at: .zero)
    _ = waits.add(try wait(2), at: .seconds(2))
    #expect(waits.expire(at: .seconds(2)).isEmpty)
    #expect(waits.expire(at: .seconds(3)).map(\.step) == [.giveUp(.noOffer)])
    #expect(waits.count == 1)
    #expect(waits.expire(at: .seconds(5)).count == 1 && waits.count == 0)
  }

  @Test("a flood pushes out those that have waited longest") func flood() throws {
    var waits = ShadowWaits()
    var crowdedOut: [UInt32] = []
    let first = try wait().request.packet.transaction
    for number in 0..<5000 {
      guard let outcome = waits.add(try wait(UInt32(number)), at: .milliseconds(number / 10)) else { continue }
      #expect(outcome.step == .giveUp(.crowded))
      crowdedOut.append(outcome.wait.request.packet.transaction &- first)
      #expect(waits.see(offer(9999), on: "eth0", at: .zero) == nil)
    }
    #expect(waits.count == ShadowWaits.most)
    #expect(crowdedOut == (0..<UInt32(5000 - ShadowWaits.most)).map { $0 })
    let last = waits.see(offer(4999), on: "eth0", at: .seconds(1))
    #expect(isAnswer(last))
  }

  @Test("a Lifeboat that looks round gets no lease by commit") func probes() throws {
    let committing = view.with { $0.shadow = .commit }
    #expect(try #require(committing.decide(.x64).wait).commits)
    let probe = committing.decide(.x64) { $0.options[.lifeboat] = text("lifeboat") }
    #expect(try #require(probe.wait).commits == false)
  }
}

@Suite("Servers that were seen") struct SightingsTests {
  private func server(_ number: UInt32, _ role: SeenServer.Role = .boot, gives: Bool = false) -> SeenServer {
    SeenServer(address: IPv4Address(0x0a42_0000 + number), role: role, interface: "eth0", givesAddresses: gives)
  }

  @Test("it is news once, and once more when it is seen to give addresses") func news() {
    var sightings = Sightings()
    let news = [
      server(1, .dhcp), server(1, .dhcp), server(1, .dhcp, gives: true), server(1, .dhcp), server(1, .boot),
    ].map { sightings.note($0, at: .zero) }
    #expect(news == [true, false, true, false, true])
    #expect(sightings.servers == [server(1, .boot), server(1, .dhcp, gives: true)])
  }

  @Test("ten minutes after it was seen last it does not count any more") func age() {
    var sightings = Sightings()
    _ = sightings.note(server(1), at: .zero)
    _ = sightings.note(server(2), at: .seconds(100))
    #expect(sightings.stale(at: .seconds(599)).isEmpty)
    #expect(sightings.stale(at: .seconds(600)) == [server(1)])
    _ = sightings.note(server(1), at: .seconds(600))
    #expect(sightings.stale(at: .seconds(650)).isEmpty)
    sightings.forget(server(1))
    #expect(sightings.servers == [server(2)])
    sightings.forget(interface: "eth0")
    #expect(sightings.servers.isEmpty)
  }

  @Test("there is no room for more than 64; the last ones stay") func bounded() {
    var sightings = Sightings()
    for number in 0..<10_000 { _ = sightings.note(server(UInt32(number)), at: .seconds(number)) }
    #expect(sightings.servers.count == Sightings.most)
    #expect(sightings.servers.last == server(9999))
  }
}
