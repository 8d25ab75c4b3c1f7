// SPDX-License-Identifier: GPL-3.0-or-later

/// The addresses that our own DHCP server gives, in mode `full`: a range of its subnet without its own address.
public struct AddressPool: Sendable, Hashable, CustomStringConvertible {
  /// The subnet of the interface.
  public let subnet: IPv4Subnet
  /// Our own address there.
  public let server: IPv4Address
  /// The first that is given.
  public let first: IPv4Address
  /// The last that is given.
  public let last: IPv4Address

  /// The most addresses: more computers do not share a wire, and what is remembered has to end somewhere.
  public static let most = 4096

  /// Why addresses make no pool.
  public enum Refusal: Error, Sendable, Hashable {
    /// It is no range of two addresses, the lower one first.
    case notARange
    /// Some of them are not in the subnet, or are its first or last address, which no computer has.
    case outside(IPv4Subnet)
    /// There are too many.
    case tooLarge(Int)
    /// Nothing is left besides our own.
    case empty(IPv4Subnet)
  }

  /// The upper half of a subnet: the lower one is where people put what has a fixed address.
  /// - Throws: `Refusal`.
  public init(upperHalfOf subnet: IPv4Subnet, server: IPv4Address) throws(Refusal) {
    guard subnet.prefixLength <= 30 else { throw .empty(subnet) }
    let size = subnet.broadcast.value - subnet.network.value
    let half = subnet.network.value + size / 2 + 1
    let last = subnet.broadcast.value - 1
    // Of a subnet for two the upper half may be ourselves.
    let first =
      half == last && server.value == last ? subnet.network.value + 1 : max(half, last - UInt32(Self.most - 1))
    try self.init(from: IPv4Address(first), to: IPv4Address(last), of: subnet, server: server)
  }

  /// A range of a subnet.
  /// - Throws: `Refusal`.
  public init(from first: IPv4Address, to last: IPv4Address, of subnet: IPv4Subnet, server: IPv4Address) throws(Refusal)
  {
    guard first <= last else { throw .notARange }
    guard first > subnet.network, last < subnet.broadcast, subnet.contains(first), subnet.contains(last) else {
      throw .outside(subnet)
    }
    let count = Int(last.value - first.value) + 1
    guard count <= Self.most else { throw .tooLarge(count) }
    guard count > 1 || first != server else { throw .empty(subnet) }
    (self.first, self.last, self.subnet, self.server) = (first, last, subnet, server)
  }

  /// Reads `10.66.0.100-10.66.0.199`.
  /// - Throws: `Refusal`.
  public init(_ text: String, of subnet: IPv4Subnet, server: IPv4Address) throws(Refusal) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { IPv4Address($0) }
    guard parts.count == 2, let first = parts[0], let last = parts[1] else { throw .notARange }
    try self.init(from: first, to: last, of: subnet, server: server)
  }

  /// Whether an address may be given.
  public func contains(_ address: IPv4Address) -> Bool { address >= first && address <= last && address != server }

  /// All that may be given, each once, beginning at one that a client's bytes choose: a server that has forgotten
  /// everything so gives most clients what they had.
  func addresses(for client: [UInt8]) -> some Sequence<IPv4Address> {
    let count = last.value - first.value + 1
    // FNV-1a, 32 bits.
    let hash = client.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    return (0..<count).lazy.map { IPv4Address(first.value + (hash % count + $0) % count) }.filter { $0 != server }
  }

  /// `10.66.0.128 to 10.66.0.254`.
  public var description: String { "\(first) to \(last)" }
}

extension AddressPool.Refusal: CustomStringConvertible {
  /// A clause.
  public var description: String {
    switch self {
    case .notARange: "it is not two addresses with a hyphen between, the lower one first"
    case .outside(let subnet): "\(subnet) does not have all of these addresses for computers"
    case .tooLarge(let count): "it has \(count) addresses, and \(AddressPool.most) are the most"
    case .empty(let subnet): "\(subnet) has no address besides this server's own"
    }
  }
}
