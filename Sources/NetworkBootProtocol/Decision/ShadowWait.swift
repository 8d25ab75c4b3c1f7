// SPDX-License-Identifier: GPL-3.0-or-later

/// A client for which the site's OFFER is awaited, to be answered with the same address in the shape of BOOTP.
///
///     client   DISCOVER ─────────▶ everybody
///     site     OFFER, address A ─▶ everybody     ◀── seen by us, on the same segment
///     we       BOOTP reply: address A, boot file, our address as the next server ─▶ everybody
///
/// EDK2 ranks a reply without option 53 last among what it has collected, but before an OFFER without a boot file, and
/// takes it for the ACK too (NetworkPkg/UefiPxeBcDxe/PxeBcDhcp4.c, `PxeBcSelectDhcp4Offer`, `PxeBcHandleDhcp4Offer`). So
/// GRUB, which knows only the ACK and ignores proxies (rhboot/grub2#56), finds us. Measured with OVMF 2022.11, Secure
/// Boot on and off; other firmware is unknown, and an iPXE ROM on a BIOS does not take it.
///
/// The address is offered, but not leased, until the started system asks for it; `Shadow.commit` closes that gap by
/// asking in the client's name.
public struct ShadowWait: Sendable, Hashable {
  /// Who asks.
  public let request: BootRequest
  /// What it will be given.
  public let grant: Grant
  /// Whether the address is requested in the client's name.
  public let commits: Bool
  /// Whether another Lifeboat on the wire may have priority.
  public let yields: Bool
  /// How long to wait after the OFFER.
  public let delay: Duration

  /// How long the OFFER is worth waiting for. EDK2 collects for its first timeout of 4 s (`mPxeDhcpTimeout`); 3.4 s
  /// were seen.
  public static let patience = Duration.seconds(3)

  /// What to do about a server's message.
  public enum Step: Sendable, Hashable {
    /// It was not what is waited for.
    case keepWaiting(IgnoreReason)
    /// Send the reply, and the request in the client's name, if any, after it.
    case answer(Answer, commit: Commit?)
    /// Forget the client.
    case giveUp(IgnoreReason)
  }

  /// A REQUEST in the client's name, so that the site's server leases what it has offered.
  public struct Commit: Sendable, Hashable {
    /// The packet.
    public var packet: DHCPPacket
    /// Where to: the servers' port.
    public var destination: Answer.Destination
  }

  /// Takes a server's message that was seen on the wire.
  ///
  /// Any answer that names a boot file, or comes as a boot server's, has a better rank with the firmware than ours, so
  /// there is nothing to be gained beside it, whoever has priority.
  public func step(seeing reply: DHCPPacket) -> Step {
    guard reply.operation == .reply, reply.transaction == request.packet.transaction,
      reply.hardware == request.hardware
    else { return .keepWaiting(.notTheOffer) }
    let own = request.arrival.server
    if let server = SeenServer(observing: reply, on: request.arrival.interface, own: own) {
      if server.role == .lifeboat {
        return yields && server.hasPriority(over: own) ? .giveUp(.yields(to: server)) : .keepWaiting(.notTheOffer)
      }
      if reply.bootFileName != nil { return .giveUp(.offerHasBootFile(server: server.address)) }
      if server.role == .boot { return .giveUp(.yields(to: server)) }
    }
    guard reply.messageType == .offer else { return .keepWaiting(.notTheOffer) }
    guard reply.yourAddress.isUnicast else { return .keepWaiting(.offerWithoutAddress) }
    return .answer(answer(to: reply), commit: commits ? commit(to: reply) : nil)
  }

  /// Exactly what was measured: these fields and these options, nothing else.
  private func answer(to offer: DHCPPacket) -> Answer {
    var packet = DHCPPacket(.reply, hardware: request.hardware, transaction: request.packet.transaction)
    packet.wantsBroadcast = true
    packet.relay = request.packet.relay
    packet.yourAddress = offer.yourAddress
    packet.nextServer = request.arrival.server
    if case .loader(_, let name, _) = grant.file { packet.bootFile = Array(name.text.utf8) }
    for code in [DHCPOptionCode.subnetMask, .router, .nameServer, .domainName] {
      // A site's list may be longer than a BOOTP reply has room for; GRUB and shim read the first few.
      packet.options[code] = offer.options[code].flatMap { $0.count <= 64 ? $0 : nil }
    }
    packet.options[.serverIdentifier] = request.arrival.server.bytes
    return Answer(
      packet: packet, destination: .broadcast(port: 68, interface: request.arrival.interface), delay: delay,
      grant: grant, limit: request.packet.answerLimit)
  }

  /// As tried with dnsmasq: the client's card, 50, 54, a transaction of our own. The client identifier goes along,
  /// because a server keeps leases by it.
  private func commit(to offer: DHCPPacket) -> Commit? {
    guard let site = offer.options[.serverIdentifier], site.count == 4 else { return nil }
    var packet = DHCPPacket(
      .request, hardware: request.hardware, transaction: request.packet.transaction ^ 0x4c69_6665)
    packet.wantsBroadcast = true
    packet.messageType = .request
    packet.options[.requestedAddress] = offer.yourAddress.bytes
    packet.options[.serverIdentifier] = site
    packet.options[.clientIdentifier] = request.packet.options[.clientIdentifier].flatMap { $0.count <= 255 ? $0 : nil }
    return Commit(packet: packet, destination: .broadcast(port: 67, interface: request.arrival.interface))
  }
}
