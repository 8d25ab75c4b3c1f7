// SPDX-License-Identifier: GPL-3.0-or-later

extension ServerView {
  /// Decides about bytes that came in.
  public func decide(_ bytes: some Collection<UInt8>, arrival: Arrival, at plane: Plane) -> Decision {
    do throws(NetworkBootProtocolFailure) {
      return decide(try DHCPPacket(parsing: bytes), arrival: arrival, at: plane)
    } catch {
      return .ignore(.malformed(error))
    }
  }

  /// Decides about a packet that came in.
  public func decide(_ packet: DHCPPacket, arrival: Arrival, at plane: Plane) -> Decision {
    do throws(IgnoreReason) {
      return decide(try BootRequest(packet, arrival: arrival), at: plane)
    } catch {
      return .ignore(error)
    }
  }

  /// Decides what a client gets. The order of the questions: what it asks, who else answers, who it is, what there is.
  ///
  /// | client | mode proxy, port 67 | port 4011 |
  /// |---|---|---|
  /// | BIOS PXE | offer with boot file and option 43 | ACK with the boot file |
  /// | UEFI IA32 PXE | the same, or an offer without, by `uefiNaming` | ACK with the boot file |
  /// | UEFI x64 PXE | shadow reply, or an offer of a file that is not there | nothing, or an ACK of that file |
  /// | UEFI HTTP boot | offer with the URL of the RAM disk | nothing |
  /// | iPXE with HTTP | offer with the URL of the script; without one as BIOS or IA32 PXE | ACK with the URL |
  ///
  /// In mode `full` all of them get the boot file along with their address, in the OFFER and in the ACK.
  ///
  /// In mode `site` port 67 is silent, and port 4011 answers all PXE clients with the boot file: firmware asks there if
  /// the site's server sends option 60 without 43, as Windows' does when told to (FOGProject/fog-docs#188).
  public func decide(_ request: BootRequest, at plane: Plane) -> Decision {
    do throws(IgnoreReason) {
      try checkMessage(of: request, at: plane)
      try checkRivals(of: request, at: plane)
      let claimant = request.claimant
      let rule = rule(for: claimant)
      let admission = try admission(of: claimant, by: rule)
      let builder = AnswerBuilder(
        view: self, request: request, plane: plane, delay: remaining(rule.delay, for: request))
      return try choose(request, at: plane, admission, builder)
    } catch {
      return .ignore(error)
    }
  }

  private func checkMessage(of request: BootRequest, at plane: Plane) throws(IgnoreReason) {
    let chosen = request.packet.options.address(.serverIdentifier)
    switch (plane, request.messageType) {
    case (.dhcp, .discover):
      if mode == .site { throw .siteMode }
    case (.dhcp, .request):
      if let chosen, chosen != request.arrival.server { throw .forAnotherServer(chosen) }
      if mode != .full { throw .requestForSite }
    case (.bootServer, .request):
      if request.kind.bootProtocol == .http { throw .httpAsksBootServer }
      if let chosen, chosen != request.arrival.server { throw .forAnotherServer(chosen) }
      guard request.arrival.source.isUnicast, request.arrival.sourcePort != 0 else {
        throw .noSource(request.arrival.source, port: request.arrival.sourcePort)
      }
    default: throw .messageType(request.messageType, plane)
    }
  }

  /// Another boot server has priority where it can be seen: on our wire. A client that asks port 4011 has chosen us.
  private func checkRivals(of request: BootRequest, at plane: Plane) throws(IgnoreReason) {
    guard plane == .dhcp, !request.isRelayed else { return }
    if let rival = rival(on: request.arrival.interface, own: request.arrival.server) { throw .yields(to: rival) }
  }

  /// The boot server that goes first on a wire of ours.
  func rival(on interface: String, own: IPv4Address) -> SeenServer? {
    seen.first { $0.interface == interface && goesFirst($0, own: own) }
  }

  /// Whether another server goes first, as far as the policy lets any do so.
  public func goesFirst(_ server: SeenServer, own: IPv4Address) -> Bool { yields && server.hasPriority(over: own) }

  /// The rule for a client's place.
  func rule(for claimant: Claimant) -> PolicyRule {
    policies.first { $0.place.contains(claimant) } ?? PolicyRule(policy)
  }

  func admission(of claimant: Claimant, by rule: PolicyRule) throws(IgnoreReason) -> Grant.Admission {
    if rule.policy == .none { throw .policyNone }
    let known = machines.first { $0.match.fits(claimant) }
    if known?.standing == .denied { throw .deniedMachine }
    switch rule.policy {
    case .all: return .admitted
    case .approve: return known == nil ? .pending : .admitted
    case .known, .none:
      guard known != nil else { throw .unknownMachine }
      return .admitted
    }
  }

  /// What is left of a delay for a client that says how long it has waited already (`secs`).
  func remaining(_ delay: Duration, for request: BootRequest) -> Duration {
    max(.zero, delay - .seconds(Int(request.packet.seconds)))
  }

  private func choose(
    _ request: BootRequest, at plane: Plane, _ admission: Grant.Admission, _ builder: AnswerBuilder
  ) throws(IgnoreReason) -> Decision {
    let kind = request.kind
    guard kind == .x64PXE, mode == .proxy else {
      let grant = Grant(kind: kind, admission: admission, file: try file(for: request))
      return .answer(try builder.answer(grant))
    }
    guard let file = try shadowFile(for: request) else {
      return .answer(try builder.answer(Grant(kind: kind, admission: admission, file: .absent(.absent))))
    }
    if plane == .bootServer { throw .shadowHasNoBootServer }
    let grant = Grant(kind: kind, admission: admission, file: file)
    // Another Lifeboat that only looks round carries its name, and wants no lease.
    let commits = shadow == .commit && request.packet.options[.lifeboat] == nil
    return .shadow(
      ShadowWait(request: request, grant: grant, commits: commits, yields: yields, delay: builder.delay))
  }

  /// The file of a shadow reply; nil where there can be none: not allowed, the client is on another segment, where the
  /// site's OFFER is not seen, none is overheard on this one, or no shim with a name that fits the packet.
  private func shadowFile(for request: BootRequest) throws(IgnoreReason) -> Grant.File? {
    let (image, files) = try files(for: request)
    guard !request.isRelayed, !deaf.contains(request.arrival.interface), let name = files[.shim], canShadow(name) else {
      return nil
    }
    return .loader(.shim, name, image: image)
  }

  /// Whether a shadow reply is allowed and has room for the name of the shim.
  func canShadow(_ shim: ObjectName?) -> Bool {
    guard shadow != .never, let shim else { return false }
    return shim.text.utf8.count <= AnswerBuilder.longestFile
  }

  /// The image of a machine: its own, else the first that is assigned, else the default.
  public func image(for claimant: Claimant) -> String? {
    machines.first { $0.match.fits(claimant) }?.image ?? assignments.first { $0.fits(claimant) }?.image
      ?? defaultImage
  }

  /// A machine's image and its files.
  private func files(for request: BootRequest) throws(IgnoreReason) -> (image: String, files: [BootLoader: ObjectName])
  {
    guard let image = image(for: request.claimant) else { throw .noImage }
    guard let files = images[image] else { throw .unknownImage(image) }
    return (image, files)
  }

  /// The file that a machine loads.
  func file(for request: BootRequest) throws(IgnoreReason) -> Grant.File {
    let (image, files) = try files(for: request)
    guard let file = request.kind.file(among: files) else { throw .noFile(image: image, request.kind.loader) }
    return .loader(file.loader, file.name, image: image)
  }
}
