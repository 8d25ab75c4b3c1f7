// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import HostSystem
internal import NIOCore
internal import NetworkBootPolicy
internal import NetworkBootProtocol
internal import Synchronization
internal import SystemPackage

/// Where policy, set and machines meet: what decisions are made from, and what is known of every machine.
///
///     policy file ─▶ PolicyFollower ─┐                 ┌─▶ ServerView ─▶ DHCPServer
///     SITE/current ─▶ BootSet ───────┼─▶ MachineDesk ──┼─▶ GET /admission/…
///     DHCP, TFTP, HTTP: who, what ───┤                 ├─▶ admin socket: machines, metrics
///     state folder ─▶ MachineStore ──┘                 └─▶ AuditLog
final class MachineDesk: Sendable {
  struct State {
    var options: BootService.Options
    var set: BootSet
    var policy: PolicyFollower?
    var register: MachineRegister
    /// What decisions are made from.
    private(set) var view: ServerView
    var metrics = Metrics()
    var transfers: [ObjectIdentifier: TransferMeter] = [:]
    /// The layers of each medium, by image.
    private(set) var layers: [String: [MediumLayers]] = [:]

    init(
      _ options: BootService.Options, _ set: BootSet, _ policy: PolicyFollower?, _ register: MachineRegister
    ) throws(NetworkBootFailure) {
      (self.options, self.set, self.policy, self.register) = (options, set, policy, register)
      view = ServerView()
      try renew()
    }

    /// Who else is on the wires, and where nobody would be heard.
    mutating func see(_ servers: [SeenServer], deaf: Set<String>) { (view.seen, view.deaf) = (servers, deaf) }

    /// Changes what the view is made of, and the view with it: both, or nothing.
    mutating func change(_ body: (inout State) throws -> Void) throws {
      var new = self
      try body(&new)
      try new.renew()
      self = new
    }

    private mutating func renew() throws(NetworkBootFailure) {
      var view = try ServerView(options, set, policy?.policy ?? BootPolicy())
      register.apply(to: &view)
      (view.seen, view.deaf) = (self.view.seen, self.view.deaf)
      self.view = view
      layers = MachineDesk.layers(of: set)
    }
  }

  let state: Mutex<State>
  let options: BootService.Options
  let events: EventLog
  let audit: AuditLog?
  /// Held while an order is followed.
  let following = Mutex(())
  let store: MachineStore?

  /// Opens what the options name.
  /// - Throws: `NetworkBootPolicyFailure`, `NetworkBootFailure`, `OperationFailure`, `FileLock.Busy`.
  init(_ options: BootService.Options, _ set: BootSet, events: EventLog) throws {
    (self.options, self.events) = (options, events)
    let policy = try Self.policy(options, set)
    let opened = try Self.openState(options, events)
    (store, audit) = (opened.store, opened.audit)
    let register = MachineRegister(kept: try opened.store?.read() ?? [])
    state = Mutex(try State(options, set, policy, register))
  }

  static func policy(_ options: BootService.Options, _ set: BootSet) throws -> PolicyFollower? {
    try options.policy.map { try PolicyFollower($0, images: set.index.images.map(\.name)) }
  }

  /// The state folder and the record. What somebody named has to be had; what nobody named may be missing, and is said.
  private static func openState(
    _ options: BootService.Options, _ events: EventLog
  ) throws -> (store: MachineStore?, audit: AuditLog?) {
    guard let folder = options.state else { return (nil, try options.audit.map { try AuditLog($0, events: events) }) }
    do {
      let store = try MachineStore(in: folder)
      return (store, try AuditLog(options.audit ?? folder.appending("audit.jsonl"), events: events))
    } catch {
      guard !options.needsState else { throw error }
      let reason = (error as? any Diagnosable)?.message ?? "\(error)"
      events.say(
        .init(
          .service, .trouble,
          "\(reason); orders about machines will be forgotten when the service ends; name a folder with --state"))
      return (nil, try options.audit.map { try AuditLog($0, events: events) })
    }
  }

  private static func layers(of set: BootSet) -> [String: [MediumLayers]] {
    Dictionary(
      set.index.images.map { image in
        let media = image.media.values.map { medium in
          // Both are listed bottom first; sets of before have no trees.
          MediumLayers(
            Set(medium.layers),
            trees: Dictionary(zip(medium.layers, medium.trees ?? [])) { first, _ in first })
        }
        return (image.name, media.filter { !$0.layers.isEmpty })
      }
    ) { first, _ in first }
  }

  /// What decisions are made from now.
  var view: ServerView { state.withLock { $0.view } }

  /// The policy that holds now; nil without a file.
  var policy: BootPolicy? { state.withLock { $0.policy?.policy } }

  /// Who else is on the wires, and where nobody would be heard.
  func see(_ servers: [SeenServer], deaf: Set<String>) { state.withLock { $0.see(servers, deaf: deaf) } }

  /// Tells the port that the kernel chose where 0 was asked for.
  func useHTTPPort(_ port: Int) {
    // Nothing else of it changes, so nothing can be wrong with it.
    state.withLock { state in try? state.change { $0.options.httpPort = port } }
  }

  /// The images of the set.
  var images: [String] { state.withLock { $0.set.index.images.map(\.name) } }

  /// The group whose members may administer the service.
  var adminGroup: String? { options.adminGroup ?? state.withLock { $0.policy?.policy.adminGroup } }

  /// Serves another set from now on.
  func use(_ set: BootSet) {
    do {
      let complaint = try state.withLock { state in
        try state.change { $0.set = set }
        return state.policy?.complain(images: set.index.images.map(\.name))
      }
      audit?.record(.init(event: "set", name: "\(set.index.number)", message: "it is served from now on"))
      guard let complaint else { return }
      events.say(.init(.policy, .trouble, "set \(set.index.number) does not fit the policy: \(complaint)"))
    } catch {
      events.say(.init(.set, .trouble, "\(Self.words(error)); clients are answered as before"))
    }
  }

  /// Looks once whether the policy file has changed.
  func lookAtPolicy() {
    do {
      let isNew = try state.withLock { state -> Bool in
        guard let policy = try state.policy?.look(images: state.set.index.images.map(\.name)) else { return false }
        // One that reads well may still not go with this set: it holds as a whole, or not at all.
        try state.change { $0.policy?.policy = policy }
        return true
      }
      guard isNew, let path = options.policy else { return }
      events.say(.init(.policy, "\(path) was read again, and holds from now on"))
      audit?.record(.init(event: "policy", name: path.string, message: "read again"))
      let view = view
      guard view.mode == .proxy, view.shadow != .never, !view.deaf.isEmpty else { return }
      let words =
        "no shadow reply on \(view.deaf.sorted().joined(separator: ", ")): other servers are not overheard there"
      events.say(.init(.policy, .trouble, "\(words); free UDP port 68 and start the service again"))
    } catch {
      let reason = Self.words(error)
      events.say(.init(.policy, .trouble, "the policy stays as it was: \(reason)"))
      audit?.record(.init(event: "policy-refused", name: options.policy?.string, message: reason))
    }
  }

  private static func words(_ error: any Error) -> String { (error as? any Diagnosable)?.message ?? "\(error)" }
}
