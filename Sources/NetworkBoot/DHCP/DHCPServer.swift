// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol
internal import Synchronization
internal import SystemPackage

/// The DHCP side of the service: two ports on each interface, and the decisions of `NetworkBootProtocol`.
final class DHCPServer: Sendable {
  /// What decisions are made from, and what is told of them.
  let desk: MachineDesk
  let events: EventLog
  private let group: any EventLoopGroup
  private let gate = Mutex(RateGate<HardwareAddress>(rate: 4, burst: 16, rateOfAll: 1000))

  init(desk: MachineDesk, events: EventLog, group: any EventLoopGroup) {
    (self.desk, self.events, self.group) = (desk, events, group)
  }

  /// Decides about a packet.
  func decide(_ bytes: ByteBufferView, _ arrival: Arrival, at plane: Plane) -> Decision {
    let decision = desk.view.decide(bytes, arrival: arrival, at: plane)
    desk.note(decision, about: bytes, arrival)
    return decision
  }

  /// Whether a client may be answered once more now. Its address is what it claims, so all together have a limit too.
  func allows(_ hardware: HardwareAddress) -> Bool { gate.withLock { $0.take(hardware, at: .now()) } }

  /// Listens on a bound socket of an interface, which it takes over.
  func listen(on socket: ListeningSocket, at plane: Plane, _ interface: NetworkInterface) async throws -> any Channel {
    try await DatagramBootstrap(group: group)
      .channelOption(.datagramVectorReadMessageCount, value: 16)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * 2048))
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DHCPListener(server: self, plane: plane, interface: interface))
        }
      }
      .withBoundSocket(socket.take()).get()
  }
}

/// One port on one interface.
private final class DHCPListener: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  private let server: DHCPServer
  private let plane: Plane
  private let interface: NetworkInterface

  init(server: DHCPServer, plane: Plane, interface: NetworkInterface) {
    (self.server, self.plane, self.interface) = (server, plane, interface)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard let source = envelope.remoteAddress.ipAddress.flatMap({ IPv4Address($0) }) else { return }
    let arrival = Arrival(
      interface: interface.name, server: interface.address, source: source,
      sourcePort: UInt16(truncatingIfNeeded: envelope.remoteAddress.port ?? 0))
    switch server.decide(envelope.data.readableBytesView, arrival, at: plane) {
    case .answer(let answer): send(answer, context)
    case .ignore(let reason): log(reason, envelope)
    case .shadow(let wait):
      // The view of this service never allows it.
      server.events.say(
        .init(.dhcp, .trouble, client: "\(wait.request.hardware)", "the shadow reply is not allowed here"))
    }
  }

  private func send(_ answer: Answer, _ context: ChannelHandlerContext) {
    guard server.allows(answer.packet.hardware) else { return }
    let client = "\(answer.packet.hardware)"
    do {
      let bytes = ByteBuffer(bytes: try answer.bytes())
      let remote = try SocketAddress(answer.destination)
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(in: TimeAmount(answer.delay)) {
        let (listener, context) = bound.value
        let envelope = AddressedEnvelope(remoteAddress: remote, data: bytes)
        let events = listener.server.events
        context.writeAndFlush(listener.wrapOutboundOut(envelope)).whenComplete { result in
          switch result {
          case .success: events.say(.init(.dhcp, client: client, name: answer.fileName, answer.summary))
          case .failure(let error): events.say(.init(.dhcp, .trouble, client: client, "not answered: \(error)"))
          }
        }
      }
    } catch {
      server.events.say(.init(.dhcp, .trouble, client: client, (error as? any Diagnosable)?.message ?? "\(error)"))
    }
  }

  /// What has nothing to do with starting computers is no news: every computer on the wire sends it.
  private func log(_ reason: IgnoreReason, _ envelope: AddressedEnvelope<ByteBuffer>) {
    switch reason {
    case .notNetboot, .notARequest, .noMessageType, .requestForSite, .forAnotherServer, .notTheOffer: return
    default: break
    }
    let hardware = (try? DHCPPacket(parsing: envelope.data.readableBytesView))?.hardware
    let client = hardware.map(\.description) ?? envelope.remoteAddress.ipAddress
    server.events.say(.init(.dhcp, .refusal, client: client, "no answer: \(reason.message)"))
  }
}

extension Answer {
  /// The name of the file that is offered.
  fileprivate var fileName: String {
    switch grant.file {
    case .loader(_, let name, _), .absent(let name): name.text
    }
  }

  /// `UEFI x64, HTTP boot: offered boot/tier1.iso of tier1`.
  fileprivate var summary: String {
    switch grant.file {
    case .loader(_, let name, let image): "\(grant.kind.title): offered \(name) of image \(image)"
    case .absent: "\(grant.kind.title): sent on to its HTTP boot entry, by a file that is not there"
    }
  }
}

extension SocketAddress {
  fileprivate init(_ destination: Answer.Destination) throws {
    switch destination {
    case .broadcast(let port, _):
      try self.init(ipAddress: "\(NetworkBootProtocol.IPv4Address.broadcast)", port: Int(port))
    case .unicast(let address, let port, _): try self.init(ipAddress: "\(address)", port: Int(port))
    }
  }
}
