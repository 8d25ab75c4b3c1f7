// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// Who else answers starting computers on a wire, and what that means.
public struct WireReport: Sendable, Hashable, Encodable {
  /// The interface.
  public var interface: String
  /// Who answered; more than once where it answers kinds of client differently.
  public var servers: [Server]
  /// In mode `site`: whether the site's server sends each kind of client here.
  public var pointers: [BootReferral]
  /// What it means for this service, a sentence each.
  public var conclusions: [String]

  /// A server that answered.
  public struct Server: Sendable, Hashable, Encodable {
    /// Its address.
    public var address: String
    /// `dhcp`, `boot` or `lifeboat`.
    public var role: String
    /// Whether it offered an address.
    public var offersAddress: Bool
    /// The boot file that it named.
    public var bootFile: String?
    /// The kinds of client that it answers so: `uefi-x64-http`.
    public var kinds: [String]
    /// The same for people; nil where those are all that were asked for.
    public var titles: [String]?
    /// What it tells them about starting.
    public var options: [Option]
  }

  /// Something that a server tells starting computers.
  public struct Option: Sendable, Hashable, Encodable {
    /// `option 60`.
    public var name: String
    /// Its value.
    public var value: String
    /// What it means, a clause.
    public var meaning: String
  }

  init(_ interface: NetworkInterface, _ findings: [WireProbe.Finding], _ view: ServerView) {
    self.interface = interface.description
    let asked = Set(WireProbe.questions(.init(rawValue: view.mode.rawValue) ?? .site).map(\.kind))
    servers = Self.servers(findings, asked, view)
    pointers = view.mode == .site ? BootReferral.all(findings, for: interface, view) : []
    conclusions = Self.conclusions(findings, view, own: interface.address)
    if pointers.contains(where: { !$0.pointsHere }) {
      conclusions.append(
        "Not every kind of client is sent here: the site's server wants the settings of \"--mode site --dry-run\".")
    }
    if conclusions.isEmpty { conclusions = ["Nothing is in the way."] }
  }

  private static func servers(
    _ findings: [WireProbe.Finding], _ asked: Set<ClientKind>, _ view: ServerView
  ) -> [Server] {
    var servers: [Server] = []
    var seen: Set<WireProbe.Finding> = []
    for finding in findings where !seen.contains(finding) {
      let alike = findings.filter { $0.server == finding.server && $0.told == finding.told }
      seen.formUnion(alike)
      let kinds = ClientKind.allCases.filter { kind in alike.contains { $0.kind == kind } }
      let isFirst = view.yields && view.mode != .site && finding.server.role == .boot
      servers.append(
        Server(
          address: "\(finding.server.address)", role: finding.server.role.rawValue,
          offersAddress: finding.server.givesAddresses, bootFile: finding.told.file, kinds: kinds.map(\.rawValue),
          titles: Set(kinds) == asked ? nil : kinds.map(\.title), options: finding.told.options(isFirst: isFirst)))
    }
    return servers
  }

  private static func conclusions(_ findings: [WireProbe.Finding], _ view: ServerView, own: IPv4Address) -> [String] {
    let servers = findings.map(\.server)
    var sentences: [String] = []
    if view.mode == .full {
      let others = names(servers.filter(\.givesAddresses))
      if !others.isEmpty {
        sentences.append(
          "\(others) gives addresses here, so mode full will not start: two such servers are one too many.")
      }
    } else if !servers.contains(where: \.givesAddresses) {
      sentences.append("Nobody offers an address here: computers that start from the network need a DHCP server.")
    }
    if view.mode != .site { sentences += rivals(findings, view) }
    for other in Set(servers.filter { $0.role == .lifeboat }).sorted(by: { $0.address < $1.address }) {
      sentences.append(
        !view.yields
          ? "Another Lifeboat, \(other.address), answers, and this one answers too, as the policy says (yield)."
          : other.hasPriority(over: own)
            ? "Another Lifeboat, \(other.address), answers: its address is lower, so this one keeps silent."
            : "Another Lifeboat, \(other.address), keeps silent as soon as it hears this one, whose address is lower.")
    }
    return sentences
  }

  /// What other boot servers mean: those that name a file, and those that only say what they are.
  private static func rivals(_ findings: [WireProbe.Finding], _ view: ServerView) -> [String] {
    let boot = findings.filter { $0.server.role == .boot }
    let naming = Set(boot.filter { $0.told.file != nil }.map(\.server.address))
    let consequence =
      view.yields ? "so this server offers nothing beside it" : "and this one too, as the policy says (yield)"
    var sentences: [String] = []
    let named = names(boot.map(\.server).filter { naming.contains($0.address) })
    if !named.isEmpty { sentences.append("\(named) names boot files here, \(consequence).") }
    let silent = names(boot.map(\.server).filter { !naming.contains($0.address) })
    if !silent.isEmpty {
      sentences.append("\(silent) says by option 60 that it boots computers, without a boot file, \(consequence).")
    }
    for kind in ClientKind.allCases {
      let files = Set(boot.filter { $0.kind == kind && $0.told.file != nil }.map(\.server))
      guard Set(files.map(\.address)).count > 1 else { continue }
      sentences.append("\(names(Array(files))) each name a boot file for \(kind.title): firmware takes one of them.")
    }
    return sentences
  }

  private static func names(_ servers: [SeenServer]) -> String {
    Set(servers.map(\.address)).sorted().map { "\($0)" }.joined(separator: ", ")
  }

  /// For people.
  public var lines: [String] {
    let answers = servers.flatMap { server in
      let address = server.offersAddress ? ", offers an address" : ""
      let head = "  \(server.address) (\(server.role))\(address)\(server.bootFile.map { ", boot file \($0)" } ?? "")"
      return [head] + (server.titles.map { ["    to " + $0.joined(separator: "; ")] } ?? [])
        + server.options.map { "    \($0.name), \($0.value): \($0.meaning)" }
    }
    return ["on \(interface):"] + (answers.isEmpty ? ["  nobody answers"] : answers) + pointers.map { "  \($0.line)" }
      + conclusions.map { "  \($0)" }
  }
}

/// What is known of the wires once they were asked.
struct HeardWires: Sendable {
  var asked: [NetworkInterface] = []
  var findings: [NetworkInterface: [WireProbe.Finding]] = [:]
  /// Where nobody can be overheard while the service runs.
  var deaf: Set<String> = []

  /// All servers, as decisions need them.
  var servers: [SeenServer] {
    var sightings = Sightings()
    for finding in asked.flatMap({ findings[$0] ?? [] }) { _ = sightings.note(finding.server, at: .zero) }
    return sightings.servers
  }

  func reports(_ view: ServerView) -> [WireReport] { asked.map { WireReport($0, findings[$0] ?? [], view) } }
}
