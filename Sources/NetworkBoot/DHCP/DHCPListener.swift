// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NetworkBootProtocol

/// A port that clients ask.
final class DHCPListener: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let server: DHCPServer
  private let plane: Plane

  init(server: DHCPServer, plane: Plane) { (self.server, self.plane) = (server, plane) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let source = envelope.remoteAddress.ipAddress.flatMap({ IPv4Address($0) }),
      let index = envelope.metadata?.packetInfo?.interfaceIndex, let interface = server.interface(index)?.interface,
      // What this server broadcasts comes back to it: its own questions, and those in a client's name.
      plane == .bootServer || source != interface.address
    else { return }
    let arrival = Arrival(
      interface: interface.name, server: interface.address, source: source,
      sourcePort: UInt16(truncatingIfNeeded: envelope.remoteAddress.port ?? 0))
    server.hear(envelope.data.readableBytesView, arrival, on: interface, at: plane)
  }
}

/// The port at which clients are answered: what other servers broadcast there.
final class DHCPOverhearer: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let server: DHCPServer

  init(server: DHCPServer) { self.server = server }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let index = envelope.metadata?.packetInfo?.interfaceIndex, let interface = server.interface(index)?.interface
    else { return }
    server.overhear(envelope.data.readableBytesView, on: interface)
  }
}
