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
        address: "\($0.server.address)", role: $0.server.role.rawValue, offersAddress: $0.offersAddress,
        bootFile: $0.bootFile)
    }
    conclusions = Self.conclusions(findings, mode)
  }

  private static func conclusions(_ findings: [WireProbe.Finding], _ mode: BootService.Mode) -> [String] {
    var sentences: [String] = []
    if !findings.contains(where: \.offersAddress) {
      sentences.append("Nobody offers an address here: computers that start from the network need a DHCP server.")
    }
    let boot = Set(findings.filter { $0.server.role == .boot }.map { "\($0.server.address)" }).sorted()
    if !boot.isEmpty, mode == .proxy {
      sentences.append("A computer may take the boot file of \(boot.joined(separator: ", ")) and not this server's.")
    }
    let others = Set(findings.filter { $0.server.role == .lifeboat }.map { "\($0.server.address)" }).sorted()
    if !others.isEmpty {
      sentences.append("Another Lifeboat answers already: \(others.joined(separator: ", ")).")
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
