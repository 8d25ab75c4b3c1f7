// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import HostSystem
internal import NIOCore
internal import NIOPosix
internal import NetworkBootPolicy
internal import NetworkBootProtocol
public import SystemPackage

/// The network boot service: any computer on the wire starts a recovery image, and the site's DHCP is left alone.
///
///     DHCP 67, 4011 ─▶ DHCPServer ─┐
///     TFTP 69 ───────▶ TFTPServer ─┼─ SetFollower ─▶ BootSet ─▶ SITE/objects/ab/ab…
///     HTTP 80 ───────▶ HTTPServer ─┘        └ every second: SITE/current
///
/// What it gives is public to everybody on the wire, and it takes nothing: there is no way to write, to list or to name
/// anything that the set's index does not name.
public struct BootService: Sendable {
  /// What the administrator chose.
  public struct Options: Sendable {
    /// The site's folder.
    public var site: FilePath
    /// The only key by which the index may be signed; nil for the site's own, if it has one.
    public var key: FilePath?
    /// The interfaces; none means all that lead to other computers.
    public var interfaces: [String] = []
    /// How the service stands beside the site's DHCP.
    public var mode = Mode.proxy
    /// Whether x64 UEFI's PXE is answered in the shape of BOOTP; nil: as the policy says, else not.
    public var shadow: Shadow?
    /// In mode `full`: the addresses that are given, `10.66.0.100-10.66.0.199`; nil for the upper half of the subnet.
    public var pool: String?
    /// The image of all clients; nil where the set has one alone.
    public var image: String?
    /// TCP.
    public var httpPort = 80
    /// UDP.
    public var tftpPort = 69
    /// Who is answered with what; nil: everybody, with `image`.
    public var policy: FilePath?
    /// Where it is kept what administrators said at run time; nil: nowhere.
    public var state: FilePath?
    /// Whether the service does not begin without that folder.
    public var needsState = true
    /// The record of what happened; nil: `audit.jsonl` in the state folder, if there is one.
    public var audit: FilePath?
    /// The Unix socket for administrators; nil: none.
    public var admin: FilePath?
    /// Whether the service does not begin without that socket.
    public var needsAdmin = true
    /// The group whose members may use that socket; nil: what the policy says.
    public var adminGroup: String?
    /// How long the wire is asked at the start who else answers starting computers: by default as long as firmware waits.
    /// Zero asks nobody; in mode `full`, where a second server would take the wire down, it is never shorter than that.
    public var wait = WireProbe.patience

    /// Whether the DHCP ports are opened; tests of the other servers do without.
    package var listensForDHCP = true
    /// What a client of the HTTP server may use.
    package var httpLimits = HTTPLimits()

    /// A site with everything else as it usually is.
    public init(site: FilePath) { self.site = site }
  }

  /// How the service stands beside the site's DHCP.
  public enum Mode: String, Sendable, CaseIterable, Encodable {
    /// It answers beside the site's DHCP server, which is not touched.
    case proxy
    /// The site's DHCP server names this server and the boot files.
    case site
    /// It is the only DHCP server of one wire.
    case full
  }

  /// Whether x64 UEFI's PXE, which follows no proxy, is answered with the address that the site's server has offered.
  public enum Shadow: String, Sendable, CaseIterable, Encodable {
    /// No; it is sent on to its HTTP entry.
    case never
    /// Yes, and nothing is said in the client's name.
    case reply
    /// Yes, and the site's server is asked for the address in the client's name.
    case commit
  }

  let options: Options

  /// A service; nothing is opened.
  public init(_ options: Options) { self.options = options }

  /// Opens what is served and says what each client will get; asks nobody and listens on nothing.
  /// - Throws: `NetworkBootFailure`, `Site.Failure`, and what a key throws that cannot be used.
  public func plan() async throws -> ServicePlan {
    let set = try await read(EventLog { _ in }).current
    let policy = try MachineDesk.policy(options, set)?.policy
    return try ServicePlan(options, set, NetworkInterface.chosen(options), policy)
  }

  /// The same, once it has been asked who else answers starting computers on the wires that would be served.
  /// - Throws: as `plan`; and `NetworkBootFailure` where port 68 cannot be had.
  public func check() async throws -> ServicePlan {
    let set = try await read(EventLog { _ in }).current
    let policy = try MachineDesk.policy(options, set)?.policy
    let interfaces = try NetworkInterface.chosen(options)
    _ = try ServicePlan(options, set, interfaces, policy)
    return try ServicePlan(options, set, interfaces, policy, await ask(interfaces))
  }

  private func ask(_ interfaces: [NetworkInterface]) async throws -> HeardWires {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    do {
      var wires: [(NetworkInterface, ListeningSocket)] = []
      for interface in interfaces {
        wires.append((interface, try .bound(to: .dhcpClient(68), interface: interface.name)))
      }
      let found = try await WireProbe(wires: wires, mode: options.mode, patience: options.askingTime).run(group: group)
      try? await group.shutdownGracefully()
      return HeardWires(asked: interfaces, findings: found)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  /// Serves until the task is cancelled.
  /// - Parameters:
  ///   - onEvent: gets what happens, one event at a time, on any thread.
  ///   - whenReady: called once, when all ports are open.
  /// - Throws: `NetworkBootFailure`, `Site.Failure` where it cannot begin; nothing after that.
  public func run(
    onEvent: @escaping @Sendable (ServiceEvent) -> Void, whenReady: @Sendable (ServicePlan) -> Void
  ) async throws {
    DescriptorLimit.raise()
    let (stream, queue) = AsyncStream<ServiceEvent>.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    // A reader of the log who stands still must not make the service stand still. Not a child task: what is said at the
    // very end, when this task is cancelled, has to come through too.
    let telling = Task { for await event in stream { onEvent(event) } }
    do { try await serve(EventLog { queue.yield($0) }, whenReady) } catch {
      queue.finish()
      await telling.value
      throw error
    }
    queue.finish()
    await telling.value
  }

  private func serve(_ events: EventLog, _ whenReady: @Sendable (ServicePlan) -> Void) async throws {
    let sets = try await read(events)
    let interfaces = try NetworkInterface.chosen(options)
    let policy = try MachineDesk.policy(options, sets.current)?.policy
    let sockets = try SocketSet(options.allowing(policy?.shadow), interfaces)
    let desk = try MachineDesk(options, sets.current, events: events)
    do {
      try await serve(sets, desk, sockets, events, whenReady)
    } catch {
      await desk.audit?.finish()
      throw error
    }
    await desk.audit?.finish()
  }

  private func serve(
    _ sets: SetFollower, _ desk: MachineDesk, _ sockets: SocketSet, _ events: EventLog,
    _ whenReady: (ServicePlan) -> Void
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: min(System.coreCount, 4))
    let files = NIOThreadPool(numberOfThreads: 4)
    files.start()
    do {
      let ears = sockets.dhcp.compactMap { sockets in sockets.ear.map { (sockets.interface, $0) } }
      let asked = options.askingTime > .zero ? ears : []
      let found = try await WireProbe(wires: asked, mode: options.mode, patience: options.askingTime).run(group: group)
      if options.mode == .full { try Self.refuseSecondServer(found) }
      let heard = HeardWires(asked: asked.map(\.0), findings: found, deaf: sockets.deaf)
      let plan = try ServicePlan(
        options.with(sockets), sets.current, NetworkInterface.chosen(options), desk.policy, heard)
      let running = try await RunningService(self, sets, desk, sockets, group, files, events, found)
      try await AdminServer(desk: desk, files: files, events: events).serving(group) {
        whenReady(plan)
        await running.untilCancelled()
      }
    } catch {
      await Self.shutDown(group, files)
      throw error
    }
    await Self.shutDown(group, files)
  }

  /// Two servers that give addresses on one wire take it down.
  private static func refuseSecondServer(_ wires: [NetworkInterface: [WireProbe.Finding]]) throws(NetworkBootFailure) {
    for (interface, findings) in wires {
      guard let other = findings.map(\.server).first(where: \.givesAddresses) else { continue }
      throw .otherDHCPServer("\(other.address)", interface: interface.description)
    }
  }

  private func read(_ events: EventLog) async throws -> SetFollower {
    try await SetFollower(Site(at: options.site), trusting: options.key, events: events)
  }

  /// Ends all channels and threads. There is nobody to tell if that fails: the process ends too.
  private static func shutDown(_ group: MultiThreadedEventLoopGroup, _ files: NIOThreadPool) async {
    try? await group.shutdownGracefully()
    try? await files.shutdownGracefully()
  }
}
