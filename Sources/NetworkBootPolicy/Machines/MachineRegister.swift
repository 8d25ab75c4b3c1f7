// SPDX-License-Identifier: GPL-3.0-or-later
public import NetworkBootProtocol

/// All machines that the service knows of: those that somebody has said something about, which are kept, and those that
/// were seen lately, which are not.
///
/// What is kept grows by an administrator's word alone. What is seen is what strangers claim, so it is bounded.
public struct MachineRegister: Sendable {
  /// Most machines that are kept.
  public static let mostKept = 10_000
  /// Most machines that are remembered as seen.
  public static let mostSeen = 10_000
  /// The numbers on the screens of machines that wait: four digits, to be read out over a telephone.
  public static let numbers = 1000...9999
  /// Most machines that wait at one address; several computers may share one behind a router.
  public static let mostWaitingByAddress = 64
  /// Seconds after which a machine that no longer asks does not wait any more. Its initrd asks every few seconds.
  public static let patience: Int64 = 600
  /// How often a machine is sent back to start its own image before it is turned away.
  public static let mostRestarts = 3

  /// What was said at run time, the latest first; the first that fits counts.
  public internal(set) var kept: [KeptMachine]
  var seen: [MachineIdentity: SeenMachine] = [:]
  var identities: [HardwareAddress: Set<MachineIdentity>] = [:]
  var addresses: [IPv4Address: MachineIdentity] = [:]
  var waiting: [Int: MachineIdentity] = [:]
  /// When it was looked last who no longer waits.
  var lastSweep: Int64 = .min

  /// Begins with what was kept.
  public init(kept: [KeptMachine] = []) { self.kept = kept }

  /// Those that were seen, the latest first.
  public var recent: [SeenMachine] {
    seen.values.sorted {
      ($0.lastSeen, $0.identity.hardware.bytes.last ?? 0) > ($1.lastSeen, $1.identity.hardware.bytes.last ?? 0)
    }
  }

  /// How many wait to be approved.
  public var waitingCount: Int { waiting.count }

  /// How many were seen, by where they stand.
  public var counts: [SeenMachine.Stage: Int] {
    seen.values.reduce(into: [:]) { $0[$1.stage, default: 0] += 1 }
  }

  /// The machine that has an address.
  public func machine(at address: IPv4Address) -> SeenMachine? { addresses[address].flatMap { seen[$0] } }

  /// The machine of a card and a UUID; one that tells no UUID now is the one of that card.
  public func machine(_ hardware: HardwareAddress, _ uuid: MachineUUID?) -> SeenMachine? {
    identity(hardware, uuid).flatMap { seen[$0] }
  }

  func identity(_ hardware: HardwareAddress, _ uuid: MachineUUID?) -> MachineIdentity? {
    let exact = MachineIdentity(hardware, uuid)
    if seen[exact] != nil { return exact }
    guard exact.machine == nil, let known = identities[hardware], known.count == 1 else { return nil }
    return known.first
  }

  /// Changes what is known of a machine, beginning with it if it is new.
  mutating func update(_ claimant: Claimant, at now: Int64, _ body: (inout SeenMachine) -> Void) {
    let identity =
      identity(claimant.hardware, claimant.machine) ?? MachineIdentity(claimant.hardware, claimant.machine)
    var machine =
      seen[identity]
      ?? SeenMachine(
        identity: identity, interface: claimant.interface, link: claimant.link, relay: claimant.relay,
        stage: .offered, lastSeen: now)
    machine.machine = claimant.machine ?? machine.machine
    machine.kind = claimant.kind ?? machine.kind
    (machine.interface, machine.link, machine.relay) = (claimant.interface, claimant.link, claimant.relay)
    machine.lastSeen = now
    body(&machine)
    if seen[identity] == nil { makeRoom() }
    seen[identity] = machine
    identities[identity.hardware, default: []].insert(identity)
  }

  /// Forgets the oldest tenth of what was seen where there is no room for more; machines that wait go last.
  private mutating func makeRoom() {
    guard seen.count >= Self.mostSeen else { return }
    let order = seen.values.sorted { ($0.number == nil ? 0 : 1, $0.lastSeen) < ($1.number == nil ? 0 : 1, $1.lastSeen) }
    for machine in order.prefix(Self.mostSeen / 10) { remove(machine.identity) }
  }

  mutating func remove(_ identity: MachineIdentity) {
    guard let machine = seen.removeValue(forKey: identity) else { return }
    if let number = machine.number, waiting[number] == identity { waiting[number] = nil }
    if let address = machine.address, addresses[address] == identity { addresses[address] = nil }
    identities[identity.hardware]?.remove(identity)
    if identities[identity.hardware]?.isEmpty ?? false { identities[identity.hardware] = nil }
  }
}
