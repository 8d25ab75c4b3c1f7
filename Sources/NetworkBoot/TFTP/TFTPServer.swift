// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol
internal import Synchronization

/// The TFTP server: takes requests on its port, and gives each transfer a port of its own (RFC 1350, section 4).
///
///     RRQ ─▶ port 69 ─▶ name ─▶ object ─▶ a new socket, connected to the client ─▶ TFTPSession ─▶ TFTPTransfer
///                  └──▶ ERROR, from port 69
final class TFTPServer: Sendable {
  let sets: SetFollower
  let desk: MachineDesk
  let files: NIOThreadPool
  let events: EventLog
  let limits: TFTPLimits
  let transfers: Ledger
  private let group: any EventLoopGroup
  /// What each client is being given; a client is an address with a port.
  private let clients = Mutex<[SocketAddress: TFTPRequest]>([SocketAddress: TFTPRequest]())

  init(
    sets: SetFollower, desk: MachineDesk, files: NIOThreadPool, events: EventLog, group: any EventLoopGroup,
    limits: TFTPLimits
  ) {
    (self.sets, self.desk, self.files, self.events) = (sets, desk, files, events)
    (self.group, self.limits) = (group, limits)
    transfers = Ledger(most: 512, mostByAddress: 32)
  }

  /// Listens on a bound socket, which it takes over.
  func listen(on socket: ListeningSocket) async throws -> any Channel {
    try await DatagramBootstrap(group: group)
      .channelOption(.receivePacketInfo, value: true)
      .channelOption(.datagramVectorReadMessageCount, value: 16)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * 1024))
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(TFTPListener(server: self))
        }
      }
      .withBoundSocket(socket.take()).get()
  }

  /// Begins a transfer.
  /// - Parameters:
  ///   - local: the address that the client asked; the answer has to come from there.
  ///   - refuse: called where it turns out later that there is nothing to give.
  /// - Returns: what to answer instead, if there will be none.
  func begin(
    _ request: TFTPRequest, isWrite: Bool, from client: SocketAddress, to local: NetworkBootProtocol.IPv4Address,
    refuse: @escaping @Sendable (TFTPRefusal) -> Void
  ) -> TFTPRefusal? {
    do throws(TFTPRefusal) {
      let name = try request.object(isWrite: isWrite)
      let set = sets.current
      guard let object = set.object(name) else { throw .notFound(name) }
      let transfer = try TFTPTransfer(request, size: Int(object.size.bytes), limits: limits)
      // A client that repeats its request gets its answer from the transfer, which repeats it too. Another request from
      // the same port is another transfer: firmware asks for the size first, and may be faster than the end of that.
      guard clients.withLock({ $0[client] != request }) else { return nil }
      guard transfers.enter(client.ipAddress ?? "unknown") else { throw .busy }
      clients.withLock { $0[client] = request }
      start(TFTPClient(client, local, request), transfer, of: name, open: { try set.open(object) }, refuse: refuse)
      return nil
    } catch {
      return error
    }
  }

  private func start(
    _ client: TFTPClient, _ transfer: TFTPTransfer, of name: ObjectName,
    open: @escaping @Sendable () throws -> OpenObject, refuse: @escaping @Sendable (TFTPRefusal) -> Void
  ) {
    let loop = group.next()
    files.runIfActive(eventLoop: loop) {
      (try open(), try TransferSocket(from: client.local))
    }.flatMap { [self, group = loop as any EventLoopGroup] file, socket in
      DatagramBootstrap(group: group)
        // An acknowledgement has four bytes, and there is one at a time.
        .channelOption(.maxMessagesPerRead, value: 1)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1024))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let session = TFTPSession(transfer, of: name, file, on: socket, server: self, client: client)
            try channel.pipeline.syncOperations.addHandler(session)
          }
        }
        .withBoundSocket(socket.descriptor)
        .flatMap { channel in
          channel.closeFuture.whenComplete { _ in self.end(client) }
          return channel.connect(to: client.remote).flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw error
          }.flatMap { channel.triggerUserOutboundEvent(TFTPSession.Begin()) }
        }
    }.whenFailure { [self] error in
      let reason = (error as? any Diagnosable)?.message ?? "\(error)"
      events.say(.init(.tftp, .trouble, client: client.address, name: name.text, "\(name): \(reason)"))
      refuse(.unreadable(name))
      end(client)
    }
  }

  /// A transfer is over; it may be said more than once.
  func end(_ client: TFTPClient) {
    guard client.isOver.exchange(true, ordering: .relaxed) == false else { return }
    transfers.leave(client.address)
    clients.withLock { if $0[client.remote] == client.request { $0[client.remote] = nil } }
  }
}

/// One transfer's client.
final class TFTPClient: Sendable {
  /// Where it asked from.
  let remote: SocketAddress
  /// The address of ours that it asked.
  let local: NetworkBootProtocol.IPv4Address
  /// What it asked.
  let request: TFTPRequest
  /// Whether its transfer is over.
  let isOver = Atomic(false)
  /// Its address for the log.
  var address: String { remote.ipAddress ?? "unknown" }

  init(_ remote: SocketAddress, _ local: NetworkBootProtocol.IPv4Address, _ request: TFTPRequest) {
    (self.remote, self.local, self.request) = (remote, local, request)
  }
}

/// The well-known port.
private final class TFTPListener: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let server: TFTPServer
  private var gate = RateGate<String>(rate: 100, burst: 200, rateOfAll: 2000)

  init(server: TFTPServer) { self.server = server }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    let client = envelope.remoteAddress
    guard gate.take(client.ipAddress ?? "unknown", at: .now()) else {
      let reason = "no answer: it asks too often, or all together do"
      return server.events.say(.init(.tftp, .refusal, client: client.ipAddress, reason))
    }
    do throws(NetworkBootProtocolFailure) {
      switch try TFTPPacket(parsing: envelope.data.readableBytesView) {
      case .read(let request): begin(request, isWrite: false, envelope, context)
      case .write(let request): begin(request, isWrite: true, envelope, context)
      // A late packet of a transfer that has its own port, or nonsense; an answer would be the next one's food.
      case .data, .acknowledgement, .error, .options: break
      }
    } catch {
      server.events.say(.init(.tftp, .refusal, client: client.ipAddress, error.message))
    }
  }

  private func begin(
    _ request: TFTPRequest, isWrite: Bool, _ envelope: AddressedEnvelope<ByteBuffer>, _ context: ChannelHandlerContext
  ) {
    let client = envelope.remoteAddress
    // What came by broadcast has no address to answer from, and no firmware asks that way.
    guard let local = envelope.metadata?.packetInfo.flatMap({ Self.unicast($0.destinationAddress) }) else { return }
    let channel = context.channel
    let refuse: @Sendable (TFTPRefusal) -> Void = { refusal in
      let answer = ByteBuffer(bytes: refusal.packet.serialised)
      channel.writeAndFlush(AddressedEnvelope(remoteAddress: client, data: answer), promise: nil)
    }
    guard let refusal = server.begin(request, isWrite: isWrite, from: client, to: local, refuse: refuse) else { return }
    server.events.say(.init(.tftp, .refusal, client: client.ipAddress, refusal.message))
    refuse(refusal)
  }

  /// An address as a number; nil for a broadcast address, from which nothing can be sent.
  private static func unicast(_ address: SocketAddress) -> NetworkBootProtocol.IPv4Address? {
    guard let text = address.ipAddress, let ipv4 = NetworkBootProtocol.IPv4Address(text), ipv4 != .broadcast,
      ipv4 != .any
    else { return nil }
    return ipv4
  }
}
