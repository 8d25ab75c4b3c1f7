// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// Starts by the loaders that a set has for PXE and iPXE.
extension FirmwareTests {
  @Test(.timeLimit(.minutes(20)), arguments: ["x64", "x86"])
  func iPXEStartsByItsScript(_ architecture: String) async throws {
    let site = try await LabSite.shared.path()
    let computer = Start(
      firmware: .bios, hasPXE: true, hasCPU32Bit: architecture == "x86",
      expected: "\"architecture\":\"\(architecture)\"")
    let lines = try await start(computer, from: site)
    #expect(lines.contains { $0.contains("BIOS, iPXE: offered boot/tier1/boot.ipxe") })
    let kernel = ": boot/tier1/\(architecture)/vmlinuz, "
    #expect(lines.contains { $0.contains("http ") && $0.contains(kernel) }, "\(lines)")
  }

  /// The card's iPXE is treated as a BIOS' PXE where there is no script.
  @Test(
    .timeLimit(.minutes(20)),
    arguments: [
      Start(firmware: .bios, hasPXE: true, expected: #""architecture":"x64""#),
      Start(firmware: .bios, hasPXE: true, hasCPU32Bit: true, expected: #""architecture":"x86""#),
    ])
  func aBIOSStartsByOurGRUB(_ computer: Start) async throws {
    let site = try await LabSite.shared.path()
    try await TemporaryFolder.with { folder in
      let lines = try await start(computer, from: try await Self.withoutScript(site, in: folder))
      #expect(lines.contains { $0.contains("offered boot/tier1/pxe/bios.0 of image tier1") })
      #expect(lines.contains { $0.contains("tftp ") && $0.contains(": boot/tier1/pxe/bios.0, ") }, "\(lines)")
      #expect(lines.contains { $0.contains("http ") && $0.contains("/vmlinuz, ") }, "\(lines)")
      #expect(!lines.contains { $0.contains("there is no \"boot/") }, "\(lines)")
    }
  }

  @Test(.timeLimit(.minutes(20)), arguments: ["x86", "x64"])
  func a32BitUEFIStartsByOurGRUB(_ architecture: String) async throws {
    let site = try await LabSite.shared.path()
    let computer = Start(
      firmware: .uefiIA32, hasPXE: true, hasCPU32Bit: architecture == "x86",
      expected: "\"architecture\":\"\(architecture)\"")
    let lines = try await start(computer, from: site)
    #expect(lines.contains { $0.contains("UEFI IA32, PXE: offered boot/tier1/pxe/ia32.efi of image tier1") })
    let kernel = ": boot/tier1/\(architecture)/vmlinuz, "
    #expect(lines.contains { $0.contains("http ") && $0.contains(kernel) }, "\(lines)")
  }

  /// Beside the site's server, by an answer in the shape of BOOTP: shim and GRUB then look for everything here.
  @Test(.timeLimit(.minutes(20))) func x64PXEStartsUnderSecureBootByTheShadowReply() async throws {
    let site = try await LabSite.shared.path()
    let lines = try await start(
      Start(firmware: .secureBoot, hasPXE: true, expected: #""secureBoot":"enabled""#), from: site,
      ["--shadow", "reply"] + LabSite.tier1)
    expectSignedLoaders(lines)
    #expect(!lines.contains { $0.contains("HTTP boot: offered") }, "\(lines)")
  }

  /// The loaders' dispatcher, or the image's own loader, starts the image that this one computer was given.
  @Test(
    .timeLimit(.minutes(20)),
    arguments: [
      Start(firmware: .uefi, hasPXE: true, expected: #""secureBoot":"disabled""#),
      Start(firmware: .bios, hasPXE: true, expected: #""firmware":"bios""#),
    ])
  func anAssignedImageIsStarted(_ computer: Start) async throws {
    let site = try await LabSite.shared.path()
    try await TemporaryFolder.with { folder in
      let policy = folder.appending("policy.toml")
      let text = """
        lifeboat-serve = 1
        image = "tier1"
        shadow = "reply"
        [[assign]]
        image = "tier2"
        mac = "52:54:00:12:34:56"

        """
      try AtomicFile.write(Array(text.utf8), to: policy)
      let copy = try await Self.withoutScript(site, in: folder)
      let lines = try await start(computer, from: copy, ["--policy", policy.string])
      let loader = computer.firmware == .bios ? "bios.0" : "shimx64.efi"
      #expect(lines.contains { $0.contains("offered boot/tier2/pxe/\(loader) of image tier2") }, "\(lines)")
      #expect(lines.contains { $0.contains("boot/tier2/x64/vmlinuz, ") }, "\(lines)")
      #expect(!lines.contains { $0.contains("boot/tier1/") && $0.contains(" in ") }, "\(lines)")
    }
  }

  /// The site's own server has the lines that `serve` prints for it; under Secure Boot the signed loaders then come by
  /// TFTP alone.
  @Test(
    .timeLimit(.minutes(20)),
    arguments: [
      Start(firmware: .secureBoot, hasPXE: true, expected: #""secureBoot":"enabled""#),
      Start(firmware: .bios, hasPXE: true, expected: #""firmware":"bios""#),
      Start(firmware: .uefi, hasPXE: false, expected: #""secureBoot":"disabled""#),
    ])
  func aComputerStartsWhereTheSitePointsHere(_ computer: Start) async throws {
    let site = try await LabSite.shared.path()
    try await TestWire.with { wire in
      try await wire.makeTap()
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      try await wire.ip("-n \(wire.namespace("wire")) address add 10.66.0.4/24 dev bridge")
      try await wire.serve(site, ["--mode", "site"] + LabSite.tier1) { log in
        let settings = wire.scratch.appending("settings")
        let lines = log.lines.drop { !$0.hasPrefix("For dnsmasq") }.dropFirst().prefix { $0.hasPrefix("  ") }
        try AtomicFile.write(Array(lines.joined(separator: "\n").utf8), to: settings)
        let server = [
          "dnsmasq", "--keep-in-foreground", "--conf-file=\(settings)", "--port=0", "--no-ping", "--user=root",
          "--pid-file=", "--dhcp-range=10.66.0.200,10.66.0.210,255.255.255.0,1h", "--log-facility=-",
          "--dhcp-leasefile=\(wire.scratch.appending("more-leases"))", "--dhcp-authoritative",
        ]
        try await wire.serving("wire", server, until: "DHCP, IP range") { _ in
          let line = try await wire.run(computer) { try await $0.line(with: "LIFEBOAT-READY ") }
          #expect(line.contains(computer.expected), "\(line)")
        }
        if computer.firmware == .secureBoot { expectSignedLoaders(log.lines) }
      }
    }
  }

  /// Beside the site's server, which knows nothing of us.
  /// - Returns: what the service said.
  private func start(
    _ computer: Start, from site: FilePath, _ options: [String] = LabSite.tier1
  ) async throws -> [String] {
    try await TestWire.with { wire in
      try await wire.makeTap()
      return try await wire.serve(site, options) { log in
        let line = try await wire.run(computer) { try await $0.line(with: "LIFEBOAT-READY ") }
        #expect(line.contains(computer.expected), "\(line)")
        return log.lines
      }
    }
  }

  /// All that the signed loaders load comes by TFTP; what they merely ask for is refused.
  private func expectSignedLoaders(_ lines: [String]) {
    for name in [
      "pxe/shimx64.efi", "grubx64.efi", "grub/grub.cfg", "pxe/grub.cfg", "x64/vmlinuz", "x64/initrd.img",
    ] {
      #expect(lines.contains { $0.contains("tftp ") && $0.contains("\(name), ") }, "\(name)")
    }
    #expect(lines.contains { $0.contains("there is no \"") && $0.contains("revocations_sku.efi\"") }, "\(lines)")
  }

  /// A copy of a site whose image has no script for iPXE.
  private static func withoutScript(_ site: FilePath, in folder: FilePath) async throws -> FilePath {
    let copy = folder.appending("site")
    try await ExternalCommand("cp", ["-a", site.string, copy.string]).run()
    let set = try await Site(at: copy).current()
    var index = set.index
    for number in index.images.indices { index.images[number].entries["ipxe"] = nil }
    try AtomicFile.write(try index.encoded(), to: copy.appending("sets/\(index.number)/index.json"))
    return copy
  }
}
