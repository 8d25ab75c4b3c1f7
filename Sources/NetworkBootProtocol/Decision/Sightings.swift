// SPDX-License-Identifier: GPL-3.0-or-later

/// The servers that were seen lately, and when.
///
/// Anybody on a wire can send a server's messages, so their number has a limit.
public struct Sightings: Sendable {
  /// How long a server counts after it was seen last.
  public static let memory = Duration.seconds(600)
  /// The most that are kept; another pushes out the one that was seen longest ago.
  public static let most = 64

  /// By the server without what may change about it: whether it gives addresses, which not every message shows.
  private var seen: [SeenServer: (server: SeenServer, at: Duration)] = [:]

  /// Nobody was seen.
  public init() {}

  /// All of them, in an order that stays.
  public var servers: [SeenServer] {
    seen.values.map(\.server).sorted {
      ($0.interface, $0.address, $0.role.rawValue) < ($1.interface, $1.address, $1.role.rawValue)
    }
  }

  /// A server was seen.
  /// - Returns: whether that is news: it was not known, or not as one that gives addresses.
  public mutating func note(_ server: SeenServer, at now: Duration) -> Bool {
    let key = server.withoutAddresses
    let known = seen[key]
    if known == nil, seen.count >= Self.most, let oldest = seen.min(by: { $0.value.at < $1.value.at })?.key {
      seen[oldest] = nil
    }
    var server = server
    server.givesAddresses = server.givesAddresses || known?.server.givesAddresses == true
    seen[key] = (server, now)
    return known?.server != server
  }

  /// Those that count no longer.
  public func stale(at now: Duration) -> [SeenServer] {
    servers.filter { server in seen[server.withoutAddresses].map { now - $0.at >= Self.memory } ?? false }
  }

  /// Forgets a server.
  public mutating func forget(_ server: SeenServer) { seen[server.withoutAddresses] = nil }

  /// Forgets a wire that is not served any more.
  public mutating func forget(interface: String) { seen = seen.filter { $0.key.interface != interface } }
}

extension SeenServer {
  fileprivate var withoutAddresses: SeenServer {
    SeenServer(address: address, role: role, interface: interface)
  }
}
