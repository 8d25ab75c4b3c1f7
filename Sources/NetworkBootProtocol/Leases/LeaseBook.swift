// SPDX-License-Identifier: GPL-3.0-or-later

/// Who has which address, in mode `full` (RFC 2131 §4.3).
///
///     DISCOVER ─▶ offered, 30 s ──REQUEST─▶ leased, 1 h ──REQUEST─▶ leased anew
///                    │                        ├─RELEASE─▶ free
///                    └─ time passes ─▶ free ◀─┴─ time passes ─ declined, 10 min ◀─DECLINE
///
/// It is not kept on a disk. After a restart a client that asks for the address that it has gets it, unless somebody else
/// has it: nobody else gives addresses here. A new one gets an address that its card's number chooses, so that two rarely
/// meet. Time is given by whoever has a clock, counted from any one moment.
public struct LeaseBook: Sendable {
  /// What to do about a packet.
  public enum Step: Sendable, Hashable {
    /// An OFFER of an address.
    case offer(IPv4Address)
    /// An ACK of an address.
    case ack(IPv4Address)
    /// A NAK, and why.
    case nak(String)
    /// An ACK without an address: the client has one, and wants to know the rest.
    case inform
    /// No answer: the client found somebody else at an address, which is not given for a while.
    case declined(IPv4Address)
    /// No answer: an address is free again.
    case released(IPv4Address)
    /// No answer.
    case ignore(IgnoreReason)
  }

  private struct Entry {
    enum Standing { case offered, leased, declined }
    var client: [UInt8]
    var standing: Standing
    var until: Duration
  }

  /// How long a client may keep an address.
  public static let leaseTime = Duration.seconds(3600)
  /// How long an OFFER holds; firmware decides within seconds.
  static let offerTime = Duration.seconds(30)
  /// How long an address rests at which a client found somebody else.
  static let restTime = Duration.seconds(600)

  /// What may be given.
  public let pool: AddressPool
  private var entries: [IPv4Address: Entry] = [:]
  private var addresses: [[UInt8]: IPv4Address] = [:]
  /// While nothing is free: when the next address will be. A flood then costs no search each.
  private var exhaustedUntil: Duration?

  /// Nothing is given yet.
  public init(_ pool: AddressPool) { self.pool = pool }

  /// How many addresses are remembered; never more than the pool has.
  public var count: Int { entries.count }

  /// Takes a client's packet.
  public mutating func step(_ packet: DHCPPacket, at now: Duration) -> Step {
    let client = Self.identity(of: packet)
    switch packet.messageType {
    case .discover: return discover(packet, client, now)
    case .request: return request(packet, client, now)
    case .decline: return decline(packet, client, now)
    case .release: return release(packet, client)
    case .inform: return packet.clientAddress.isUnicast ? .inform : .ignore(.noAddressAsked)
    case nil: return .ignore(.noMessageType)
    case .some(let type): return .ignore(.messageType(type, .dhcp))
    }
  }

  /// What a client is known by: its identifier (option 61), else its card (RFC 2131 §4.2). Most identifiers are the
  /// card's type and address, which so are the same client as firmware without an identifier.
  static func identity(of packet: DHCPPacket) -> [UInt8] {
    if let identifier = packet.options[.clientIdentifier], (2...255).contains(identifier.count) { return identifier }
    return [packet.hardware.type] + packet.hardware.bytes
  }

  private mutating func discover(_ packet: DHCPPacket, _ client: [UInt8], _ now: Duration) -> Step {
    if let address = addresses[client], let entry = entries[address] {
      if entry.standing == .offered || entry.until <= now { put(address, client, .offered, now + Self.offerTime) }
      return .offer(address)
    }
    let wanted = packet.options.address(.requestedAddress).flatMap { isFree($0, for: client, now) ? $0 : nil }
    guard let address = wanted ?? anyFree(for: client, packet.hardware, now) else { return .ignore(.poolIsEmpty(pool)) }
    put(address, client, .offered, now + Self.offerTime)
    return .offer(address)
  }

  private mutating func request(_ packet: DHCPPacket, _ client: [UInt8], _ now: Duration) -> Step {
    if let chosen = packet.options.address(.serverIdentifier), chosen != pool.server {
      if let address = addresses[client], entries[address]?.standing == .offered { remove(address) }
      return .ignore(.forAnotherServer(chosen))
    }
    let asked = packet.options.address(.requestedAddress) ?? packet.clientAddress
    guard asked.isUnicast else { return .ignore(.noAddressAsked) }
    guard pool.subnet.contains(asked) else { return .nak("\(asked) is not in \(pool.subnet)") }
    guard isFree(asked, for: client, now) else { return .nak("\(asked) is not available") }
    if let old = addresses[client], old != asked { remove(old) }
    put(asked, client, .leased, now + Self.leaseTime)
    return .ack(asked)
  }

  /// Only the client to which an address was given may say that somebody else has it.
  private mutating func decline(_ packet: DHCPPacket, _ client: [UInt8], _ now: Duration) -> Step {
    guard let address = packet.options.address(.requestedAddress), addresses[client] == address else {
      return .ignore(.noAddressAsked)
    }
    addresses[client] = nil
    entries[address] = Entry(client: [], standing: .declined, until: now + Self.restTime)
    return .declined(address)
  }

  private mutating func release(_ packet: DHCPPacket, _ client: [UInt8]) -> Step {
    guard addresses[client] == packet.clientAddress else { return .ignore(.noAddressAsked) }
    remove(packet.clientAddress)
    return .released(packet.clientAddress)
  }

  private func isFree(_ address: IPv4Address, for client: [UInt8], _ now: Duration) -> Bool {
    guard pool.contains(address) else { return false }
    guard let entry = entries[address] else { return true }
    return entry.until <= now || entry.client == client
  }

  private mutating func anyFree(for client: [UInt8], _ hardware: HardwareAddress, _ now: Duration) -> IPv4Address? {
    if let exhaustedUntil, now < exhaustedUntil { return nil }
    if let address = pool.addresses(for: hardware.bytes).first(where: { isFree($0, for: client, now) }) {
      exhaustedUntil = nil
      return address
    }
    exhaustedUntil = entries.values.map(\.until).min()
    return nil
  }

  private mutating func put(
    _ address: IPv4Address, _ client: [UInt8], _ standing: Entry.Standing, _ until: Duration
  ) {
    if let before = entries[address], before.client != client, addresses[before.client] == address {
      addresses[before.client] = nil
    }
    entries[address] = Entry(client: client, standing: standing, until: until)
    addresses[client] = address
  }

  private mutating func remove(_ address: IPv4Address) {
    if let entry = entries.removeValue(forKey: address) { addresses[entry.client] = nil }
    exhaustedUntil = nil
  }
}
