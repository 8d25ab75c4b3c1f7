// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The real program beside a plain DHCP server, dnsmasq, on a wire of namespaces.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct WireTests {
  private let http16 = "HTTPClient:Arch:00016:UNDI:003000"
  private let disk = TestSite.bytes(2_000_000)

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso")],
      entries: ["uefi-http": "boot/demo.iso"])
    return site
  }

  @Test func eachKindOfClientGetsWhatWasSaid() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serve(site.path) { log in
        let answers = try await WireClient(wire: wire).discover([
          ("52:54:00:00:00:01", "", -1, 1), ("52:54:00:00:00:02", "PXEClient:Arch:00000:UNDI:002001", 0, 1),
          ("52:54:00:00:00:03", "PXEClient:Arch:00007:UNDI:003016", 7, 2),
          ("52:54:00:00:00:04", "HTTPClient:Arch:00015:UNDI:003000", 15, 2), ("52:54:00:00:00:05", http16, 16, 2),
        ])
        let ours = answers.filter { $0.server == "10.66.0.2" }
        #expect(answers.filter { $0.server == "10.66.0.1" && $0.yours.hasPrefix("10.66.0.1") }.count == 5)
        #expect(ours.map(\.mac).sorted() == ["52:54:00:00:00:03", "52:54:00:00:00:04", "52:54:00:00:00:05"])
        for answer in ours {
          #expect(answer.type == 2 && answer.yours == "0.0.0.0" && answer.next == "10.66.0.2")
          let isHTTP = answer.mac != "52:54:00:00:00:03"
          #expect(answer.vendor == (isHTTP ? "HTTPClient" : "PXEClient"))
          #expect(answer.boot == (isHTTP ? "http://10.66.0.2/boot/demo.iso" : "use-http-boot"))
        }
        try await log.line(with: "52:54:00:00:00:05: UEFI x64, HTTP boot: offered boot/demo.iso of image demo")
        let got = try await wire.command(in: "srv", ["ss", "-Hlntu"]).text()
        let ports = got.split(separator: "\n").compactMap { line -> String? in
          let columns = line.split(separator: " ")
          guard columns.count > 4, let port = columns[4].split(separator: ":").last else { return nil }
          return "\(columns[0]) \(port)"
        }
        #expect(
          ports.sorted() == ["tcp 80", "udp 4011", "udp 67", "udp 68", "udp 69"], "only the documented ports: \(got)")
      }
    }
  }

  @Test func theSitesOwnLeasesGoOn() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serve(site.path) { _ in
        let answers = try await WireClient(wire: wire).lease("52:54:00:00:00:09")
        #expect(answers.map(\.type) == [2, 5] && answers.allSatisfy { $0.server == "10.66.0.1" }, "\(answers)")
        #expect(try FileTree.text(of: wire.leases).contains("52:54:00:00:00:09"))
      }
    }
  }

  @Test func theOfferLeadsToTheFile() async throws {
    let site = try site()
    try await TestWire.with { [disk] wire in
      try await wire.serve(site.path) { log in
        try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
        let client = WireClient(wire: wire)
        let answers = try await client.discover([("52:54:00:00:00:05", http16, 16, 2)])
        let url = try #require(answers.compactMap(\.boot).first)
        #expect(try await wire.command(in: "client", ["curl", "--silent", url]).output() == disk)
        try await log.line(with: "http 10.66.0.9: boot/demo.iso, 2.0 MB in")
        let absent = wire.command(in: "client", ["curl", "--silent", "tftp://10.66.0.2/use-http-boot"])
        await #expect(throws: ExternalCommand.Failure.self) { try await absent.run() }
        try await log.line(with: "there is no \"use-http-boot\"")
        let file = wire.command(in: "client", ["curl", "--silent", "tftp://10.66.0.2/boot/demo.iso"])
        #expect(try await file.output() == disk)
      }
    }
  }

  @Test func aFloodOfDiscoversIsSurvived() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serve(site.path) { log in
        let client = WireClient(wire: wire)
        try await client.flood(20_000)
        let answers = try await client.discover([("52:54:00:00:00:05", http16, 16, 1)])
        #expect(!answers.isEmpty)
        let memory = try await wire.residentMemory()
        #expect(memory < 128 << 10, "KiB of memory in a debug build: \(memory)")
        #expect(log.lines.count < 25_000)
      }
    }
  }

  @Test func theInterfaceMayGoAndComeBackWithAnotherAddress() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serve(site.path) { log in
        let server = wire.namespace("srv")
        try await wire.ip("-n \(server) link set eth0 down")
        try await wire.ip("-n \(server) address flush dev eth0")
        try await log.line(with: "eth0 (10.66.0.2/24) is gone")
        try await wire.ip("-n \(server) link set eth0 up")
        try await wire.ip("-n \(server) address add 10.66.0.7/24 dev eth0")
        try await log.line(with: "eth0 (10.66.0.7/24) is served")
        let answers = try await WireClient(wire: wire).discover([("52:54:00:00:00:05", http16, 16, 2)])
        #expect(answers.contains { $0.boot == "http://10.66.0.7/boot/demo.iso" }, "\(answers)")
      }
    }
  }

  /// Beside a DHCP server on the same computer two processes would share one port, and one would starve.
  @Test func aDHCPServerOnTheSameComputerIsNamed() async throws {
    let site = try site()
    try await TestWire.with { wire in
      let program = try Repository.program("lifeboat").string
      let both = wire.command(in: "site", [program, "serve", "--site", site.path.string])
      let failure = try await #require(throws: ExternalCommand.Failure.self) { try await both.run() }
      let text = failure.message
      #expect(text.contains("UDP port 67 (DHCP) on eth0 is taken by dnsmasq (process"), "\(text)")
      #expect(text.contains("--mode site"))
    }
  }

  /// What the printed settings make of dnsmasq: it sends clients here, and nothing answers on port 67 itself.
  @Test func theSettingsForTheSitesServerWork() async throws {
    let site = try TestSite()
    try site.publish(
      1,
      [
        .init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso"),
        .init(name: "boot/demo/boot.ipxe", bytes: Array("#!ipxe\n".utf8), type: "text/plain"),
        .init(name: "boot/demo/pxe/bios.0", bytes: TestSite.bytes(4000)),
      ],
      entries: [
        "uefi-http": "boot/demo.iso", "ipxe": "boot/demo/boot.ipxe", "bios-pxe": "boot/demo/pxe/bios.0",
      ])
    try await TestWire.with { wire in
      try await wire.serve(site.path, ["--mode", "site"]) { log in
        let lines = log.lines.drop { !$0.hasPrefix("For dnsmasq") }.dropFirst().prefix { $0.hasPrefix("  ") }
        #expect(lines.count > 3)
        try AtomicFile.write(Array(lines.joined(separator: "\n").utf8), to: wire.scratch.appending("settings"))
        let settings = wire.scratch.appending("settings")
        // A second server of the site's, with these lines, which sits on the bridge.
        let second = [
          "dnsmasq", "--keep-in-foreground", "--conf-file=\(settings)", "--port=0", "--no-ping", "--user=root",
          "--pid-file=", "--dhcp-range=10.66.0.200,10.66.0.210,255.255.255.0,1h", "--log-facility=-",
          "--dhcp-leasefile=\(wire.scratch.appending("more-leases"))",
        ]
        try await wire.ip("-n \(wire.namespace("wire")) address add 10.66.0.4/24 dev bridge")
        try await wire.serving("wire", second, until: "DHCP, IP range") { _ in
          let client = WireClient(wire: wire)
          let bios = "PXEClient:Arch:00000:UNDI:002001"
          let answers =
            try await client.discover([("52:54:00:00:00:05", http16, 16, 2), ("52:54:00:00:00:06", bios, 0, 2)])
            + client.discoverIPXE("52:54:00:00:00:07", vendor: bios, architecture: 0, answers: 2)
          #expect(answers.map(\.server).sorted().suffix(3).allSatisfy { $0 == "10.66.0.4" }, "\(answers)")
          let files = answers.filter { $0.server == "10.66.0.4" && $0.yours.hasPrefix("10.66.0.2") }
            .map { "\($0.mac.suffix(1)) \($0.boot ?? $0.file)" }.sorted()
          #expect(
            files == [
              "5 http://10.66.0.2/boot/demo.iso", "6 boot/demo/pxe/bios.0", "7 http://10.66.0.2/boot/demo/boot.ipxe",
            ], "\(answers)")
          #expect(answers.contains { $0.server == "10.66.0.4" && $0.vendor == "HTTPClient" }, "\(answers)")
          #expect(answers.contains { $0.mac.hasSuffix("6") && $0.next == "10.66.0.2" }, "\(answers)")
        }
      }
    }
  }

  @Test func aCheckSaysWhoElseAnswers() async throws {
    let site = try site()
    let program = try Repository.program("lifeboat").string
    try await TestWire.with { wire in
      let check = wire.command(in: "srv", [program, "serve", "--site", site.path.string, "--check", "--wait", "2"])
      let plain = try await check.text()
      #expect(
        plain.contains("on eth0 (10.66.0.2/24):\n  10.66.0.1 (dhcp), offers an address\n  Nothing is in the way.\n"))
      #expect(plain.contains("UEFI x64, HTTP boot: boots"), "\(plain)")
      // A PXE server of dnsmasq's, beside which ours would be one too many.
      try await wire.rival { _ in
        let text = try await check.text()
        #expect(text.contains("  10.66.0.9 (boot)"), "\(text)")
        let words = "10.66.0.9 says by option 60 that it boots computers, without a boot file"
        #expect(text.contains("\(words), so this server offers nothing beside it."), "\(text)")
        #expect(text.contains("option 60, PXEClient: firmware takes it for a boot server: it goes first"), "\(text)")
        #expect(!text.contains(": boots"), "\(text)")
        #expect(text.contains("The boot server 10.66.0.9 boots machines here and has priority."), "\(text)")
      }
    }
  }

  @Test func aCheckWithoutADHCPServerSaysSo() async throws {
    let site = try site()
    let program = try Repository.program("lifeboat").string
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      let words = [program, "serve", "--site", site.path.string, "--check", "--wait", "2", "--json"]
      let text = try await wire.command(in: "srv", words).text()
      #expect(text.contains("Nobody offers an address here"), "\(text)")
    }
  }
}
