// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// What `--check` and the start say about a set and a wire that do not fit the service.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct CheckTests {
  private func site(_ servers: [String] = ["http://10.66.0.2"]) throws -> TestSite {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/demo.iso", bytes: [1]), .init(name: "boot/demo/pxe/bios.0", bytes: [2])],
      entries: ["uefi-http": "boot/demo.iso", "bios-pxe": "boot/demo/pxe/bios.0"], servers: servers)
    return site
  }

  private func check(_ wire: TestWire, _ site: TestSite, _ options: [String] = []) async throws -> String {
    let program = try Repository.program("lifeboat").string
    return try await wire.command(
      in: "srv", [program, "serve", "--site", site.path.string, "--check", "--wait", "2"] + options
    ).text()
  }

  /// Started computers look for the rest at the addresses that were built in when the set was published.
  @Test func aSetOfAnotherAddressIsSaidWithWhatToDo() async throws {
    let site = try site(["http://192.0.2.10"])
    try await TestWire.with { wire in
      let text = try await check(wire, site)
      #expect(
        text.contains("look for the rest of the image at http://192.0.2.10, and this service is at http://10.66.0.2:"))
      #expect(text.contains("Publish the media again with --server http://10.66.0.2."), "\(text)")
      #expect(text.contains("  Only if http://192.0.2.10 leads to this server.\n"), "\(text)")
      try await wire.serve(site.path) { log in
        try await log.line(with: "set: started computers look for the rest of the image at http://192.0.2.10")
        // A set for this service ends it.
        try site.publish(
          2, [.init(name: "boot/demo.iso", bytes: [1])], entries: ["uefi-http": "boot/demo.iso"])
        try await log.line(with: "set: started computers find this service at http://10.66.0.2 again")
      }
    }
  }

  @Test func anotherPortIsSaidWithTheOption() async throws {
    let site = try site()
    try await TestWire.with { wire in
      let text = try await check(wire, site, ["--http-port", "8080"])
      #expect(text.contains("and this service is at http://10.66.0.2:8080: unless"), "\(text)")
      #expect(
        text.contains("Serve with --http-port 80, or publish the media again with --server http://10.66.0.2:8080."))
      #expect(try await !check(wire, site).contains("take care"))
    }
  }

  @Test func anAddressThatChangesWhileItRunsIsSaid() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serve(site.path) { log in
        #expect(!log.lines.contains { $0.contains("this service is at") }, "\(log.lines)")
        let server = wire.namespace("srv")
        try await wire.ip("-n \(server) address del 10.66.0.2/24 dev eth0")
        try await wire.ip("-n \(server) address add 10.66.0.7/24 dev eth0")
        try await log.line(with: "at http://10.66.0.2, and this service is at http://10.66.0.7: unless")
        // The built-in address need not be the first one.
        try await wire.ip("-n \(server) address add 10.66.0.2/24 dev eth0")
        try await log.line(with: "started computers find this service at http://10.66.0.2 again")
      }
    }
  }

  @Test func aComputerThatAsksTooOftenIsTold() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.serve(site.path) { log in
        let card = "52:54:00:00:00:05"
        let once = (mac: card, vendor: "HTTPClient:Arch:00016:UNDI:003000", architecture: 16)
        try await WireClient(wire: wire).send(Array(repeating: once, count: 40))
        try await log.line(with: "\(card): no answer: it asks too often, or all together do")
      }
    }
  }

  /// Of two boot servers each may serve one kind of client alone.
  @Test func aBootServerForOneKindOfClientIsFound() async throws {
    let site = try site()
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("other")) address add 10.66.0.9/24 dev eth0")
      let words = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=",
        "--dhcp-range=10.66.0.210,10.66.0.220,255.255.255.0,1h", "--no-ping", "--log-facility=-",
        "--dhcp-match=set:bios,option:client-arch,0", "--dhcp-boot=tag:bios,other.0,,10.66.0.8",
        "--dhcp-option=tag:bios,150,10.66.0.5", "--dhcp-leasefile=\(wire.scratch.appending("more-leases"))",
      ]
      try await wire.serving("other", words, until: "DHCP, IP range") { _ in
        let text = try await check(wire, site)
        #expect(
          text.contains(
            """
              10.66.0.9 (boot), offers an address, boot file other.0
                to BIOS, PXE
                option 67 or file, other.0: the boot file: it goes first
                siaddr, 10.66.0.8: where firmware loads the boot file from
                option 150, 10.66.0.5: TFTP servers for telephones, which firmware ignores

            """), "\(text)")
        #expect(text.contains("10.66.0.9 names boot files here"), "\(text)")
      }
    }
  }

  /// In mode `site` all depends on what the site's server was told.
  @Test func modeSiteComparesWithThePrintedSettings() async throws {
    let site = try site()
    try await TestWire.with { wire in
      let plain = try await check(wire, site, ["--mode", "site"])
      #expect(
        plain.contains("UEFI x64, HTTP boot is not sent here: 10.66.0.1 names no boot file (file, option 67)\n"),
        "\(plain)")
      #expect(plain.contains("Not every kind of client is sent here"), "\(plain)")
      let program = try Repository.program("lifeboat").string
      let printed = try await wire.command(
        in: "srv", [program, "serve", "--site", site.path.string, "--mode", "site", "--dry-run"]
      ).text()
      let lines = printed.split(separator: "\n").drop { !$0.hasPrefix("For dnsmasq") }.dropFirst()
        .prefix { $0.hasPrefix("  ") }
      let settings = wire.scratch.appending("settings")
      try AtomicFile.write(Array(lines.joined(separator: "\n").utf8), to: settings)
      try await wire.ip("-n \(wire.namespace("other")) address add 10.66.0.4/24 dev eth0")
      let second = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=\(settings)", "--port=0", "--no-ping", "--user=root",
        "--pid-file=", "--dhcp-range=10.66.0.200,10.66.0.210,255.255.255.0,1h", "--log-facility=-",
        "--dhcp-leasefile=\(wire.scratch.appending("more-leases"))",
      ]
      try await wire.serving("other", second, until: "DHCP, IP range") { _ in
        let told = try await check(wire, site, ["--mode", "site"])
        let here = "is sent here: 10.66.0.4 names"
        #expect(told.contains("UEFI x64, HTTP boot \(here) http://10.66.0.2/boot/demo.iso\n"), "\(told)")
        #expect(told.contains("BIOS, PXE \(here) boot/demo/pxe/bios.0\n"), "\(told)")
        #expect(!told.contains("is not sent here") && told.contains("Nothing is in the way."), "\(told)")
      }
    }
  }
}
