// SPDX-License-Identifier: GPL-3.0-or-later
internal import SystemPackage
internal import Synchronization
internal import BootSite
internal import NetworkBootPolicy
internal import NetworkBootProtocol

/// A machine as administrators see it.
public struct MachineReport: Sendable, Hashable, Codable {
  /// The number on its screen while it waits.
  public var number: Int?
  /// What the policy file calls it.
  public var name: String?
  /// Its card's address.
  public var mac: String?
  /// Its firmware's UUID.
  public var uuid: String?
  /// What started it: `uefi-x64-http`.
  public var kind: String?
  /// The same for people; processor and firmware.
  public var title: String?
  /// `known`, `denied`, or nil where nobody has said anything.
  public var standing: String?
  /// Where it stands: `ignored`, `offered`, `loading`, `waiting`, `denied`, `restarting`, `fetching`, `ready`; nil for
  /// one that has not been seen since the service began.
  public var stage: String?
  /// Why it gets nothing.
  public var reason: String?
  /// The image that it has started, or would be given.
  public var image: String?
  /// The file that it was offered.
  public var file: String?
  /// This server's interface that it was seen on.
  public var interface: String?
  /// Its own address.
  public var address: String?
  /// Bytes that it has taken since it was offered something.
  public var bytes: Int64
  /// Bytes a second, now.
  public var rate: Int64
  /// When it was heard of last.
  public var lastSeen: String?
  /// How many seconds ago that is.
  public var age: Int64?
}

/// The service as administrators see it.
public struct ServiceStatus: Sendable, Hashable, Codable {
  /// The site's folder.
  public var site: String
  /// The set that is served.
  public var set: Int
  /// Its images.
  public var images: [String]
  /// The image of all others.
  public var image: String?
  /// `proxy` or `site`.
  public var mode: String
  /// Who is answered: `none`, `known`, `approve`, `all`.
  public var answer: String
  /// The policy file.
  public var policy: String?
  /// Where it is kept what is said about machines; nil: nowhere.
  public var state: String?
  /// The record of what happened.
  public var audit: String?
  /// When the service began.
  public var started: String
  /// Machines that were seen.
  public var machines: Int
  /// Machines that wait to be approved.
  public var pending: Int
  /// Transfers under way.
  public var transfers: Int
}

extension MachineDesk {
  /// All machines: those that were seen, the latest first, then those that somebody has named and that were not.
  func reports() -> [MachineReport] {
    let now = Timestamp.seconds()
    return state.withLock { state in
      let policy = state.policy?.policy ?? BootPolicy()
      let active = Dictionary(grouping: state.transfers.values, by: \.address)
      let recent = state.register.recent
      var reports = recent.map { machine in
        let claimant = machine.claimant
        let transfers = machine.address.flatMap { active[$0] } ?? []
        return MachineReport(
          number: machine.number, name: policy.machines.first { $0.known.match.fits(claimant) }?.name,
          mac: "\(machine.identity.hardware)", uuid: machine.machine?.description, kind: machine.kind?.rawValue,
          title: machine.kind?.title,
          standing: state.view.machines.first { $0.match.fits(claimant) }?.standing.rawValue,
          stage: machine.stage.rawValue, reason: machine.reason,
          image: machine.image ?? state.view.image(for: claimant), file: machine.file, interface: machine.interface,
          address: machine.address?.description, bytes: machine.bytes + transfers.reduce(0) { $0 + $1.bytes },
          rate: transfers.reduce(0) { $0 + $1.rate }, lastSeen: Timestamp.text(machine.lastSeen),
          age: now - machine.lastSeen)
      }
      for machine in policy.machines where !recent.contains(where: { machine.known.match.fits($0.claimant) }) {
        reports.append(
          MachineReport(named: machine.known.match, machine.known.standing, machine.known.image, machine.name))
      }
      let unseen = state.register.kept.filter { word in !recent.contains { word.match.fits($0.claimant) } }
      for (match, words) in Dictionary(grouping: unseen, by: \.match).sorted(by: { $0.key.words < $1.key.words }) {
        reports.append(
          MachineReport(
            named: match, words.compactMap(\.standing).first, words.compactMap(\.image).first, nil))
      }
      return reports
    }
  }

  /// The service.
  func status() -> ServiceStatus {
    state.withLock { state in
      ServiceStatus(
        site: options.site.string, set: state.set.index.number, images: state.set.index.images.map(\.name),
        image: state.view.defaultImage, mode: options.mode.rawValue, answer: state.view.policy.rawValue,
        policy: options.policy?.string, state: store?.file.removingLastComponent().string,
        audit: audit?.path.string, started: Timestamp.text(state.metrics.start),
        machines: state.register.recent.count, pending: state.register.waitingCount,
        transfers: state.transfers.count)
    }
  }
}

extension MachineReport {
  /// One that has not been seen.
  fileprivate init(
    named match: MachineMatch, _ standing: KnownMachine.Standing?, _ image: String?, _ name: String?
  ) {
    self.init(
      name: name, mac: match.hardware?.description, uuid: match.machine?.description, standing: standing?.rawValue,
      image: image, bytes: 0, rate: 0)
  }
}
