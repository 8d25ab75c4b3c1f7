// SPDX-License-Identifier: GPL-3.0-or-later
public import NetworkBootProtocol

/// What happens to machines.
extension MachineRegister {
  /// A machine was told what to load: it begins anew.
  /// - Returns: whether that is news, and no repetition of what it was told last.
  @discardableResult
  public mutating func offered(_ file: String, image: String?, to claimant: Claimant, at now: Int64) -> Bool {
    let before = machine(claimant.hardware, claimant.machine)
    stopWaiting(claimant)
    update(claimant, at: now) { machine in
      (machine.stage, machine.file, machine.image, machine.reason) = (.offered, file, image, nil)
      (machine.layers, machine.trees, machine.bytes) = ([], [], 0)
    }
    // Firmware repeats its DISCOVER for a minute, and asks on port 4011 after that.
    return before?.stage != .offered || before?.file != file || now - (before?.lastSeen ?? 0) > 60
  }

  /// A machine gets no answer.
  /// - Returns: whether that is news.
  @discardableResult
  public mutating func ignored(_ claimant: Claimant, because reason: String, at now: Int64) -> Bool {
    let before = machine(claimant.hardware, claimant.machine)
    update(claimant, at: now) { ($0.stage, $0.reason) = (.ignored, reason) }
    return before?.reason != reason || now - (before?.lastSeen ?? 0) > 60
  }

  /// A machine has an address, as its packets tell or as it asks from there. Of a card that nobody has seen nothing is
  /// noted.
  public mutating func tie(_ hardware: HardwareAddress, _ uuid: MachineUUID?, to address: IPv4Address) {
    guard address != .any, address != .broadcast, let identity = identity(hardware, uuid), var machine = seen[identity]
    else { return }
    if let old = machine.address, old != address, addresses[old] == identity { addresses[old] = nil }
    machine.address = address
    seen[identity] = machine
    addresses[address] = identity
  }

  /// The machine at an address begins to load an object.
  public mutating func began(_ object: String, isLayer: Bool, at address: IPv4Address, now: Int64) {
    change(at: address, now) { machine in
      guard machine.stage != .ready || !isLayer else { return }
      machine.stage = isLayer ? .fetching : .loading
    }
  }

  /// The machine at an address has taken bytes of an object.
  ///
  /// Layers that stay on the server are never taken whole. Their hash trees are, before anything else but a probe for
  /// ranges; what is read of a layer after that is read through its device.
  /// - Parameter layers: the layers of each medium of the machine's image, with their hash trees; when it has all of one,
  ///   it is ready.
  public mutating func took(
    _ bytes: Int64, of object: String, whole: Bool, layers: [MediumLayers], at address: IPv4Address, now: Int64
  ) {
    change(at: address, now) { machine in
      machine.bytes += bytes
      if whole, layers.contains(where: { $0.trees.values.contains(object) }) { machine.trees.insert(object) }
      let isRead = bytes > 0 && layers.contains { $0.trees[object].map { machine.trees.contains($0) } ?? false }
      guard whole || isRead, layers.contains(where: { $0.layers.contains(object) }) else { return }
      machine.layers.insert(object)
      if layers.contains(where: { !$0.layers.isEmpty && $0.layers.isSubset(of: machine.layers) }) {
        machine.stage = .ready
      }
    }
  }

  private mutating func change(at address: IPv4Address, _ now: Int64, _ body: (inout SeenMachine) -> Void) {
    guard let identity = addresses[address], var machine = seen[identity] else { return }
    machine.lastSeen = now
    body(&machine)
    seen[identity] = machine
  }

  /// A started system asks whether it may go on.
  /// - Parameter verdict: what was decided about it.
  /// - Returns: what it is told, and whether that is news; nil where too many ask from that address.
  public mutating func asked(
    _ claimant: Claimant, from address: IPv4Address, started image: String, _ verdict: AdmissionVerdict,
    at now: Int64
  ) -> (reply: AdmissionReply, isNews: Bool)? {
    let before = machine(claimant.hardware, claimant.machine)
    forgetWhoWaitsNoMore(at: now)
    var number: Int?
    if verdict == .wait {
      guard let free = before?.number ?? freeNumber(for: claimant, from: address) else { return nil }
      number = free
    } else {
      stopWaiting(claimant)
    }
    let reply = AdmissionReply(verdict, number: number, restarts: before?.restarts ?? 0)
    update(claimant, at: now) { machine in
      (machine.image, machine.number, machine.reason) = (image, number, reply.reason)
      machine.stage = reply.stage(after: machine.stage)
      if case .restart = reply { machine.restarts += 1 }
      if reply == .go { machine.restarts = 0 }
    }
    if let number, let identity = identity(claimant.hardware, claimant.machine) { waiting[number] = identity }
    tie(claimant.hardware, claimant.machine, to: address)
    let after = machine(claimant.hardware, claimant.machine)
    return (reply, before?.stage != after?.stage || before?.number != number)
  }

  private mutating func stopWaiting(_ claimant: Claimant) {
    guard let identity = identity(claimant.hardware, claimant.machine), let number = seen[identity]?.number else {
      return
    }
    waiting[number] = nil
    seen[identity]?.number = nil
  }

  private mutating func forgetWhoWaitsNoMore(at now: Int64) {
    guard now != lastSweep else { return }
    lastSweep = now
    for (number, identity) in waiting where now - (seen[identity]?.lastSeen ?? 0) > Self.patience {
      waiting[number] = nil
      seen[identity]?.number = nil
    }
  }

  /// A number for a machine, the same if it asks again later, and after the service was started anew, unless another
  /// machine has it.
  private func freeNumber(for claimant: Claimant, from address: IPv4Address) -> Int? {
    let neighbours = waiting.values.count { seen[$0]?.address == address }
    guard neighbours < Self.mostWaitingByAddress, waiting.count < Self.numbers.count else { return nil }
    let identity = MachineIdentity(claimant.hardware, claimant.machine)
    // FNV-1a: any function that spreads neighbouring addresses.
    let hash = (identity.hardware.bytes + (identity.machine?.bytes ?? [])).reduce(UInt64(0xcbf2_9ce4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    let start = Int(hash % UInt64(Self.numbers.count))
    return (0..<Self.numbers.count).lazy.map { Self.numbers.lowerBound + (start + $0) % Self.numbers.count }
      .first { waiting[$0] == nil }
  }
}
