// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// The HTTP server: gives the objects of the set, whole or in part, and nothing else.
struct HTTPServer: Sendable {
  let sets: SetFollower
  let desk: MachineDesk
  let files: NIOThreadPool
  let events: EventLog
  let limits: HTTPLimits
  let connections: Ledger

  init(sets: SetFollower, desk: MachineDesk, files: NIOThreadPool, events: EventLog, limits: HTTPLimits) {
    (self.sets, self.desk, self.files, self.events, self.limits) = (sets, desk, files, events, limits)
    connections = Ledger(most: limits.connections, mostByAddress: limits.connectionsByAddress)
  }

  /// Listens on a bound socket, which it takes over.
  func listen(on socket: ListeningSocket, group: any EventLoopGroup) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      // Whoever has sent all of his requests may say so and is still answered.
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try prepare(channel) }
      }
      .withBoundSocket(socket.take()).get()
  }

  /// Puts what reads requests and answers them behind a new connection.
  func prepare(_ channel: any Channel) throws {
    let address = channel.remoteAddress?.ipAddress ?? "unknown"
    guard connections.enter(address) else {
      events.say(.init(.http, .refusal, client: address, "it has too many connections"))
      throw TooManyConnections()
    }
    channel.closeFuture.whenComplete { [connections] _ in connections.leave(address) }
    var decoder = NIOHTTPDecoderLimitConfiguration()
    decoder.maxHeaderFieldSize = limits.header
    decoder.maxHeaderListSize = limits.header
    decoder.maxHeaderFieldCount = 64
    let operations = channel.pipeline.syncOperations
    try operations.configureHTTPServerPipeline(
      withPipeliningAssistance: true, withErrorHandling: true, withOutboundHeaderValidation: true,
      withEncoderConfiguration: .init(),
      withDecoderLimitConfiguration: decoder)
    try operations.addHandler(HTTPConnection(server: self, client: address))
  }

  private struct TooManyConnections: Error {}
}
