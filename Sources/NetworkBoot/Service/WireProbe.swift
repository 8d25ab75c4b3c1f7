// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
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
    /// The boot file that it named.
    var bootFile: String?
  }

  /// What is asked, and through which socket at the DHCP client's port; interfaces may share one.
  let wires: [(interface: NetworkInterface, ear: ListeningSocket)]

  /// Asks on all wires at once and listens.
  /// - Throws: NIO's errors.
  func run(group: any EventLoopGroup) async throws -> [NetworkInterface: [Finding]] {
    guard !wires.isEmpty else { return [:] }
    let questions = wires.flatMap { wire in Self.clients().map { (wire: wire, packet: $0) } }
    let found = Found(
      questions.reduce(into: [:]) { $0[$1.packet.transaction] = $1.wire.interface })
    var ears: [ObjectIdentifier: ListeningSocket] = [:]
    for wire in wires { ears[ObjectIdentifier(wire.ear)] = wire.ear.duplicate() }
    var channels: [any Channel] = []
    for ear in ears.values { channels.append(try await Self.listen(on: ear, found, group)) }
    for question in questions {
      let bytes = try question.packet.serialised()
      // An interface that is down is not asked, and nobody is found there.
      _ = question.wire.ear.sender()?.send(bytes, to: .broadcast, port: 67, from: question.wire.interface)
    }
    try? await Task.sleep(for: Self.patience)
    for channel in channels { try? await channel.close() }
    try Task.checkCancellation()
    return found.all
  }

  private static func listen(
    on ear: ListeningSocket, _ found: Found, _ group: any EventLoopGroup
  ) async throws -> any Channel {
    try await DatagramBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ProbeListener(found))
        }
      }
      .withBoundSocket(ear.take()).get()
  }

  /// The two that ask. The addresses are of the kind that no maker gives to a card.
  static func clients() -> [DHCPPacket] {
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
      packet.options[.lifeboat] = Array("lifeboat".utf8)
      return packet
    }
  }
}

/// What was found so far.
private final class Found: Sendable {
  private let findings = Mutex<[NetworkInterface: [WireProbe.Finding]]>([:])
  /// Where each question was asked.
  private let questions: [UInt32: NetworkInterface]

  init(_ questions: [UInt32: NetworkInterface]) { self.questions = questions }

  /// All, by server.
  var all: [NetworkInterface: [WireProbe.Finding]] {
    findings.withLock { all in
      all.mapValues { list in
        list.sorted { ($0.server.address, $0.bootFile ?? "") < ($1.server.address, $1.bootFile ?? "") }
      }
    }
  }

  func add(_ packet: DHCPPacket) {
    guard let interface = questions[packet.transaction],
      let server = SeenServer(observing: packet, on: interface.name, own: interface.address)
    else { return }
    let file = packet.bootFileName.map { String(decoding: $0.prefix(200), as: UTF8.self) }
    let finding = WireProbe.Finding(server: server, bootFile: file)
    findings.withLock { all in
      guard !all[interface, default: []].contains(finding), all[interface, default: []].count < 64 else { return }
      all[interface, default: []].append(finding)
    }
  }
}

private final class ProbeListener: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let found: Found

  init(_ found: Found) { self.found = found }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let packet = try? DHCPPacket(parsing: unwrapInboundIn(data).data.readableBytesView) else { return }
    found.add(packet)
  }
}
