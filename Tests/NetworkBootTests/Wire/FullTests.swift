// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The real program as the only DHCP server of a wire, asked by busybox's client.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct FullTests {
  private let x64 = "PXEClient:Arch:00007:UNDI:003016"
  private let full = ["--mode", "full", "--interface", "eth0"]

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "shimx64.efi", bytes: [1, 2, 3]), .init(name: "boot/demo.iso", bytes: [4])],
      entries: ["uefi-x64-pxe": "shimx64.efi", "uefi-http": "boot/demo.iso"])
    return site
  }

  /// What udhcpc is given: one line for each step.
  private func udhcpc(_ wire: TestWire, _ more: [String] = []) async throws -> String {
    let script = wire.scratch.appending("script")
    let text = "#!/bin/sh\necho \"$1 $ip/$mask lease $lease of $serverid next $siaddr file $boot_file\"\n"
    try AtomicFile.write(Array(text.utf8), to: script)
    try FileTree.setPermissions(script, 0o755)
    let words = ["busybox", "udhcpc", "-f", "-n", "-q", "-t", "5", "-i", "eth0", "-s", script.string] + more
    let lines = try await wire.command(in: "client", words).text().split(separator: "\n")
    return lines.last { $0.hasPrefix("bound") }.map(String.init) ?? ""
  }

  @Test func computersGetAnAddressAndStart() async throws {
    let site = try site()
    try await TestWire.with { [x64, full] wire in
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      let pool = full + ["--pool", "10.66.0.100-10.66.0.101"]
      let first = try await wire.serve(site.path, pool, wait: nil) { log in
        #expect(
          log.lines.contains("interface eth0, address 10.66.0.2 in 10.66.0.0/24, gives 10.66.0.100 to 10.66.0.101"))
        let plain = try await udhcpc(wire)
        #expect(plain.contains("/24 lease 3600 of 10.66.0.2") && plain.hasSuffix("file "), "\(plain)")
        let starting = try await udhcpc(wire, ["-V", x64, "-x", "0x5d:0007"])
        #expect(starting.hasSuffix("next 10.66.0.2 file shimx64.efi"), "\(starting)")
        #expect(starting.split(separator: " ")[1] == plain.split(separator: " ")[1], "the same card, the same address")
        // A second client gets the second address, a third none.
        let client = WireClient(wire: wire)
        let answers = try await client.discover([("52:54:00:00:00:03", x64, 7, 1)])
        #expect(answers.map(\.server) == ["10.66.0.2"] && answers.allSatisfy { $0.type == 2 && $0.vendor == nil })
        #expect(Set(answers.map(\.yours) + [String(plain.split(separator: " ")[1].dropLast(3))]).count == 2)
        try await client.send([("52:54:00:00:00:04", x64, 7)])
        try await log.line(with: "52:54:00:00:00:04: no answer: all addresses are given, 10.66.0.100 to 10.66.0.101")
        return plain.split(separator: " ")[1].split(separator: "/")[0]
      }
      // A server that was started anew knows nothing, and lets its clients keep what they have.
      try await wire.serve(site.path, pool, wait: nil) { _ in
        let again = try await udhcpc(wire, ["-r", String(first)])
        #expect(again.hasPrefix("bound \(first)/24"), "\(again)")
      }
    }
  }

  @Test func itDoesNotStartBesideAnotherServer() async throws {
    let site = try site()
    try await TestWire.with { [full] wire in
      let words = [try Repository.program("lifeboat").string, "serve", "--site", site.path.string] + full + wire.own
      let failure = try await #require(throws: ExternalCommand.Failure.self) {
        try await wire.command(in: "srv", words).run()
      }
      #expect(failure.message.contains("10.66.0.1 already gives addresses on eth0 (10.66.0.2/24)"), "\(failure)")
      #expect(failure.message.contains("Serve beside it, with --mode proxy"), "\(failure)")
    }
  }

  @Test func itStopsWhenAnotherServerAppears() async throws {
    let site = try site()
    try await TestWire.with { [x64, full] wire in
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      try await wire.serve(site.path, full, wait: nil) { log in
        let client = WireClient(wire: wire)
        let alone = try await client.discover([("52:54:00:00:00:03", x64, 7, 1)])
        #expect(alone.map(\.server) == ["10.66.0.2"])
        try await wire.ip("-n \(wire.namespace("wire")) link set site up")
        // The bridge may need a moment until that port forwards.
        try await wire.until {
          try await client.send([("52:54:00:00:00:05", "", -1)])
          return log.lines.contains { $0.contains("10.66.0.1 answers on eth0; no address is given beside it") }
        }
        let answers = try await client.discover([("52:54:00:00:00:06", x64, 7, 1)])
        #expect(answers.map(\.server) == ["10.66.0.1"], "\(answers)")
        try await log.line(with: "52:54:00:00:00:06: no answer: the DHCP server 10.66.0.1 gives addresses here")
      }
    }
  }

  @Test func anAddressThatSomebodyElseHasRests() async throws {
    let site = try site()
    try await TestWire.with { [full] wire in
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      // A computer with a fixed address in the middle of the pool; udhcpc looks for it by ARP (-a) and declines.
      try await wire.ip("-n \(wire.namespace("other")) address add 10.66.0.100/24 dev eth0")
      try await wire.serve(site.path, full + ["--pool", "10.66.0.100-10.66.0.101"], wait: nil) { log in
        let outcome = try await udhcpc(wire, ["-a", "-r", "10.66.0.100"])
        try await log.line(with: "it says that somebody else has 10.66.0.100; that address rests for 10 min")
        #expect(outcome.hasPrefix("bound 10.66.0.101/24"), "\(outcome)")
      }
    }
  }

  @Test(arguments: [
    (["--pool", "10.66.0.9-10.66.0.8", "--interface", "lo"], "\"10.66.0.9-10.66.0.8\" is not a pool for lo"),
    (["--pool", "10.66.0.9-10.66.0.10", "--interface", "lo"], "127.0.0.0/8 does not have all of these addresses"),
    ([], "name its interface with --interface"), (["--interface", "a", "--interface", "b"], "name its interface"),
  ]) func itIsToldWhatItNeeds(_ words: [String], _ expected: String) async throws {
    let site = try site()
    let outcome = try await Repository.lifeboat(
      ["serve", "--site", site.path.string, "--mode", "full", "--dry-run"] + words)
    #expect(outcome.status == 64 && outcome.errors.contains(expected), "\(outcome)")
  }

  @Test func aPoolGoesWithModeFullAlone() async throws {
    let outcome = try await Repository.lifeboat(["serve", "--site", "/nowhere", "--pool", "10.0.0.1-10.0.0.2"])
    #expect(outcome.status == 64 && outcome.errors.contains("--pool needs --mode full"), "\(outcome)")
  }
}
