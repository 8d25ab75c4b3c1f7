// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol
internal import Synchronization

/// Asks, as starting computers of several kinds would, who else answers on a wire: PXE and HTTP boot clients that do not
/// exist.
///
/// It sends DISCOVERs and takes no offer; a DHCP server keeps the address that it offered free for a minute or so. All are
/// one card's, so that it is one address, and one that the server tries only once before it offers it.
struct WireProbe: Sendable {
  /// How long answers are usually waited for: firmware does not wait longer (EDK2's first timeout is 4 s).
  static let patience = Duration.seconds(4)

  /// When is asked what nobody has answered with an address yet: ISC dhcpd drops what comes while it tries the address,
  /// for a second.
  private static let rounds: [Duration] = [.zero, .milliseconds(1500), .milliseconds(3200)]

  /// An answer of a server.
  struct Finding: Sendable, Hashable {
    var server: SeenServer
    /// As what was asked.
    var kind: ClientKind
    var told: BootTold
  }

  /// A client that does not exist.
  struct Question: Sendable {
    var kind: ClientKind
    var packet: DHCPPacket
  }

  /// What is asked, and through which socket at the DHCP client's port; interfaces may share one.
  let wires: [(interface: NetworkInterface, ear: ListeningSocket)]
  let mode: BootService.Mode
  /// How long answers are waited for.
  let patience: Duration

  /// Asks on all wires at once and listens.
  /// - Throws: NIO's errors.
  func run(group: any EventLoopGroup) async throws -> [NetworkInterface: [Finding]] {
    guard !wires.isEmpty else { return [:] }
    let questions = wires.flatMap { wire in Self.questions(mode).map { (wire: wire, question: $0) } }
    // In mode `site` the site's server may be this very computer.
    let asked = questions.map { wire, question in
      let own = mode == .site ? IPv4Address.any : wire.interface.address
      return (question.packet.transaction, Found.Asked(interface: wire.interface, kind: question.kind, own: own))
    }
    let found = Found(Dictionary(asked) { first, _ in first })
    var ears: [ObjectIdentifier: ListeningSocket] = [:]
    for wire in wires { ears[ObjectIdentifier(wire.ear)] = wire.ear.duplicate() }
    var channels: [any Channel] = []
    for ear in ears.values { channels.append(try await Self.listen(on: ear, found, group)) }
    let start = ContinuousClock.now
    for round in Self.rounds where round < patience {
      try? await Task.sleep(until: start + round)
      for (wire, question) in questions where !found.hasAddress(question.packet.transaction) {
        let bytes = try question.packet.serialised()
        // An interface that is down is not asked, and nobody is found there.
        _ = wire.ear.sender()?.send(bytes, to: .broadcast, port: 67, from: wire.interface)
      }
    }
    try? await Task.sleep(until: start + patience)
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

  /// Those that ask: one of each firmware and way, as other boot servers may serve some of them alone; in mode `site` all
  /// that the printed settings are for. The address is of the kind that no maker gives to a card.
  static func questions(_ mode: BootService.Mode) -> [Question] {
    let bytes = [0x02] + (0..<5).map { _ in UInt8.random(in: 0...255) }
    guard let hardware = HardwareAddress(bytes: bytes) else { return [] }
    let kinds: [ClientKind] = [.biosPXE, .ia32PXE, .x64PXE, .x64HTTP] + (mode == .site ? [.ia32HTTP, .biosIPXE] : [])
    return kinds.compactMap { kind in
      guard let number = kind.architectures.first?.rawValue else { return nil }
      var packet = DHCPPacket(.request, hardware: hardware, transaction: .random(in: 1 ... .max))
      packet.wantsBroadcast = true
      packet.messageType = .discover
      packet.options[.parameterRequestList] = [1, 3, 43, 54, 60, 66, 67, 150]
      let digits = String(number)
      let five = String(repeating: "0", count: 5 - digits.count) + digits
      packet.options[.vendorClass] = Array("\(kind.bootProtocol.rawValue):Arch:\(five):UNDI:003016".utf8)
      packet.options[.clientArchitecture] = [UInt8(number >> 8), UInt8(number & 0xff)]
      packet.options[.clientNetworkInterface] = [1, 3, 16]
      if kind.isIPXE {
        packet.options[.userClass] = Array("iPXE".utf8)
        // It says that it has HTTP.
        packet.options[.ipxe] = [0x13, 1, 1]
      }
      packet.options[.lifeboat] = Array("lifeboat".utf8)
      return Question(kind: kind, packet: packet)
    }
  }
}

/// What was found so far.
private final class Found: Sendable {
  /// Where and as what a question was asked.
  struct Asked: Sendable {
    var interface: NetworkInterface
    var kind: ClientKind
    var own: IPv4Address
  }

  private let findings = Mutex<[NetworkInterface: [WireProbe.Finding]]>([:])
  /// Questions that a server has offered an address to.
  private let answered = Mutex<Set<UInt32>>([])
  private let questions: [UInt32: Asked]

  init(_ questions: [UInt32: Asked]) { self.questions = questions }

  /// All, by server.
  var all: [NetworkInterface: [WireProbe.Finding]] {
    findings.withLock { all in
      all.mapValues { list in
        list.sorted { ($0.server.address, $0.told.file ?? "") < ($1.server.address, $1.told.file ?? "") }
      }
    }
  }

  func hasAddress(_ transaction: UInt32) -> Bool { answered.withLock { $0.contains(transaction) } }

  func add(_ packet: DHCPPacket) {
    guard let asked = questions[packet.transaction],
      let server = SeenServer(observing: packet, on: asked.interface.name, own: asked.own)
    else { return }
    if server.givesAddresses { _ = answered.withLock { $0.insert(packet.transaction) } }
    let finding = WireProbe.Finding(server: server, kind: asked.kind, told: BootTold(packet, by: server.address))
    findings.withLock { all in
      let known = all[asked.interface, default: []]
      guard !known.contains(finding), known.count < 64 else { return }
      all[asked.interface, default: []].append(finding)
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
