// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Who is answered, on a wire of namespaces; the real program, and `lifeboat clients` beside it.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct PolicyTests {
  private let http16 = "HTTPClient:Arch:00016:UNDI:003000"

  private func serve<Result: Sendable>(
    _ policy: String, _ body: @escaping @Sendable (TestWire, WireLog) async throws -> Result
  ) async throws -> Result {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/demo.iso", bytes: [4, 5]), .init(name: "layers/a", bytes: [1, 2, 3])],
      entries: ["uefi-http": "boot/demo.iso"], layers: ["layers/a"])
    return try await TestWire.with { wire in
      let file = wire.scratch.appending("policy.toml")
      try AtomicFile.write(Array("lifeboat-serve = 1\n\(policy)\n".utf8), to: file)
      return try await wire.serve(site.path, ["--policy", file.string]) { log in try await body(wire, log) }
    }
  }

  private func clients(_ wire: TestWire, _ words: [String] = []) async throws -> Tool.Outcome {
    try await Repository.lifeboat(["clients"] + words + ["--admin", wire.admin.string])
  }

  @Test func anUnknownMachineIsAnsweredOnceItIsKnown() async throws {
    try await serve("answer = \"known\"") { wire, log in
      let (card, client) = ("52:54:00:00:00:05", WireClient(wire: wire))
      let before = try await client.discover([(card, http16, 16, 1)])
      #expect(before.map(\.server) == ["10.66.0.1"])
      try await log.line(with: "\(card): no answer: the policy here is \"known\", and this machine is not")
      let list = try await clients(wire)
      #expect(list.lines.contains { $0.contains(card) && $0.contains("ignored") }, "\(list)")
      let approved = try await clients(wire, ["approve", card])
      #expect(approved.output == "\(card) is known from now on\n", "\(approved)")
      let after = try await client.discover([(card, http16, 16, 2)])
      #expect(after.contains { $0.boot == "http://10.66.0.2/boot/demo.iso" }, "\(after)")
      #expect(try await clients(wire, ["deny", card]).status == 0)
      _ = try await client.discover([(card, http16, 16, 1)])
      try await log.line(with: "\(card): no answer: this machine was denied")
    }
  }

  /// Its card is told by DHCP alone; what it loads comes from an address, which its REQUEST has told.
  @Test func aMachineIsFollowedFromItsFirstPacketOn() async throws {
    try await serve("answer = \"approve\"") { wire, log in
      let (card, client) = ("52:54:00:00:00:05", WireClient(wire: wire))
      let answers = try await client.discover([(card, http16, 16, 2)])
      #expect(answers.contains { $0.boot == "http://10.66.0.2/boot/demo.iso" }, "its loader waits for nobody")
      let leased = try #require(try await client.lease(card).last?.yours)
      try await wire.ip("-n \(wire.namespace("client")) address add \(leased)/24 dev eth0")
      func curl(_ name: String) async throws -> String {
        try await wire.command(in: "client", ["curl", "--silent", "http://10.66.0.2/\(name)"]).text()
      }
      _ = try await curl("boot/demo.iso")
      try await log.line(with: "http \(leased): boot/demo.iso, 2 B in")
      let loading = try await clients(wire)
      #expect(
        loading.lines.contains { $0.contains(card) && $0.contains("loading") && $0.contains(leased) }, "\(loading)")
      let number = try await curl("admission/demo/525400000005/-").dropFirst("wait ".count).prefix(4)
      try await log.line(with: "waits with the number \(number) on its screen")
      let waiting = try await clients(wire)
      #expect(
        waiting.lines.contains { $0.hasPrefix(number) && $0.contains("UEFI x64, HTTP boot  waiting") }, "\(waiting)")
      #expect(try await clients(wire, ["approve", String(number)]).status == 0)
      #expect(try await curl("admission/demo/525400000005/-") == "go\n")
      _ = try await curl("layers/a")
      try await log.line(with: "layers/a, 3 B in")
      let ready = try await clients(wire)
      #expect(ready.lines.contains { $0.contains(card) && $0.contains("ready") && $0.contains("known") }, "\(ready)")
    }
  }

  @Test func aFloodOfMachinesThatDoNotExistIsBounded() async throws {
    try await serve("answer = \"approve\"") { wire, log in
      try await WireClient(wire: wire).flood(30_000)
      _ = try await WireClient(wire: wire).discover([("52:54:00:00:00:05", http16, 16, 1)])
      let count = try await clients(wire, ["list", "--json"]).output.matches(of: /"mac"/).count
      #expect(count > 1000 && count <= 10_000, "\(count)")
      let record = wire.scratch.appending("state/audit.jsonl")
      let size = FileTree.status(of: record)?.size ?? 0
      #expect(size > 0 && size < 2 << 20, "the record does not grow with the flood: \(size) bytes")
    }
  }
}
