// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// Who else answers starting computers on a wire, and what that means.
public struct WireReport: Sendable, Hashable, Encodable {
  /// The interface.
  public var interface: String
  /// Who answered.
  public var servers: [Server]
  /// What it means for this service, a sentence each.
  public var conclusions: [String]

  /// A server that answered.
  public struct Server: Sendable, Hashable, Encodable {
    /// Its address.
    public var address: String
    /// `dhcp`, `boot` or `lifeboat`.
    public var role: String
    /// Whether it offered an address.
    public var offersAddress: Bool
    /// The boot file that it named.
    public var bootFile: String?
  }

  init(_ interface: NetworkInterface, _ findings: [WireProbe.Finding], _ mode: BootService.Mode) {
    self.interface = interface.description
    servers = findings.map {
      Server(
        address: "\($0.server.address)", role: $0.server.role.rawValue, offersAddress: $0.server.givesAddresses,
        bootFile: $0.bootFile)
    }
    conclusions = Self.conclusions(findings, mode, own: interface.address)
  }

  private static func conclusions(
    _ findings: [WireProbe.Finding], _ mode: BootService.Mode, own: IPv4Address
  ) -> [String] {
    let servers = findings.map(\.server)
    var sentences: [String] = []
    if mode == .full {
      let others = Set(servers.filter(\.givesAddresses).map { "\($0.address)" }).sorted().joined(separator: ", ")
      if !others.isEmpty {
        sentences.append(
          "\(others) gives addresses here, so mode full will not start: two such servers are one too many.")
      }
    } else if !servers.contains(where: \.givesAddresses) {
      sentences.append("Nobody offers an address here: computers that start from the network need a DHCP server.")
    }
    let boot = Set(servers.filter { $0.role == .boot }.map { "\($0.address)" }).sorted().joined(separator: ", ")
    if !boot.isEmpty, mode != .site {
      sentences.append("\(boot) names boot files here, so this server offers nothing beside it.")
    }
    for other in Set(servers.filter { $0.role == .lifeboat }).sorted(by: { $0.address < $1.address }) {
      sentences.append(
        other.hasPriority(over: own)
          ? "Another Lifeboat, \(other.address), answers: its address is lower, so this one keeps silent."
          : "Another Lifeboat, \(other.address), keeps silent as soon as it hears this one, whose address is lower.")
    }
    return sentences.isEmpty ? ["Nothing is in the way."] : sentences
  }

  /// For people.
  public var lines: [String] {
    let answers = servers.map { server in
      let address = server.offersAddress ? ", offers an address" : ""
      return "  \(server.address) (\(server.role))\(address)\(server.bootFile.map { ", boot file \($0)" } ?? "")"
    }
    return ["on \(interface):"] + (answers.isEmpty ? ["  nobody answers"] : answers) + conclusions.map { "  \($0)" }
  }
}
