// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol
internal import Synchronization

/// Asks, as two starting computers would, who else answers on a wire: a PXE and an HTTP boot client that do not exist.
///
/// It sends DISCOVERs and takes no offer; a DHCP server keeps the address that it offered free for a minute or so.
struct WireProbe: Sendable {
  /// How long answers are waited for: firmware does not wait longer (EDK2's first timeout is 4 s).
  static let patience = Duration.seconds(4)

  /// An answer of a server.
  struct Finding: Sendable, Hashable {
    var server: SeenServer
    /// Whether it offered an address.
    var offersAddress: Bool
    /// The boot file that it named.
    var bootFile: String?
  }

  let interface: NetworkInterface

  /// Asks and listens.
  /// - Throws: `NetworkBootFailure` where port 68 cannot be had; NIO's errors.
  func run(group: any EventLoopGroup) async throws -> [Finding] {
    let socket = try ListeningSocket.bound(to: .dhcpClient(68), interface: interface.name)
    let clients = Self.clients()
    let found = Found()
    let channel = try await DatagramBootstrap(group: group)
      .channelInitializer { [interface] channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = ProbeListener(found, interface, Set(clients.map(\.transaction)))
          try channel.pipeline.syncOperations.addHandler(handler)
        }
      }
      .withBoundSocket(socket.take()).get()
    do {
      let everybody = try SocketAddress(ipAddress: "255.255.255.255", port: 67)
      for client in clients {
        let bytes = ByteBuffer(bytes: try client.serialised())
        try await channel.writeAndFlush(AddressedEnvelope(remoteAddress: everybody, data: bytes))
      }
      try await Task.sleep(for: Self.patience)
    } catch {
      try? await channel.close()
      throw error
    }
    try await channel.close()
    return found.all
  }

  /// The two that ask. The addresses are of the kind that no maker gives to a card.
  private static func clients() -> [DHCPPacket] {
    let kinds: [(String, ClientArchitecture)] = [
      ("PXEClient:Arch:00007:UNDI:003016", .uefiX64), ("HTTPClient:Arch:00016:UNDI:003000", .uefiX64HTTP),
    ]
    return kinds.compactMap { vendorClass, architecture in
      let bytes = [0x02] + (0..<5).map { _ in UInt8.random(in: 0...255) }
      guard let hardware = HardwareAddress(bytes: bytes) else { return nil }
      var packet = DHCPPacket(.request, hardware: hardware, transaction: .random(in: 1 ... .max))
      packet.wantsBroadcast = true
      packet.messageType = .discover
      packet.options[.parameterRequestList] = [1, 3, 43, 54, 60, 66, 67]
      packet.options[.vendorClass] = Array(vendorClass.utf8)
      packet.options[.clientArchitecture] = [UInt8(architecture.rawValue >> 8), UInt8(architecture.rawValue & 0xff)]
      packet.options[.clientNetworkInterface] = [1, 3, 16]
      return packet
    }
  }
}

/// What was found so far.
private final class Found: Sendable {
  private let findings = Mutex<[WireProbe.Finding]>([])

  /// All, by server.
  var all: [WireProbe.Finding] {
    findings.withLock { $0.sorted { ($0.server.address, $0.bootFile ?? "") < ($1.server.address, $1.bootFile ?? "") } }
  }

  func add(_ finding: WireProbe.Finding) {
    findings.withLock { if !$0.contains(finding), $0.count < 64 { $0.append(finding) } }
  }
}

private final class ProbeListener: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let found: Found
  private let interface: NetworkInterface
  private let transactions: Set<UInt32>

  init(_ found: Found, _ interface: NetworkInterface, _ transactions: Set<UInt32>) {
    (self.found, self.interface, self.transactions) = (found, interface, transactions)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let packet = try? DHCPPacket(parsing: unwrapInboundIn(data).data.readableBytesView),
      transactions.contains(packet.transaction),
      let server = SeenServer(observing: packet, on: interface.name, own: interface.address)
    else { return }
    found.add(
      WireProbe.Finding(
        server: server, offersAddress: packet.yourAddress.isUnicast,
        bootFile: packet.bootFileName.map { String(decoding: $0.prefix(200), as: UTF8.self) }))
  }
}
