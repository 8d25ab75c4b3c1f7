// SPDX-License-Identifier: GPL-3.0-or-later

/// A DHCP server with addresses of its own (mode `full`): what a lease says, and what to start, in one packet.
///
/// The name of the boot file is told as any DHCP server tells it (`siaddr`, `file`, options 66 and 67), without
/// `PXEClient` in option 60: that is a proxy's word, and would send firmware to port 4011. Each client knows us from its
/// own ACK, GRUB too, and needs no shadow reply.
public struct AddressServer: Sendable {
  /// Who has which address.
  public private(set) var leases: LeaseBook

  /// A packet to send, and what it means.
  public struct Reply: Sendable, Hashable {
    /// The packet.
    public var packet: DHCPPacket
    /// Where to.
    public var destination: Answer.Destination
    /// The most bytes that the client takes.
    public var limit: Int
    /// What a starting computer is given besides; nil for others, and with a NAK.
    public var grant: Grant?
    /// Why a starting computer is given nothing besides.
    public var refusal: IgnoreReason?

    /// The packet's bytes.
    /// - Throws: `.answerTooLong`.
    public func bytes() throws(NetworkBootProtocolFailure) -> [UInt8] { try packet.serialised(limit: limit) }
  }

  /// What to do about a packet.
  public enum Outcome: Sendable, Hashable {
    /// Send this.
    case reply(Reply)
    /// Send nothing: the step says why.
    case silent(LeaseBook.Step)
  }

  /// A server that has given nothing yet.
  public init(_ pool: AddressPool) { leases = LeaseBook(pool) }

  /// Takes a packet that came to port 67.
  public mutating func answer(_ packet: DHCPPacket, _ arrival: Arrival, by view: ServerView, at now: Duration)
    -> Outcome
  {
    do throws(IgnoreReason) {
      try Self.check(packet)
    } catch {
      return .silent(.ignore(error))
    }
    let step = leases.step(packet, at: now)
    switch step {
    case .offer(let address): return .reply(reply(.offer, address, to: packet, arrival, view))
    case .ack(let address): return .reply(reply(.ack, address, to: packet, arrival, view))
    case .inform: return .reply(reply(.ack, nil, to: packet, arrival, view))
    case .nak(let reason): return .reply(refuse(reason, packet, arrival))
    case .declined, .released, .ignore: return .silent(step)
    }
  }

  /// Whether a packet can be a client's on our own wire, which is the only one that is served so.
  private static func check(_ packet: DHCPPacket) throws(IgnoreReason) {
    guard packet.operation == .request else { throw .notARequest }
    guard packet.relay == .any else { throw .relayInFullMode(packet.relay) }
    let isEthernet = packet.hardware.type == 1 && packet.hardware.bytes.count == 6
    guard isEthernet ? packet.hardware.isEthernetUnicast : !packet.hardware.bytes.isEmpty else {
      throw .noHardwareAddress(packet.hardware)
    }
  }

  private func reply(
    _ type: DHCPMessageType, _ address: IPv4Address?, to request: DHCPPacket, _ arrival: Arrival, _ view: ServerView
  ) -> Reply {
    var packet = base(type, request)
    packet.yourAddress = address ?? .any
    if type == .ack { packet.clientAddress = request.clientAddress }
    if address != nil {
      let seconds = UInt32(LeaseBook.leaseTime.components.seconds)
      packet.options[.leaseTime] = IPv4Address(seconds).bytes
      packet.options[.renewalTime] = IPv4Address(seconds / 2).bytes
      packet.options[.rebindingTime] = IPv4Address(seconds / 8 * 7).bytes
    }
    packet.options[.subnetMask] = leases.pool.subnet.mask.bytes
    packet.options[.broadcastAddress] = leases.pool.subnet.broadcast.bytes
    var reply = Reply(
      packet: packet, destination: destination(of: request, arrival), limit: request.answerLimit)
    switch view.decide(request, arrival: arrival, at: .dhcp) {
    case .answer(let answer): reply.add(answer)
    case .ignore(let reason): reply.refusal = reason
    case .shadow: break
    }
    return reply
  }

  /// A NAK goes to everybody: its client may not have the address that it uses (RFC 2131 §4.3.2).
  private func refuse(_ reason: String, _ request: DHCPPacket, _ arrival: Arrival) -> Reply {
    var packet = base(.nak, request)
    packet.wantsBroadcast = true
    packet.options[.message] = Array(reason.utf8.prefix(255))
    return Reply(
      packet: packet, destination: .broadcast(port: 68, interface: arrival.interface), limit: request.answerLimit)
  }

  private func base(_ type: DHCPMessageType, _ request: DHCPPacket) -> DHCPPacket {
    var packet = DHCPPacket(.reply, hardware: request.hardware, transaction: request.transaction)
    packet.flags = request.flags
    packet.messageType = type
    packet.options[.serverIdentifier] = leases.pool.server.bytes
    // RFC 6842 §3.
    packet.options[.clientIdentifier] = request.options[.clientIdentifier].flatMap { $0.count <= 64 ? $0 : nil }
    return packet
  }

  /// RFC 2131 §4.1. A client without an address is answered by broadcast, as it allows: nobody knows its card yet.
  private func destination(of request: DHCPPacket, _ arrival: Arrival) -> Answer.Destination {
    let address = request.clientAddress
    guard leases.pool.subnet.contains(address), address.isUnicast, !request.wantsBroadcast else {
      return .broadcast(port: 68, interface: arrival.interface)
    }
    return .unicast(address, port: 68, interface: arrival.interface)
  }
}

extension AddressServer.Reply {
  /// Adds what a starting computer is told; the boot file's name stays the last option, see `AnswerBuilder`.
  fileprivate mutating func add(_ answer: Answer) {
    var whole = packet
    whole.nextServer = answer.packet.nextServer
    whole.serverName = answer.packet.serverName
    whole.bootFile = answer.packet.bootFile
    for entry in answer.packet.options.entries where whole.options[entry.code] == nil {
      whole.options[entry.code] = entry.value
    }
    guard DHCPPacket.headerCount + whole.options.wireCount <= limit else {
      refusal = .answerTooLong(bytes: DHCPPacket.headerCount + whole.options.wireCount, limit: limit)
      return
    }
    packet = whole
    grant = answer.grant
  }
}
