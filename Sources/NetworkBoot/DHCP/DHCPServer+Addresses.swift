// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NetworkBootProtocol
internal import Synchronization

/// Mode `full`: addresses of our own.
extension DHCPServer {
  /// Whether a server gives addresses where we are the one that does.
  func isRival(_ server: SeenServer) -> Bool {
    state.withLock { state in
      server.givesAddresses
        && state.interfaces.values.contains {
          $0.interface.name == server.interface && state.addresses[$0.interface.index] != nil
        }
    }
  }

  func giveAddress(_ bytes: ByteBufferView, _ arrival: Arrival, on interface: NetworkInterface) {
    // What is no packet is no news: nobody but a stranger sends it.
    guard let packet = try? DHCPPacket(parsing: bytes) else { return }
    guard allows(packet.hardware) else { return refuse(packet.hardware, .tooOften) }
    let view = desk.view
    let outcome = state.withLock { state -> AddressServer.Outcome? in
      if let rival = state.sightings.servers.first(where: { $0.givesAddresses && $0.interface == interface.name }) {
        return .silent(.ignore(.otherServer(rival)))
      }
      return state.addresses[interface.index]?.answer(packet, arrival, by: view, at: Self.now)
    }
    switch outcome {
    case .reply(let reply):
      desk.note(reply, to: packet, arrival)
      send(reply, on: interface)
    case .silent(let step): log(step, packet.hardware)
    case nil: break
    }
  }

  private func send(_ reply: AddressServer.Reply, on interface: NetworkInterface) {
    let client = "\(reply.packet.hardware)"
    do {
      let failure = self.interface(interface.index)?.send(
        try reply.bytes(), to: reply.destination, from: .server(.dhcp))
      guard report(failure, client) else { return }
      events.say(.init(.dhcp, client: client, name: reply.grant?.fileName, reply.summary))
      if let reason = reply.refusalWorthTelling { refuse(reply.packet.hardware, reason) }
    } catch {
      events.say(.init(.dhcp, .trouble, client: client, error.message))
    }
  }

  private func log(_ step: LeaseBook.Step, _ hardware: HardwareAddress) {
    switch step {
    case .declined(let address):
      let words = "it says that somebody else has \(address); that address rests for 10 min"
      events.say(.init(.dhcp, .refusal, client: "\(hardware)", words))
    case .released(let address):
      events.say(.init(.dhcp, client: "\(hardware)", "gave \(address) back"))
    case .ignore(.forAnotherServer), .ignore(.notARequest): break
    case .ignore(let reason): refuse(hardware, reason)
    case .offer, .ack, .nak, .inform: break
    }
  }
}
