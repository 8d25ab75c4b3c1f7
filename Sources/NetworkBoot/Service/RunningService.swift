// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootProtocol

/// The service while it runs: once a second it looks whether the set or the interfaces have changed.
actor RunningService {
  private let options: BootService.Options
  private let sets: SetFollower
  private let events: EventLog
  private let desk: MachineDesk
  private let dhcp: DHCPServer
  private let files: FileServers
  private let handed: HandedSockets?
  /// When servers that had been silent were asked for.
  private var asked: ContinuousClock.Instant?
  private var channels: [NetworkInterface: [any Channel]] = [:]
  /// Interfaces that could not be had; tried again when they change.
  private var refused: Set<NetworkInterface> = []
  /// What was said last about the addresses that the set has built in.
  private var complaint: SetServers.Complaint?

  /// Begins to serve.
  init(
    _ service: BootService, _ sets: SetFollower, _ desk: MachineDesk, _ sockets: SocketSet,
    _ group: any EventLoopGroup, _ files: NIOThreadPool, _ events: EventLog,
    _ wires: [NetworkInterface: [WireProbe.Finding]]
  ) async throws {
    var options = service.options
    options.httpPort = sockets.httpPort
    self.options = options
    (self.sets, self.desk, self.events, handed) = (sets, desk, events, sockets.handed)
    desk.useHTTPPort(sockets.httpPort)
    dhcp = DHCPServer(desk: desk, events: events, group: group)
    let http = HTTPServer(sets: sets, desk: desk, files: files, events: events, limits: options.httpLimits)
    let tftp = TFTPServer(
      sets: sets, desk: desk, files: files, events: events, group: group, limits: TFTPLimits())
    self.files = try await FileServers(http, tftp, sockets, group: group)
    for (interface, findings) in wires { note(findings, on: interface) }
    for sockets in sockets.dhcp { try await open(sockets) }
    if let handed = sockets.handed {
      // Copies: an interface that comes later sends through the same sockets.
      let planes = handed.planes.filter { options.mode != .site || $0.key != .dhcp }.compactMapValues { $0.duplicate() }
      _ = try await dhcp.listen(on: planes, ear: options.mode == .site ? nil : handed.ear?.duplicate())
      if !options.interfaces.isEmpty {
        events.say(
          .init(.interface, "HTTP and TFTP are on all interfaces; BindToDevice= in lifeboat.socket sets them apart"))
      }
    }
    for words in sockets.leftOut { events.say(.init(.interface, .trouble, words)) }
    refused = Set(try NetworkInterface.chosen(options)).subtracting(channels.keys)
    compareServers()
  }

  /// Looks after the service until the task is cancelled.
  func untilCancelled() async {
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      if await sets.look() { desk.use(sets.current) }
      desk.lookAtPolicy()
      guard options.listensForDHCP else { continue }
      await followInterfaces()
      compareServers()
      askForSilentServers()
    }
  }

  private func followInterfaces() async {
    let all = NetworkInterface.all()
    let wanted = Set(
      options.interfaces.isEmpty ? all.filter { !$0.isLoopback } : all.filter { options.interfaces.contains($0.name) })
    for interface in channels.keys where !wanted.contains(interface) {
      dhcp.leave(interface)
      for channel in channels.removeValue(forKey: interface) ?? [] { try? await channel.close() }
      events.say(.init(.interface, "\(interface) is gone, or has another address"))
    }
    refused.formIntersection(wanted)
    for interface in wanted.sorted(by: { $0.name < $1.name }) where channels[interface] == nil {
      guard !refused.contains(interface) else { continue }
      do {
        try await files.follow(interface)
        try await open(try DHCPSockets(interface, options.allowing(desk.view.shadow), handed))
        events.say(.init(.interface, "\(interface) is served"))
      } catch {
        refused.insert(interface)
        let reason = (error as? any Diagnosable)?.message ?? "\(error)"
        events.say(.init(.interface, .trouble, "\(interface) is not served: \(reason)"))
      }
    }
  }

  /// Another set, or another address, may leave started computers without a way back; told when it changes.
  private func compareServers() {
    guard !channels.isEmpty else { return }
    let servers = SetServers(sets.current.index.servers, httpPort: options.httpPort)
    let now = servers.complaint(channels.keys.sorted { $0.name < $1.name })
    guard now != complaint else { return }
    complaint = now
    guard let now else {
      return events.say(.init(.set, "started computers find this service at \(servers.list) again"))
    }
    events.say(.init(.set, now.isTrouble ? .trouble : .news, now.text))
  }

  private func open(_ sockets: DHCPSockets) async throws {
    channels[sockets.interface] = try await dhcp.serve(sockets)
    if let trouble = sockets.trouble { events.say(.init(.interface, .trouble, trouble)) }
  }

  /// A server that nobody has heard for long is asked for once more before it is forgotten: on a quiet wire nobody else
  /// asks, and the next computer would be answered by two.
  private func askForSilentServers() {
    if let asked {
      guard asked + WireProbe.patience <= .now else { return }
      self.asked = nil
      dhcp.forgetSilent()
    } else if dhcp.askForSilent() {
      asked = .now
    }
  }

  private func note(_ findings: [WireProbe.Finding], on interface: NetworkInterface) {
    for finding in findings { dhcp.note(finding.server, own: interface.address) }
  }
}
