// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
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

  private static func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/demo.iso", bytes: [4, 5]), .init(name: "layers/a", bytes: [1, 2, 3])],
      entries: ["uefi-http": "boot/demo.iso"], layers: ["layers/a"])
    return site
  }

  private func serve<Result: Sendable>(
    _ policy: String, _ site: TestSite? = nil, _ body: @escaping @Sendable (TestWire, WireLog) async throws -> Result
  ) async throws -> Result {
    let site = try site ?? Self.site()
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

  /// Each kind and each card has what it was given; the first assignment that fits counts.
  @Test func anImageIsAssignedToOneCardAndToOneKind() async throws {
    let site = try TestSite()
    var index = try site.publish(
      1, ["demo.iso", "other.iso", "demo.0", "third.0"].map { .init(name: "boot/\($0)", bytes: Array($0.utf8)) },
      entries: ["uefi-http": "boot/demo.iso", "bios-pxe": "boot/demo.0"], images: ["demo", "other", "third"])
    index.images[1].entries = ["uefi-http": "boot/other.iso"]
    index.images[2].entries = ["bios-pxe": "boot/third.0"]
    try site.folder.write("sets/1/index.json", try index.encoded())
    let policy = """
      image = "demo"
      [[assign]]
      image = "other"
      mac = "52:54:00:00:00:05"
      [[assign]]
      image = "third"
      clients = ["bios-pxe"]
      """
    try await serve(policy, site) { wire, _ in
      let bios = "PXEClient:Arch:00000:UNDI:002001"
      let answers = try await WireClient(wire: wire).discover([
        ("52:54:00:00:00:05", http16, 16, 2), ("52:54:00:00:00:06", http16, 16, 2), ("52:54:00:00:00:07", bios, 0, 2),
      ])
      let ours = answers.filter { $0.server == "10.66.0.2" }
      let told = Dictionary(ours.map { ($0.mac.suffix(1), $0.boot ?? $0.file) }) { first, _ in first }
      #expect(
        told == [
          "5": "http://10.66.0.2/boot/other.iso", "6": "http://10.66.0.2/boot/demo.iso", "7": "boot/third.0",
        ], "\(answers)")
    }
  }

  /// An answer that waits gives way to another boot server's, which comes after a second, unless the policy says no.
  @Test(arguments: [true, false]) func aDelayIsKeptAndAnotherServerMayComeFirst(_ yields: Bool) async throws {
    let rival = """
      import socket, time
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
      s.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")
      s.bind(("", 67))
      print("listens", flush=True)
      while True:
          data = s.recv(4096)
          if data[28:34] != b"\\x52\\x54\\0\\0\\0\\x06": continue
          time.sleep(1)
          told = b"\\x35\\1\\2\\x36\\4\\x0a\\x42\\0\\x09\\x3c\\x09PXEClient\\x43\\x09other.efi\\xff"
          s.sendto(b"\\2" + data[1:240] + told, ("255.255.255.255", 68))
          print("answered", flush=True)
      """
    try await serve("delay = 3\nyield = \(yields)") { wire, log in
      let client = WireClient(wire: wire)
      let begin = ContinuousClock.now
      let answers = try await client.discover([("52:54:00:00:00:05", http16, 16, 2)])
      #expect(answers.map(\.server) == ["10.66.0.1", "10.66.0.2"] && .now - begin >= .seconds(3), "\(answers)")
      try await wire.ip("-n \(wire.namespace("other")) address add 10.66.0.9/24 dev eth0")
      try await wire.serving("other", ["python3", "-c", rival], until: "listens") { other in
        try await client.send([("52:54:00:00:00:06", http16, 16)])
        try await other.line(with: "answered")
        guard yields else {
          try await log.line(with: "52:54:00:00:00:06: UEFI x64, HTTP boot: offered")
          return
        }
        try await log.line(with: "52:54:00:00:00:06: no answer: the boot server 10.66.0.9 boots machines here")
        try await Task.sleep(for: .seconds(3))
        #expect(!log.lines.contains { $0.contains("52:54:00:00:00:06: UEFI x64, HTTP boot: offered") }, "\(log.lines)")
      }
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
