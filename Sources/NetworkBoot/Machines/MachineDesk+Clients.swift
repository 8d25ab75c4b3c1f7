// SPDX-License-Identifier: GPL-3.0-or-later
internal import SystemPackage
internal import Synchronization
internal import BootSite
internal import NIOCore
internal import NetworkBootPolicy
internal import NetworkBootProtocol

/// What the machine plane tells the desk.
extension MachineDesk {
  /// A DHCP packet was decided about.
  func note(_ decision: Decision, about bytes: some Collection<UInt8>, _ arrival: Arrival) {
    guard let packet = try? DHCPPacket(parsing: bytes), packet.operation == .request else { return }
    let request = try? BootRequest(packet, arrival: arrival)
    switch decision {
    case .answer(let answer): if let request { noteOffer(answer.grant, to: request, "offer") }
    case .shadow(let wait): noteOffer(wait.grant, to: wait.request, "shadow")
    case .ignore(let reason):
      noteAddress(of: packet)
      if let request, reason.isAboutMachine { noteSilence(reason, to: request) }
    }
  }

  /// In mode `full` a client was given an address, and with it what it is to load.
  func note(_ reply: AddressServer.Reply, to packet: DHCPPacket, _ arrival: Arrival) {
    if let request = try? BootRequest(packet, arrival: arrival) {
      // The ACK repeats what the OFFER said.
      if let grant = reply.grant, packet.messageType == .discover { noteOffer(grant, to: request, "offer") }
      if let refusal = reply.refusal, refusal.isAboutMachine { noteSilence(refusal, to: request) }
    }
    guard reply.packet.messageType == .ack, reply.packet.yourAddress.isUnicast else { return }
    state.withLock { $0.register.tie(packet.hardware, packet.machine, to: reply.packet.yourAddress) }
  }

  private func noteOffer(_ grant: Grant, to request: BootRequest, _ word: String) {
    let (file, image): (String, String?)
    switch grant.file {
    case .loader(_, let name, let its): (file, image) = (name.text, its)
    case .absent(let name): (file, image) = (name.text, nil)
    }
    let decision = image == nil ? "absent" : grant.admission == .pending ? "\(word)-pending" : word
    let isNews = state.withLock { state in
      state.metrics.answers[.init(kind: grant.kind, decision: decision), default: 0] += 1
      return state.register.offered(file, image: image, to: request.claimant, at: Timestamp.seconds())
    }
    if isNews { record("offered", request.claimant, name: file, grant.kind.title) }
  }

  private func noteSilence(_ reason: IgnoreReason, to request: BootRequest) {
    let isNews = state.withLock { state in
      state.metrics.answers[.init(kind: request.kind, decision: "ignored"), default: 0] += 1
      return state.register.ignored(request.claimant, because: reason.message, at: Timestamp.seconds())
    }
    if isNews { record("ignored", request.claimant, reason.message) }
  }

  /// Which address a machine takes is told to everybody: a REQUEST is broadcast (RFC 2131 §4.3.2).
  private func noteAddress(of packet: DHCPPacket) {
    guard packet.messageType == .request else { return }
    guard
      let address = packet.options.address(.requestedAddress)
        ?? (packet.clientAddress.isUnicast ? packet.clientAddress : nil)
    else { return }
    state.withLock { $0.register.tie(packet.hardware, packet.machine, to: address) }
  }

  private func record(
    _ event: String, _ claimant: Claimant, from address: String? = nil, name: String? = nil, _ message: String?
  ) {
    audit?.recordOfMachine(
      .init(
        event: event, mac: claimant.hardware.description, uuid: claimant.machine?.description, address: address,
        name: name, message: message))
  }

  /// A file begins to go out; `end` has to follow.
  func begin(_ way: TransferMeter.Way, _ name: String, to client: String) -> TransferMeter {
    let meter = TransferMeter(way, name, to: IPv4Address(client) ?? .any)
    state.withLock { state in
      state.transfers[ObjectIdentifier(meter)] = meter
      // What stands beside a layer, such as its hash tree, is loaded with it.
      let isLayer = name.hasPrefix("layers/")
      state.register.began(name, isLayer: isLayer, at: meter.address, now: Timestamp.seconds())
    }
    return meter
  }

  /// A file has gone out, as far as the meter says. It may be told more than once.
  /// - Parameter whole: whether the file's last byte went out.
  func end(_ meter: TransferMeter, whole: Bool) {
    guard meter.end() else { return }
    let bytes = meter.bytes
    let machine = state.withLock { state in
      state.transfers[ObjectIdentifier(meter)] = nil
      state.metrics.transfers[meter.way, default: 0] += 1
      state.metrics.bytes[meter.way, default: 0] += bytes
      let image = state.register.machine(at: meter.address)?.image
      state.register.took(
        bytes, of: meter.name, whole: whole, layers: image.flatMap { state.layers[$0] } ?? [], at: meter.address,
        now: Timestamp.seconds())
      return state.register.machine(at: meter.address)
    }
    guard bytes > 0 else { return }
    audit?.recordOfMachine(
      .init(
        event: "transfer", mac: machine?.identity.hardware.description, uuid: machine?.machine?.description,
        address: "\(meter.address)", name: meter.name, bytes: bytes, message: whole ? nil : "not to its end"))
  }

  /// Answers `GET /admission/IMAGE/MAC/UUID`.
  /// - Parameters:
  ///   - target: the path without its leading slash.
  ///   - client: the address that asks.
  ///   - server: our address that was asked.
  /// - Returns: what to say; nil where that is no such question.
  func admission(_ target: ObjectName, from client: String, to server: String?) -> Admission? {
    guard let question = AdmissionQuestion(target) else { return nil }
    let address = IPv4Address(client) ?? .any
    let claimant = claimant(question, from: address, to: server)
    let now = Timestamp.seconds()
    let answer = state.withLock { state in
      let verdict = state.view.verdict(on: claimant, started: question.image)
      let answer = state.register.asked(claimant, from: address, started: question.image, verdict, at: now)
      state.metrics.admissions[answer?.reply.word ?? "denied", default: 0] += 1
      return answer
    }
    guard let answer else {
      events.say(.init(.admission, .refusal, client: client, "too many machines of this address wait already"))
      return .crowded
    }
    if answer.isNews { tell(answer.reply, question, claimant, client) }
    return .reply(answer.reply)
  }

  enum Admission: Sendable, Equatable {
    case reply(AdmissionReply)
    case crowded
  }

  /// What its DHCP packets told goes first: a question by HTTP tells neither relay nor kind.
  private func claimant(_ question: AdmissionQuestion, from address: IPv4Address, to server: String?) -> Claimant {
    if let seen = state.withLock({ $0.register.machine(question.hardware, question.machine) }), seen.file != nil {
      var claimant = seen.claimant
      claimant.machine = question.machine ?? claimant.machine
      return claimant
    }
    let interface = NetworkInterface.all().first { "\($0.address)" == server }
    return Claimant(
      hardware: question.hardware, machine: question.machine, kind: nil, interface: interface?.name ?? "",
      link: address)
  }

  private func tell(_ reply: AdmissionReply, _ question: AdmissionQuestion, _ claimant: Claimant, _ client: String) {
    let who = claimant.hardware.description
    switch reply {
    case .go: events.say(.init(.admission, client: who, name: question.image, "goes on with image \(question.image)"))
    case .wait(let number):
      events.say(.init(.admission, client: who, name: question.image, "waits with the number \(number) on its screen"))
    case .restart(let image):
      events.say(
        .init(
          .admission, client: who, name: question.image, "goes back to start image \(image), not \(question.image)"))
    case .denied(let reason):
      events.say(.init(.admission, .refusal, client: who, name: question.image, "denied: \(reason)"))
    }
    let word = reply == .go ? "granted" : reply.word
    record("admission-\(word)", claimant, from: client, name: question.image, reply.reason)
  }
}

/// The path of a question: `admission/tier1/525400123456/4c4c4544-0042-3510-8054-b4c04f4d3732`.
struct AdmissionQuestion: Sendable, Equatable {
  var image: String
  var hardware: HardwareAddress
  var machine: MachineUUID?

  /// Reads it; nil for anything else, the slightest deviation included.
  init?(_ target: ObjectName) {
    let parts = target.text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, parts[0] == "admission", (1...32).contains(parts[1].utf8.count),
      parts[1].allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") })
    else { return nil }
    let digits = Array(parts[2].utf8)
    guard digits.count == 12, parts[2] == parts[2].lowercased() else { return nil }
    let pairs = stride(from: 0, to: 12, by: 2).map { String(decoding: digits[$0...$0 + 1], as: UTF8.self) }
    guard let hardware = HardwareAddress(pairs.joined(separator: ":")), hardware.isEthernetUnicast else { return nil }
    (image, self.hardware) = (parts[1], hardware)
    guard parts[3] != "-" else { return }
    guard let machine = MachineUUID(parts[3]), machine.description == parts[3] else { return nil }
    self.machine = machine
  }
}

extension IgnoreReason {
  /// Whether a machine that wants to start is turned away for who or where it is, or for want of an image.
  var isAboutMachine: Bool {
    switch self {
    case .policyNone, .unknownMachine, .deniedMachine, .noImage, .unknownImage, .noFile, .yields: true
    default: false
    }
  }
}
