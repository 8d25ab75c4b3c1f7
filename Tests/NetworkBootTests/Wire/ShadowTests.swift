// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The shadow reply of the real program, beside a plain DHCP server that knows nothing of it.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct ShadowTests {
  private let x64 = "PXEClient:Arch:00007:UNDI:003016"
  private let mac = "52:54:00:00:00:03"

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "shimx64.efi", bytes: [1, 2, 3]), .init(name: "boot/demo.iso", bytes: [4])],
      entries: ["uefi-x64-pxe": "shimx64.efi", "uefi-http": "boot/demo.iso"])
    return site
  }

  /// The fields and options that were measured with firmware, and nothing else.
  @Test func theReplyIsWhatWasMeasured() async throws {
    let site = try site()
    try await TestWire.with { [x64, mac] wire in
      try await wire.serve(site.path, ["--shadow", "reply"]) { log in
        #expect(log.lines.contains("UEFI x64, PXE: boots"), "\(log.lines)")
        let answers = try await WireClient(wire: wire).discover([(mac, x64, 7, 2)])
        let offer = try #require(answers.first { $0.server == "10.66.0.1" })
        let reply = try #require(answers.first { $0.server == "10.66.0.2" })
        #expect(offer.type == 2 && offer.yours.hasPrefix("10.66.0.1"))
        #expect(reply.type == nil && reply.yours == offer.yours && reply.next == "10.66.0.2")
        let address = reply.yours.split(separator: ".").compactMap { UInt8($0) }.map { $0.hexadecimal }.joined()
        let expected =
          "0201060000000003000080000000000" + "0" + address + "0a42000200000000" + "525400000003"
          + String(repeating: "0", count: 20 + 128) + "7368696d7836342e656669" + String(repeating: "0", count: 234)
          + "63825363" + "0104ffffff00" + "03040a420001" + "36040a420002" + "ff"
        #expect(reply.packet == expected + String(repeating: "0", count: 600 - expected.count))
        try await log.line(
          with: "\(mac): UEFI x64, PXE: offered shimx64.efi of image demo, with the address \(reply.yours)")
        #expect(try !FileTree.text(of: wire.leases).contains(mac), "nothing is said in the client's name")
      }
    }
  }

  @Test func commitLeasesTheAddressInTheClientsName() async throws {
    let site = try site()
    try await TestWire.with { [x64, mac] wire in
      try await wire.serve(site.path, ["--shadow", "commit"], wait: 2) { log in
        let answers = try await WireClient(wire: wire).discover([(mac, x64, 7, 2)])
        let reply = try #require(answers.first { $0.server == "10.66.0.2" })
        try await log.line(with: "\(mac): asked for \(reply.yours) in its name")
        try await wire.until { try FileTree.text(of: wire.leases).contains("\(mac) \(reply.yours)") }
        #expect(try FileTree.text(of: wire.leases).split(separator: "\n").count == 1, "none for the probe at the start")
      }
    }
  }

  @Test func withoutAnOfferOfTheSitesNothingIsSent() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      try await wire.serve(site.path, ["--shadow", "reply"], wait: 2) { log in
        #expect(log.lines.contains { $0.contains("Nobody offers an address here") }, "\(log.lines)")
        try await WireClient(wire: wire).send([("52:54:00:00:00:03", "PXEClient:Arch:00007:UNDI:003016", 7)])
        try await log.line(with: "no answer: no OFFER of the site's DHCP server was seen in 3 s")
      }
    }
  }

  /// The kernel gives a broadcast to every socket that shares the port, and a packet for one address not to ours.
  @Test func itGoesOnBesideADHCPClientOfThisComputer() async throws {
    let site = try site()
    try await TestWire.with { [x64, mac] wire in
      try await wire.serving("srv", Self.holder(sharing: true), until: "has it") { _ in
        try await wire.serve(site.path, ["--shadow", "reply"]) { _ in
          let answers = try await WireClient(wire: wire).discover([(mac, x64, 7, 2)])
          #expect(answers.map(\.server).sorted() == ["10.66.0.1", "10.66.0.2"], "\(answers)")
          // This computer's own client, which listens on the same port, gets its lease and its unicast renewals.
          let script = wire.scratch.appending("script")
          try AtomicFile.write(Array("#!/bin/sh\necho \"$1 $ip\"\n".utf8), to: script)
          try FileTree.setPermissions(script, 0o755)
          let client = ["busybox", "udhcpc", "-f", "-n", "-q", "-i", "eth0", "-s", script.string]
          let text = try await wire.command(in: "srv", client).text()
          #expect(text.contains("bound 10.66.0.1"), "\(text)")
        }
      }
    }
  }

  @Test func aPortThatIsNotSharedEndsItOnlyWhereItIsNeeded() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serving("srv", Self.holder(sharing: false), until: "has it") { _ in
        let program = try Repository.program("lifeboat").string
        let words = [program, "serve", "--site", site.path.string, "--shadow", "reply"]
        let failure = try await #require(throws: ExternalCommand.Failure.self) {
          try await wire.command(in: "srv", words).run()
        }
        #expect(
          failure.message.contains("UDP port 68 (DHCP client) on eth0 is taken by python3 (process"), "\(failure)")
        #expect(failure.message.contains("do without the shadow reply"), "\(failure)")
        // The policy's word is as good as the option's.
        let policy = wire.scratch.appending("policy.toml")
        try AtomicFile.write(Array("lifeboat-serve = 1\nshadow = \"reply\"\n".utf8), to: policy)
        let asPolicySays = [program, "serve", "--site", site.path.string, "--policy", policy.string]
        let same = try await #require(throws: ExternalCommand.Failure.self) {
          try await wire.command(in: "srv", asPolicySays).run()
        }
        #expect(same.message.contains("UDP port 68 (DHCP client) on eth0 is taken by python3 (process"), "\(same)")
        try AtomicFile.write(Array("lifeboat-serve = 1\n".utf8), to: policy)
        _ = try await wire.serve(site.path, ["--policy", policy.string]) { [x64, mac] log in
          try await log.line(
            with: "other servers on eth0 (10.66.0.2/24) are not seen, and not given way to: UDP port 68")
          // Allowed later, it cannot be had, and PXE ends at once as without it.
          try AtomicFile.write(Array("lifeboat-serve = 1\nshadow = \"reply\"\n".utf8), to: policy)
          try await log.line(with: "no shadow reply on eth0: other servers are not overheard there")
          let answers = try await WireClient(wire: wire).discover([(mac, x64, 7, 2)])
          #expect(answers.contains { $0.server == "10.66.0.2" && $0.boot == "use-http-boot" }, "\(answers)")
        }
      }
    }
  }

  @Test func theAddressMayChange() async throws {
    let site = try site()
    try await TestWire.with { [x64, mac] wire in
      try await wire.serve(site.path, ["--shadow", "reply"]) { log in
        let server = wire.namespace("srv")
        try await wire.ip("-n \(server) link set eth0 down")
        try await wire.ip("-n \(server) address flush dev eth0")
        try await log.line(with: "eth0 (10.66.0.2/24) is gone")
        try await wire.ip("-n \(server) link set eth0 up")
        try await wire.ip("-n \(server) address add 10.66.0.7/24 dev eth0")
        try await log.line(with: "eth0 (10.66.0.7/24) is served")
        let answers = try await WireClient(wire: wire).discover([(mac, x64, 7, 2)])
        #expect(answers.contains { $0.server == "10.66.0.7" && $0.next == "10.66.0.7" && $0.type == nil }, "\(answers)")
      }
    }
  }

  @Test func aFloodIsSurvived() async throws {
    let site = try site()
    try await TestWire.with { [x64] wire in
      try await wire.serve(site.path, ["--shadow", "commit"]) { log in
        let client = WireClient(wire: wire)
        try await client.flood(20_000, vendor: x64, architecture: 7)
        // The site's server may have no address left; a proxy's offer needs none. While the flood lasts, the log may leave
        // an event out.
        try await wire.until {
          let answers = try await client.discover([("52:54:00:00:00:05", "HTTPClient:Arch:00016:UNDI:003000", 16, 1)])
          #expect(!answers.isEmpty)
          return log.lines.contains { $0.contains("52:54:00:00:00:05: UEFI x64, HTTP boot: offered boot/demo.iso") }
        }
        let memory = try await wire.residentMemory()
        #expect(memory < 128 << 10, "KiB of memory in a debug build: \(memory)")
        #expect(log.lines.count < 25_000)
      }
    }
  }

  @Test func itDoesNotGoWithModeSite() async throws {
    let outcome = try await Repository.lifeboat(["serve", "--site", "/nowhere", "--mode", "site", "--shadow", "reply"])
    #expect(outcome.status == 64 && outcome.errors.contains("--shadow needs --mode proxy"), "\(outcome)")
  }

  private static func holder(sharing: Bool) -> [String] {
    let program = """
      import socket, time
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, \(sharing ? 1 : 0))
      s.bind(("", 68))
      print("has it", flush=True)
      while True: s.recv(4096)
      """
    return ["python3", "-c", program]
  }
}

extension UInt8 {
  fileprivate var hexadecimal: String { (self < 16 ? "0" : "") + String(self, radix: 16) }
}
