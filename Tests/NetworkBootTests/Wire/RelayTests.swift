// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Computers on another segment, behind a relay agent: dnsmasq's.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct RelayTests {
  private let http16 = "HTTPClient:Arch:00016:UNDI:003000"

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: [1])], entries: ["uefi-http": "boot/demo.iso"])
    return site
  }

  @Test func anOfferGoesBackThroughTheRelay() async throws {
    let site = try site()
    try await behindARelay(site) { [http16] wire, log in
      let answers = try await WireClient(wire: wire).discover([("52:54:00:00:00:05", http16, 16, 1)])
      #expect(answers.map(\.server) == ["10.66.0.2"] && answers.first?.yours == "0.0.0.0", "\(answers)")
      #expect(answers.first?.boot == "http://10.66.0.2/boot/demo.iso", "\(answers)")
      try await log.line(with: "52:54:00:00:00:05: UEFI x64, HTTP boot: offered boot/demo.iso")
    }
  }

  /// A policy can speak of a relay agent, and of the subnet behind it; nobody else is answered here.
  @Test func aPolicyKnowsThePlaceBehindARelay() async throws {
    let site = try TestSite()
    var index = try site.publish(
      1, [.init(name: "boot/demo.iso", bytes: [1]), .init(name: "boot/other.iso", bytes: [2])],
      entries: ["uefi-http": "boot/demo.iso"], images: ["demo", "other"])
    index.images[1].entries = ["uefi-http": "boot/other.iso"]
    try site.folder.write("sets/1/index.json", try index.encoded())
    let policy = """
      answer = "none"
      image = "demo"
      [[place]]
      relay = "10.77.0.1"
      answer = "all"
      [[assign]]
      image = "other"
      subnet = "10.77.0.0/24"
      """
    try await behindARelay(site, policy) { [http16] wire, log in
      let client = WireClient(wire: wire)
      let answers = try await client.discover([("52:54:00:00:00:05", http16, 16, 1)])
      #expect(answers.map(\.boot) == ["http://10.66.0.2/boot/other.iso"], "\(answers)")
      // On the server's own wire.
      try await wire.ip("-n \(wire.namespace("client")) link set eth0 down")
      try await wire.ip("-n \(wire.namespace("client")) link set eth0 name far0")
      try await wire.ip("-n \(wire.namespace("client")) link set unused0 name eth0 up")
      try await client.send([("52:54:00:00:00:06", http16, 16)])
      try await log.line(with: "52:54:00:00:00:06: no answer: the policy here is \"none\"")
      #expect(!log.lines.contains { $0.contains("52:54:00:00:00:06: UEFI x64, HTTP boot: offered") }, "\(log.lines)")
    }
  }

  /// Serves a wire that the client reaches by a relay agent alone, 10.77.0.1 on its side.
  private func behindARelay(
    _ site: TestSite, _ policy: String = "", _ body: @escaping @Sendable (TestWire, WireLog) async throws -> Void
  ) async throws {
    try await TestWire.with { wire in
      let (relay, client) = (wire.namespace("other"), wire.namespace("client"))
      try await wire.ip("-n \(relay) address add 10.66.0.8/24 dev eth0")
      try await wire.ip("-n \(client) link set eth0 down")
      try await wire.ip("-n \(client) link set eth0 name unused0")
      try await wire.ip("-n \(relay) link add far0 type veth peer name eth0 netns \(client)")
      try await wire.ip("-n \(relay) address add 10.77.0.1/24 dev far0")
      try await wire.ip("-n \(relay) link set far0 up")
      try await wire.ip("-n \(client) link set eth0 up")
      try await wire.ip("-n \(wire.namespace("srv")) route add 10.77.0.0/24 via 10.66.0.8")
      let agent = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=",
        "--dhcp-relay=10.77.0.1,10.66.0.2", "--log-facility=-",
      ]
      let file = wire.scratch.appending("policy.toml")
      try AtomicFile.write(Array("lifeboat-serve = 1\n\(policy)\n".utf8), to: file)
      try await wire.serve(site.path, ["--policy", file.string]) { log in
        try await wire.serving("other", agent, until: "DHCP relay from 10.77.0.1 to 10.66.0.2") { _ in
          try await body(wire, log)
        }
      }
    }
  }

  /// Agents that send a packet round among themselves: each round brings one more copy, until it has gone too far.
  @Test func aLoopOfRelaysDoesNoHarm() async throws {
    let site = try site()
    try await TestWire.with { [http16] wire in
      try await wire.serve(site.path) { log in
        let client = WireClient(wire: wire)
        try await client.sendRelayed("52:54:00:00:00:06", by: "10.66.0.9", hops: 0...255)
        try await log.line(with: "52:54:00:00:00:06: no answer: it has passed 17 relay agents: they go round in a loop")
        let offered = log.lines.filter { $0.contains("52:54:00:00:00:06: UEFI x64, HTTP boot: offered") }
        #expect((1...17).contains(offered.count), "\(offered.count)")
        try await client.sendRelayed("52:54:00:00:00:07", by: "10.66.0.2", hops: 1...1)
        try await log.line(with: "it says that this server, 10.66.0.2, relayed it")
        let answers = try await client.discover([("52:54:00:00:00:05", http16, 16, 2)])
        #expect(answers.contains { $0.server == "10.66.0.2" }, "others are served on: \(answers)")
      }
    }
  }
}
