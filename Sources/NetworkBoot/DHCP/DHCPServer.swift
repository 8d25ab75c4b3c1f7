// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol
internal import Synchronization
internal import SystemPackage

/// The DHCP side of the service: its ports on each interface, and the decisions of `NetworkBootProtocol`.
///
///     67, 4011 ─▶ DHCPListener ─▶ decide ──▶ answer, at once or after its delay ─▶ DatagramSender
///                                    └─▶ shadow: wait ┐
///     68 ───────▶ DHCPOverhearer ─▶ what other servers say: for waits, delays, and who is on the wire
final class DHCPServer: Sendable {
  /// An answer that waits for its delay to pass.
  struct Delayed {
    var answer: Answer
    var commit: ShadowWait.Commit?
    var until: Duration
  }

  struct State {
    var interfaces: [Int: ServedInterface] = [:]
    /// In mode `full`, by the interface's number.
    var addresses: [Int: AddressServer] = [:]
    var sightings = Sightings()
    var waits = ShadowWaits()
    var delayed: [Conversation: Delayed] = [:]
    var gate = RateGate<HardwareAddress>(rate: 4, burst: 16, rateOfAll: 1000)
  }

  /// The most answers that wait for their delay at once.
  static let mostDelayed = 1024

  let state = Mutex(State())
  /// What decisions are made from, and what is told of them.
  let desk: MachineDesk
  let events: EventLog
  private let group: any EventLoopGroup

  init(desk: MachineDesk, events: EventLog, group: any EventLoopGroup) {
    (self.desk, self.events, self.group) = (desk, events, group)
  }

  /// Serves an interface; on sockets of its own, which it takes over, it listens too.
  func serve(_ sockets: DHCPSockets) async throws -> [any Channel] {
    let served = ServedInterface(sockets)
    state.withLock { state in
      state.interfaces[sockets.interface.index] = served
      state.addresses[sockets.interface.index] = sockets.pool.map { AddressServer($0) }
      tellDesk(state)
    }
    return sockets.isShared ? [] : try await listen(on: sockets.sockets, ear: sockets.ear)
  }

  /// Listens on bound sockets, which it takes over.
  func listen(on sockets: [Plane: ListeningSocket], ear: ListeningSocket?) async throws -> [any Channel] {
    var channels: [any Channel] = []
    for (plane, socket) in sockets {
      channels.append(try await listen(on: socket) { DHCPListener(server: self, plane: plane) })
    }
    if let ear { channels.append(try await listen(on: ear) { DHCPOverhearer(server: self) }) }
    return channels
  }

  private func listen(
    on socket: ListeningSocket, _ handler: @escaping @Sendable () -> any ChannelHandler
  ) async throws -> any Channel {
    try await DatagramBootstrap(group: group)
      .channelOption(.receivePacketInfo, value: true)
      .channelOption(.datagramVectorReadMessageCount, value: 16)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * 2048))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
      }
      .withBoundSocket(socket.take()).get()
  }

  /// An interface is served no longer.
  func leave(_ interface: NetworkInterface) {
    state.withLock { state in
      state.interfaces[interface.index] = nil
      state.addresses[interface.index] = nil
      state.sightings.forget(interface: interface.name)
      tellDesk(state)
    }
  }

  /// Who else is on the wires, and where nobody would be heard.
  private func tellDesk(_ state: State) {
    let deaf = state.interfaces.values.filter(\.isDeaf).map(\.interface.name)
    desk.see(state.sightings.servers, deaf: Set(deaf))
  }

  /// The served interface with a number of the kernel's.
  func interface(_ index: Int) -> ServedInterface? { state.withLock { $0.interfaces[index] } }

  private func interface(named name: String) -> ServedInterface? {
    state.withLock { $0.interfaces.values.first { $0.interface.name == name } }
  }

  static var now: Duration { .nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds)) }
}

// What clients ask.
extension DHCPServer {
  /// Takes a client's packet.
  func hear(_ bytes: ByteBufferView, _ arrival: Arrival, on interface: NetworkInterface, at plane: Plane) {
    if plane == .dhcp, state.withLock({ $0.addresses[interface.index] != nil }) {
      return giveAddress(bytes, arrival, on: interface)
    }
    let decision = gated(desk.view.decide(bytes, arrival: arrival, at: plane))
    desk.note(decision, about: bytes, arrival)
    switch decision {
    case .ignore(let reason): log(reason, bytes, arrival)
    case .answer(let answer): send(answer, at: plane, then: nil)
    case .shadow(let wait):
      if let outcome = state.withLock({ $0.waits.add(wait, at: Self.now) }) { act(on: outcome) }
      group.next().scheduleTask(in: TimeAmount(ShadowWait.patience)) { [self] in
        state.withLock { $0.waits.expire(at: Self.now) }.forEach(act)
      }
    }
  }

  /// Whether a client may be answered once more now. Its address is what it claims, so all together have a limit too.
  func allows(_ hardware: HardwareAddress) -> Bool { state.withLock { $0.gate.take(hardware, at: .now()) } }

  private func gated(_ decision: Decision) -> Decision {
    let hardware: HardwareAddress
    switch decision {
    case .ignore: return decision
    case .answer(let answer): hardware = answer.packet.hardware
    case .shadow(let wait): hardware = wait.request.hardware
    }
    return allows(hardware) ? decision : .ignore(.tooOften)
  }

  private func act(on outcome: ShadowWaits.Outcome) {
    switch outcome.step {
    case .keepWaiting: break
    case .answer(let answer, let commit): send(answer, at: .dhcp, then: commit)
    case .giveUp(let reason): refuse(outcome.wait.request.hardware, reason)
    }
  }

  /// What has nothing to do with starting computers is no news: every computer on the wire sends it.
  private func log(_ reason: IgnoreReason, _ bytes: ByteBufferView, _ arrival: Arrival) {
    switch reason {
    case .notNetboot, .notARequest, .noMessageType, .requestForSite, .forAnotherServer, .notTheOffer: return
    default: break
    }
    let hardware = (try? DHCPPacket(parsing: bytes))?.hardware
    let client = hardware.map(\.description) ?? "\(arrival.source)"
    events.say(.init(.dhcp, .refusal, client: client, "no answer: \(reason.message)"))
  }

  func refuse(_ hardware: HardwareAddress, _ reason: IgnoreReason) {
    events.say(.init(.dhcp, .refusal, client: "\(hardware)", "no answer: \(reason.message)"))
  }
}

// What other servers say.
extension DHCPServer {
  /// Takes a server's packet that was overheard.
  func overhear(_ bytes: ByteBufferView, on interface: NetworkInterface) {
    guard let reply = try? DHCPPacket(parsing: bytes), reply.operation == .reply else { return }
    if let server = SeenServer(observing: reply, on: interface.name, own: interface.address) {
      note(server, own: interface.address)
    }
    let key = Conversation(reply, on: interface.name)
    let yields = desk.view.yields
    let (outcome, overtaken) = state.withLock { state in
      let delayed = yields ? state.delayed[key] : nil
      let reason = delayed?.answer.isOvertaken(by: reply, on: interface.name, own: interface.address)
      if reason != nil { state.delayed[key] = nil }
      return (state.waits.see(reply, on: interface.name, at: Self.now), reason)
    }
    if let overtaken { refuse(reply.hardware, overtaken) }
    if let outcome { act(on: outcome) }
  }

  /// A server was seen; told once.
  func note(_ server: SeenServer, own: IPv4Address) {
    let isNew = state.withLock { state in
      guard state.sightings.note(server, at: Self.now) else { return false }
      tellDesk(state)
      return true
    }
    guard isNew else { return }
    let isRival = isRival(server)
    let yields = isRival || desk.view.goesFirst(server, own: own)
    let consequence = isRival ? "; no address is given beside it" : yields ? "; nothing is offered beside it" : ""
    events.say(
      .init(.interface, yields ? .trouble : .news, "\(server) answers on \(server.interface)\(consequence)"))
  }

  /// Asks once more for servers that have been silent for long.
  /// - Returns: whether there are any.
  func askForSilent() -> Bool {
    let interfaces = state.withLock { state in
      let silent = Set(state.sightings.stale(at: Self.now).map(\.interface))
      return state.interfaces.values.filter { silent.contains($0.interface.name) }
    }
    for interface in interfaces {
      for question in WireProbe.questions(.proxy) {
        guard let bytes = try? question.packet.serialised() else { continue }
        // An interface that is down is not asked, and nobody is heard there.
        _ = interface.send(bytes, to: .broadcast(port: 67, interface: interface.interface.name), from: .client)
      }
    }
    return !interfaces.isEmpty
  }

  /// Forgets who has been silent for long; told once.
  func forgetSilent() {
    let forgotten = state.withLock { state in
      let stale = state.sightings.stale(at: Self.now)
      stale.forEach { state.sightings.forget($0) }
      tellDesk(state)
      return stale
    }
    for server in forgotten {
      events.say(.init(.interface, "\(server) no longer answers on \(server.interface)"))
    }
  }
}

// What goes out.
extension DHCPServer {
  private func send(_ answer: Answer, at plane: Plane, then commit: ShadowWait.Commit?) {
    guard answer.delay > .zero else { return sendNow(answer, at: plane, then: commit) }
    let key = Conversation(answer.packet, on: answer.destination.interface)
    let until = Self.now + answer.delay
    let hasRoom = state.withLock { state in
      guard state.delayed[key] != nil || state.delayed.count < Self.mostDelayed else { return false }
      state.delayed[key] = Delayed(answer: answer, commit: commit, until: until)
      return true
    }
    guard hasRoom else { return refuse(answer.packet.hardware, .crowded) }
    group.next().scheduleTask(in: TimeAmount(answer.delay)) { [self] in
      let due = state.withLock { state -> Delayed? in
        // Overtaken, or asked for once more since.
        guard let delayed = state.delayed[key], delayed.until == until else { return nil }
        state.delayed[key] = nil
        return delayed
      }
      if let due { sendNow(due.answer, at: plane, then: due.commit) }
    }
  }

  private func sendNow(_ answer: Answer, at plane: Plane, then commit: ShadowWait.Commit?) {
    let client = "\(answer.packet.hardware)"
    do {
      let bytes = try answer.bytes()
      guard let interface = interface(named: answer.destination.interface) else { return }
      guard report(interface.send(bytes, to: answer.destination, from: .server(plane)), client) else { return }
      events.say(.init(.dhcp, client: client, name: answer.grant.fileName, answer.summary))
      guard let commit else { return }
      let request = try commit.packet.serialised()
      guard report(interface.send(request, to: commit.destination, from: .client), client) else { return }
      events.say(.init(.dhcp, client: client, "asked for \(answer.packet.yourAddress) in its name"))
    } catch {
      events.say(.init(.dhcp, .trouble, client: client, error.message))
    }
  }

  func report(_ failure: Errno?, _ client: String) -> Bool {
    guard let failure else { return true }
    events.say(.init(.dhcp, .trouble, client: client, "not answered: \(failure)"))
    return false
  }
}
