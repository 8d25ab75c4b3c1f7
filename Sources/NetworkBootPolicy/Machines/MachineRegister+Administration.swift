// SPDX-License-Identifier: GPL-3.0-or-later
public import NetworkBootProtocol

/// What administrators say.
extension MachineRegister {
  /// The machine that somebody means.
  ///
  /// A number means the machine that shows it, card and UUID; a MAC any machine with that card, a UUID that machine with
  /// any card.
  /// - Parameter words: `4711`, `52:54:00:12:34:56` or a UUID.
  /// - Throws: `.noSuchMachine`, `.noSuchNumber`.
  public func match(_ words: String) throws(NetworkBootPolicyFailure) -> MachineMatch {
    if let hardware = HardwareAddress(words), hardware.isEthernetUnicast { return MachineMatch(hardware: hardware) }
    if let machine = MachineUUID(words), machine.isSet { return MachineMatch(machine: machine) }
    guard let number = Int(words), words.utf8.count == 4 else { throw .noSuchMachine(words) }
    guard let identity = waiting[number], let machine = seen[identity] else { throw .noSuchNumber(number) }
    // The UUID as people know it, and none that says nothing.
    return MachineMatch(hardware: identity.hardware, machine: identity.machine == nil ? nil : machine.machine)
  }

  /// A machine is known, or denied, from now on.
  /// - Throws: `.saidByFile` where the policy file says otherwise, `.registerFull`.
  public mutating func set(
    _ standing: KnownMachine.Standing, of match: MachineMatch, policy: BootPolicy, by: String, at now: Int64
  ) throws(NetworkBootPolicyFailure) {
    if let entry = policy.machines.first(where: { $0.known.match.covers(match) }), entry.known.standing != standing {
      throw .saidByFile(machine: match.words, what: "it is \(entry.known.standing.rawValue)")
    }
    let word = KeptMachine(match, standing: standing, image: nil, by: by, time: now)
    try keep(word) { $0.standing != nil }
  }

  /// A machine has an image of its own from now on.
  /// - Throws: `.saidByFile` where the policy file assigns another, `.registerFull`.
  public mutating func assign(
    _ image: String, to match: MachineMatch, policy: BootPolicy, by: String, at now: Int64
  ) throws(NetworkBootPolicyFailure) {
    if let entry = policy.machines.first(where: { $0.known.match.covers(match) }), let own = entry.known.image,
      own != image
    {
      throw .saidByFile(machine: match.words, what: "its image is \"\(own)\"")
    }
    let word = KeptMachine(match, standing: nil, image: image, by: by, time: now)
    try keep(word) { $0.image != nil }
  }

  /// The new word takes the place of an older one of the same kind about exactly these machines.
  private mutating func keep(
    _ word: KeptMachine, replacing isOlder: (KeptMachine) -> Bool
  ) throws(NetworkBootPolicyFailure) {
    let others = kept.filter { $0.match != word.match || !isOlder($0) }
    guard others.count < Self.mostKept else { throw .registerFull(limit: Self.mostKept) }
    kept = [word] + others
  }

  /// Forgets what was said about a machine, and that it was seen.
  /// - Throws: `.noSuchMachine` where nothing is known of it.
  public mutating func forget(_ match: MachineMatch) throws(NetworkBootPolicyFailure) {
    let old = (kept.count, seen.count)
    kept.removeAll { match.covers($0.match) || $0.match.covers(match) }
    for identity in seen.keys
    where match.covers(MachineMatch(hardware: identity.hardware, machine: identity.machine)) { remove(identity) }
    guard (kept.count, seen.count) != old else { throw .noSuchMachine(match.words) }
  }

  /// Puts what was said into what decisions are made from. The policy file's word about a machine goes first; an image
  /// that was assigned at run time goes before its rules.
  public func apply(to view: inout ServerView) {
    view.machines += kept.compactMap { entry in entry.standing.map { KnownMachine(entry.match, $0) } }
    view.assignments =
      kept.compactMap { entry in entry.image.map { ImageAssignment($0, to: entry.match) } }
      + view.assignments
  }
}
