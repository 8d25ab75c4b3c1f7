// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol
internal import SystemPackage

/// An interface while it is served: what goes out of it.
struct ServedInterface: Sendable {
  /// Which port something comes from.
  enum Origin: Hashable {
    /// One that clients ask.
    case server(Plane)
    /// The DHCP client's.
    case client
  }

  let interface: NetworkInterface
  /// Whether other servers are not overheard here, although they should be.
  let isDeaf: Bool
  private let senders: [Origin: DatagramSender]

  init(_ sockets: DHCPSockets) {
    (interface, isDeaf) = (sockets.interface, sockets.deafness != nil)
    var senders: [Origin: DatagramSender] = [.client: sockets.ear].compactMapValues { $0?.sender() }
    for (plane, socket) in sockets.sockets { senders[.server(plane)] = socket.sender() }
    self.senders = senders
  }

  /// Sends a packet.
  /// - Returns: why it was not sent.
  func send(_ bytes: [UInt8], to destination: Answer.Destination, from origin: Origin) -> Errno? {
    guard let sender = senders[origin] else { return .badFileDescriptor }
    return switch destination {
    case .broadcast(let port, _): sender.send(bytes, to: .broadcast, port: port, from: interface)
    case .unicast(let address, let port, _): sender.send(bytes, to: address, port: port, from: interface)
    }
  }
}
