// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
public import HostSystem
internal import NetworkBootPolicy
internal import NetworkBootProtocol
internal import SystemPackage

/// What the service gives, where, and to whom: for the start, `--dry-run` and `--json`.
public struct ServicePlan: Sendable, Hashable, Encodable {
  /// The site's folder.
  public var site: String
  /// The set's number.
  public var set: Int
  /// The fingerprint of the key that signed the set; nil for a set without signature.
  public var signedBy: String?
  /// How the service stands beside the site's DHCP.
  public var mode: BootService.Mode
  /// The image of all clients.
  public var image: String
  /// Where started computers look for the rest of it.
  public var servers: [String]
  /// What is wrong with that, and what to do about it; nil where it is this service.
  public var complaint: String?
  /// The interfaces with their addresses.
  public var interfaces: [Interface]
  /// The ports.
  public var ports: [Port]
  /// Each kind of client.
  public var clients: [Client]
  /// Everything that can be had.
  public var objects: [Object]
  /// In mode `site`: what the site's DHCP server has to be told.
  public var settings: [DHCPServerSettings]
  /// Who is answered, and what with, a sentence each.
  public var policy: [String]
  /// Who else answers on the wires; empty before they were asked.
  public var wires: [WireReport]

  /// An interface.
  public struct Interface: Sendable, Hashable, Encodable {
    /// `eth0`.
    public var name: String
    /// `10.66.0.2`.
    public var address: String
    /// `10.66.0.0/24`.
    public var subnet: String
    /// In mode `full`, the addresses that are given there: `10.66.0.128 to 10.66.0.254`.
    public var pool: String?
  }

  /// A port.
  public struct Port: Sendable, Hashable, Encodable {
    /// `TCP` or `UDP`.
    public var transport: String
    /// The number.
    public var number: Int
    /// What is behind it.
    public var purpose: String
  }

  /// A kind of client.
  public struct Client: Sendable, Hashable, Encodable {
    /// A stable name: `uefi-x64-http`.
    public var kind: String
    /// For people.
    public var title: String
    /// How it ends: `boots`, `boots-if-known`, `boots-if-approved`, `fails-at-once`, `needs-site`, `silent`.
    public var verdict: String
    /// What it is given.
    public var answer: String
    /// Why.
    public var reason: String
    /// What to know about it.
    public var notes: [String]
  }

  /// A file that can be had.
  public struct Object: Sendable, Hashable, Encodable {
    /// The name that it is asked for by.
    public var name: String
    /// Its bytes.
    public var size: ByteCount
    /// Its SHA-256.
    public var digest: Digest
    /// The media type.
    public var type: String
  }

  init(
    _ options: BootService.Options, _ set: BootSet, _ interfaces: [NetworkInterface], _ policy: BootPolicy?,
    _ heard: HeardWires = HeardWires()
  ) throws(NetworkBootFailure) {
    var view = try ServerView(options, set, policy ?? BootPolicy())
    (view.seen, view.deaf) = (heard.servers, heard.deaf)
    self.policy = policy?.explanation ?? []
    site = options.site.string
    self.set = set.index.number
    signedBy = set.signedBy
    mode = options.mode
    image = view.defaultImage ?? ""
    wires = heard.reports(view)
    let servers = SetServers(set.index.servers, httpPort: options.httpPort)
    let complaint = servers.complaint(interfaces)
    (self.servers, self.complaint) = (servers.urls, complaint?.text)
    self.interfaces = []
    for interface in interfaces {
      let pool = options.mode == .full ? "\(try interface.pool(options.pool))" : nil
      self.interfaces.append(
        Interface(name: interface.name, address: "\(interface.address)", subnet: "\(interface.subnet)", pool: pool))
    }
    clients = view.explanations(on: interfaces.map { OwnWire(interface: $0.name, server: $0.address) }).map {
      Client($0, needs: complaint?.isTrouble == true ? servers.list : nil)
    }
    objects = set.index.objects.sorted { $0.name < $1.name }.map {
      Object(name: $0.name, size: $0.size, digest: $0.digest, type: $0.type)
    }
    settings = options.mode == .site ? interfaces.map { DHCPServerSettings(for: $0, view) } : []
    ports = Self.ports(options)
  }

  private static func ports(_ options: BootService.Options) -> [Port] {
    var ports = [Port(transport: "TCP", number: options.httpPort, purpose: "HTTP")]
    ports.append(Port(transport: "UDP", number: options.tftpPort, purpose: "TFTP, and a port for each transfer"))
    if options.mode != .site {
      let purpose = options.mode == .full ? "DHCP, with addresses of its own" : "DHCP, as a proxy"
      ports.append(Port(transport: "UDP", number: 67, purpose: purpose))
      ports.append(Port(transport: "UDP", number: 68, purpose: "what other DHCP servers broadcast, overheard"))
    }
    ports.append(Port(transport: "UDP", number: 4011, purpose: "PXE boot server"))
    return ports
  }
}

extension ServicePlan.Client {
  /// - Parameter servers: where it looks for the rest, if that is nothing of ours.
  fileprivate init(_ explanation: Explanation, needs servers: String?) {
    self.init(
      kind: explanation.kind.rawValue, title: explanation.kind.title, verdict: explanation.verdict.rawValue,
      answer: explanation.answer, reason: explanation.reason, notes: explanation.notes)
    if let servers, explanation.verdict != .silent { notes.append("Only if \(servers) leads to this server.") }
  }
}
