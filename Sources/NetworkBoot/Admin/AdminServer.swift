// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SystemPackage

/// The admin plane: HTTP on a Unix socket, for administrators of this computer. Nothing of it is on the network.
///
///     everybody may connect ─▶ the kernel says who it is ─▶ allowed: AdminAnswer
///                                                       └─▶ else: 403, and who is
struct AdminServer: Sendable {
  let desk: MachineDesk
  let files: NIOThreadPool
  let events: EventLog

  /// Serves while `body` runs; without a socket in the options, or with one that is not needed and cannot be had, `body`
  /// runs alone.
  /// - Throws: `NetworkBootFailure.adminSocketTaken`, `.adminSocket`.
  func serving(_ group: any EventLoopGroup, _ body: () async -> Void) async throws {
    guard let path = desk.options.admin else { return await body() }
    let channel: any Channel
    do { channel = try await listen(at: path, group) } catch let failure as NetworkBootFailure {
      guard !desk.options.needsAdmin else { throw failure }
      events.say(.init(.admin, .trouble, "\(failure.message); administrators do not reach this service"))
      return await body()
    }
    await body()
    try? await channel.close()
    FileTree.remove(path)
  }

  private func listen(at path: FilePath, _ group: any EventLoopGroup) async throws -> any Channel {
    do {
      try FileTree.makeFolder(path.removingLastComponent())
      if FileTree.kind(of: path) == .special {
        // A socket that nobody listens on any more was left by a service that was killed.
        if let other = try? await ClientBootstrap(group: group).connect(unixDomainSocketPath: path.string).get() {
          try? await other.close()
          throw NetworkBootFailure.adminSocketTaken(path)
        }
        FileTree.remove(path)
      }
      let channel = try await bootstrap(group).bind(unixDomainSocketPath: path.string).get()
      // Whoever may not administer is told so, and not merely turned away by the file system.
      try FileTree.setPermissions(path, 0o666)
      return channel
    } catch let failure as NetworkBootFailure {
      throw failure
    } catch {
      let reason = (error as? any Diagnosable)?.message ?? "\(error)"
      throw NetworkBootFailure.adminSocket(path, reason: reason)
    }
  }

  private func bootstrap(_ group: any EventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 64)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let operations = channel.pipeline.syncOperations
          let peer = try operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { AdminPeer(of: $0) }
          try operations.configureHTTPServerPipeline(withErrorHandling: true)
          try operations.addHandler(NIOHTTPServerRequestAggregator(maxContentLength: 4096))
          try operations.addHandler(AdminConnection(server: self, peer: peer ?? nil))
        }
      }
  }
}

/// One administrator's connection.
private final class AdminConnection: ChannelInboundHandler {
  typealias InboundIn = NIOHTTPServerRequestFull
  typealias OutboundOut = HTTPServerResponsePart

  private let server: AdminServer
  private let peer: AdminPeer?

  init(server: AdminServer, peer: AdminPeer?) { (self.server, self.peer) = (server, peer) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let request = unwrapInboundIn(data)
    let (method, path, isKeepAlive) = (request.head.method, request.head.uri, request.head.isKeepAlive)
    let body = request.body.map { Array($0.readableBytesView) } ?? []
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    // What is said about machines is written to the disk, and groups may be looked up far away.
    server.files.runIfActive(eventLoop: context.eventLoop) { [server, peer] in
      AdminAnswer.decide(method, path, body, from: peer, server.desk)
    }.whenComplete { result in
      let (connection, context) = bound.value
      switch result {
      case .success(let answer): connection.send(answer, isKeepAlive, context)
      case .failure: context.close(promise: nil)
      }
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func send(_ answer: AdminAnswer, _ isKeepAlive: Bool, _ context: ChannelHandlerContext) {
    var headers: HTTPHeaders = [
      "Content-Type": answer.type, "Content-Length": "\(answer.text.utf8.count)", "Cache-Control": "no-store",
    ]
    if !isKeepAlive { headers.add(name: "Connection", value: "close") }
    let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.text)))), promise: nil)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if !isKeepAlive { bound.value.close(promise: nil) }
    }
  }
}
