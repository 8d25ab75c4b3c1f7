// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import Testing

private func address(_ last: UInt32) -> IPv4Address { IPv4Address(0x0a42_0000 + last) }
private let subnet = IPv4Subnet("10.66.0.0/24")!

/// An ordinary computer's packet.
private func packet(_ type: DHCPMessageType, _ card: UInt8 = 1, _ change: (inout DHCPPacket) -> Void = { _ in })
  -> DHCPPacket
{
  var packet = DHCPPacket(
    .request, hardware: HardwareAddress(bytes: [0x52, 0x54, 0, 0, 0, card])!, transaction: UInt32(card))
  packet.messageType = type
  change(&packet)
  return packet
}

@Suite("Addresses that may be given") struct AddressPoolTests {
  @Test(
    "the upper half of the subnet, without the server",
    arguments: [
      ("10.66.0.2", 24, "10.66.0.128 to 10.66.0.254"), ("10.66.0.200", 24, "10.66.0.128 to 10.66.0.254"),
      ("10.66.0.1", 30, "10.66.0.2 to 10.66.0.2"), ("10.66.0.2", 30, "10.66.0.1 to 10.66.0.2"),
      ("10.66.0.1", 29, "10.66.0.4 to 10.66.0.6"), ("10.0.0.1", 8, "10.255.239.255 to 10.255.255.254"),
    ]) func upperHalf(server: String, prefix: Int, expected: String) throws
  {
    let server = IPv4Address(server)!
    let pool = try AddressPool(upperHalfOf: IPv4Subnet(server, prefixLength: prefix)!, server: server)
    #expect(pool.description == expected)
    #expect(!pool.contains(server) && !pool.contains(pool.subnet.network) && !pool.contains(pool.subnet.broadcast))
  }

  @Test(
    "what is no pool is refused",
    arguments: [
      ("10.66.0.9", AddressPool.Refusal.notARange), ("10.66.0.9-10.66.0.8", .notARange), ("a-b", .notARange),
      ("10.66.0.1-10.66.0.9-10.66.0.10", .notARange), ("10.66.0.0-10.66.0.9", .outside(subnet)),
      ("10.66.0.9-10.66.0.255", .outside(subnet)), ("10.66.0.9-10.66.1.9", .outside(subnet)),
      ("10.67.0.9-10.67.0.10", .outside(subnet)), ("10.66.0.2-10.66.0.2", .empty(subnet)),
    ]) func refusals(text: String, expected: AddressPool.Refusal)
  {
    #expect(throws: expected) { try AddressPool(text, of: subnet, server: address(2)) }
    #expect(!expected.description.isEmpty)
  }

  @Test("a subnet for one or none, and too large a range") func sizes() {
    let single = IPv4Subnet("10.66.0.2/31")!
    #expect(throws: AddressPool.Refusal.empty(single)) { try AddressPool(upperHalfOf: single, server: address(2)) }
    let large = IPv4Subnet("10.64.0.0/12")!
    #expect(throws: AddressPool.Refusal.tooLarge(4097)) {
      try AddressPool("10.66.0.1-10.66.16.1", of: large, server: address(2))
    }
  }
}

@Suite("Leases") struct LeaseBookTests {
  private let pool = try! AddressPool("10.66.0.10-10.66.0.12", of: subnet, server: address(2))

  private func lease(_ book: inout LeaseBook, _ card: UInt8, at now: Duration = .zero) -> IPv4Address? {
    guard case .offer(let offered) = book.step(packet(.discover, card), at: now) else { return nil }
    let request = packet(.request, card) {
      $0.options[.serverIdentifier] = pool.server.bytes
      $0.options[.requestedAddress] = offered.bytes
    }
    return book.step(request, at: now) == .ack(offered) ? offered : nil
  }

  @Test("each client gets one address of its own and keeps it") func ordinary() {
    var book = LeaseBook(pool)
    let given = (1...3).map { lease(&book, $0) }
    #expect(Set(given) == [address(10), address(11), address(12)])
    #expect((1...3).map { lease(&book, $0, at: .seconds(1000)) } == given)
    #expect(book.count == 3)
  }

  @Test("an empty pool gives nothing, until a lease ends or is given back") func exhausted() throws {
    var book = LeaseBook(pool)
    let first = try #require(lease(&book, 1))
    for card in 2...3 { #expect(lease(&book, UInt8(card), at: .seconds(10)) != nil) }
    #expect(book.step(packet(.discover, 4), at: .seconds(20)) == .ignore(.poolIsEmpty(pool)))
    #expect(book.step(packet(.discover, 1), at: .seconds(20)) == .offer(first), "its own address")
    let release = packet(.release, 1) { $0.clientAddress = first }
    #expect(book.step(packet(.release, 2) { $0.clientAddress = first }, at: .seconds(20)) == .ignore(.noAddressAsked))
    #expect(book.step(release, at: .seconds(20)) == .released(first))
    #expect(book.step(packet(.discover, 4), at: .seconds(20)) == .offer(first))
    #expect(book.step(packet(.discover, 5), at: .seconds(49)) == .ignore(.poolIsEmpty(pool)))
    #expect(book.step(packet(.discover, 5), at: .seconds(50)) == .offer(first), "an OFFER holds for 30 s")
    #expect(book.step(packet(.discover, 6), at: .seconds(3611)) != .ignore(.poolIsEmpty(pool)), "after an hour")
    #expect(book.count == 3)
  }

  @Test("a client identifier counts before the card; the usual one is the same client") func identifiers() throws {
    var book = LeaseBook(pool)
    let plain = try #require(lease(&book, 1))
    let usual = packet(.discover, 1) { $0.options[.clientIdentifier] = [1, 0x52, 0x54, 0, 0, 0, 1] }
    #expect(book.step(usual, at: .zero) == .offer(plain))
    let other = packet(.discover, 1) { $0.options[.clientIdentifier] = [0, 1, 2, 3] }
    #expect(book.step(other, at: .zero) != .offer(plain))
    let short = packet(.discover, 1) { $0.options[.clientIdentifier] = [7] }
    #expect(book.step(short, at: .zero) == .offer(plain), "one byte is no identifier (RFC 2132 §9.14)")
  }

  @Test("an address that is asked for is given where it is free") func wishes() {
    var book = LeaseBook(pool)
    func wish(_ last: UInt32, _ card: UInt8) -> LeaseBook.Step {
      book.step(packet(.discover, card) { $0.options[.requestedAddress] = address(last).bytes }, at: .zero)
    }
    #expect(wish(12, 1) == .offer(address(12)))
    #expect(wish(12, 2) != .offer(address(12)))
    guard case .offer(let offered) = wish(2, 3) else {
      Issue.record("no offer")
      return
    }
    #expect(pool.contains(offered), "not ours")
  }

  @Test("a REQUEST for what is not to be had gets a NAK") func naks() throws {
    var book = LeaseBook(pool)
    let taken = try #require(lease(&book, 1))
    func request(_ wanted: IPv4Address, _ card: UInt8) -> LeaseBook.Step {
      book.step(packet(.request, card) { $0.options[.requestedAddress] = wanted.bytes }, at: .zero)
    }
    #expect(request(IPv4Address("192.168.1.5")!, 2) == .nak("192.168.1.5 is not in 10.66.0.0/24"))
    #expect(request(taken, 2) == .nak("\(taken) is not available"))
    #expect(request(address(2), 2) == .nak("10.66.0.2 is not available"), "our own")
    #expect(request(address(99), 2) == .nak("10.66.0.99 is not available"), "outside the pool")
    #expect(book.step(packet(.request, 2), at: .zero) == .ignore(.noAddressAsked))
  }

  @Test("a server that was started anew knows its clients again by what they ask for") func restart() throws {
    var before = LeaseBook(pool)
    let given = try (1...3).map { try #require(lease(&before, $0)) }
    var after = LeaseBook(pool)
    for (index, address) in given.enumerated() {
      let renewal = packet(.request, UInt8(index + 1)) { $0.clientAddress = address }
      #expect(after.step(renewal, at: .zero) == .ack(address))
    }
    var anew = LeaseBook(pool)
    #expect(lease(&anew, 1) == given[0], "and a new one begins where its card's number points")
  }

  @Test("who chooses another server frees what was offered") func otherServer() {
    var book = LeaseBook(pool)
    for card in 1...3 {
      _ = book.step(packet(.discover, UInt8(card)), at: .zero)
      let choice = packet(.request, UInt8(card)) {
        $0.options[.serverIdentifier] = address(1).bytes
        $0.options[.requestedAddress] = address(77).bytes
      }
      #expect(book.step(choice, at: .zero) == .ignore(.forAnotherServer(address(1))))
    }
    #expect(book.count == 0)
  }

  @Test("a DECLINE rests the address for ten minutes, and only its own client may say it") func decline() throws {
    var book = LeaseBook(pool)
    let given = try #require(lease(&book, 1))
    func decline(_ card: UInt8) -> LeaseBook.Step {
      book.step(packet(.decline, card) { $0.options[.requestedAddress] = given.bytes }, at: .zero)
    }
    #expect(decline(2) == .ignore(.noAddressAsked))
    #expect(decline(1) == .declined(given))
    #expect(decline(1) == .ignore(.noAddressAsked))
    let next = lease(&book, 1, at: .seconds(1))
    #expect(next != nil && next != given)
    let wish = packet(.discover, 5) { $0.options[.requestedAddress] = given.bytes }
    #expect(book.step(wish, at: .seconds(599)) != .offer(given))
    var later = book
    #expect(
      later.step(packet(.discover, 6) { $0.options[.requestedAddress] = given.bytes }, at: .seconds(600))
        == .offer(given))
  }

  @Test("messages of servers, and those without an address") func others() {
    var book = LeaseBook(pool)
    for type in [DHCPMessageType.offer, .ack, .nak] {
      #expect(book.step(packet(type), at: .zero) == .ignore(.messageType(type, .dhcp)))
    }
    #expect(book.step(packet(.inform), at: .zero) == .ignore(.noAddressAsked))
    #expect(book.step(packet(.inform) { $0.clientAddress = address(50) }, at: .zero) == .inform)
    #expect(book.step(packet(.discover) { $0.options[.messageType] = nil }, at: .zero) == .ignore(.noMessageType))
  }
}
