// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// Real firmware starts from the real program: OVMF in QEMU on a tap, beside dnsmasq as the site's DHCP server.
@Suite(
  .serialized, .enabled(if: LabSite.isWanted, "set LIFEBOAT_NETWORK_LAB (make lab-test)"),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct FirmwareTests {
  /// How a computer starts, and what it has to say about it.
  struct Start: Sendable, CustomTestStringConvertible {
    var firmware: TrialMachine.Firmware
    /// Whether the firmware's PXE is left on, so that its first try is ours to end, or to answer.
    var hasPXE: Bool
    var hasCPU32Bit = false
    var memory = ByteCount.mebibytes(2048)
    var expected: String
    var testDescription: String {
      "\(firmware.rawValue)\(hasPXE ? ", PXE first" : "")\(hasCPU32Bit ? ", 32-bit processor" : ""), \(memory)"
    }
  }

  @Test(
    .timeLimit(.minutes(20)),
    arguments: [
      Start(firmware: .secureBoot, hasPXE: false, expected: "\"secureBoot\":\"enabled\""),
      Start(firmware: .uefiIA32, hasPXE: false, expected: "\"firmware\":\"uefi32\""),
      Start(firmware: .secureBoot, hasPXE: true, expected: "\"secureBoot\":\"enabled\""),
    ])
  func aComputerStartsTheImage(_ start: Start) async throws {
    let site = try await LabSite.shared.path()
    try await TestWire.with { wire in
      try await wire.makeTap()
      try await wire.serve(site, LabSite.tier1) { log in
        let line = try await wire.run(start) { machine in try await machine.line(with: "LIFEBOAT-READY ") }
        #expect(line.contains(start.expected), "\(line)")
        #expect(log.lines.contains { $0.contains("HTTP boot: offered boot/tier1.iso of image tier1") })
        #expect(log.lines.contains { $0.contains("boot/tier1.iso, ") && $0.contains(" in ") })
        #expect(
          log.lines.contains { $0.contains("sent on to its HTTP boot entry") } == start.hasPXE, "\(log.lines)")
      }
    }
  }
}

/// The demo's two images as a site, built and published by the real command: `tier1` for x64 and x86, and `tier2` for x64
/// alone.
actor LabSite {
  static let shared = LabSite()
  /// For a service without a policy, which has to be told which of the two it is.
  static let tier1 = ["--image", "tier1"]
  static var isWanted: Bool { HostEnvironment["LIFEBOAT_NETWORK_LAB"] != nil }
  private var building: Task<FilePath, any Error>?

  /// The site's folder; made once in a process.
  func path() async throws -> FilePath {
    let task = building ?? Task { try await Self.build() }
    building = task
    return try await task.value
  }

  private static func build() async throws -> FilePath {
    let folder = TemporaryFolder.untilExit("netlab")
    // Address space randomisation makes every start of a program a new translation for the emulator.
    let manifest = try FileTree.text(of: Repository.path("Fixtures/manifests/rescue.toml"))
      .replacing("[defaults]\n", with: "[defaults]\nkernel-arguments = [\"norandmaps\"]\n")
    try AtomicFile.write(Array(manifest.utf8), to: folder.appending("rescue.toml"))
    for (image, architecture) in [("tier1", "x64"), ("tier1", "x86"), ("tier2", "x64")] {
      let built = try await TestCache.shared.alone { cache in
        try await Repository.lifeboat(
          [
            "build", "rescue.toml", "--image", image, "--arch", architecture, "--allow-incomplete-suites", "-o", ".",
          ], in: folder, environment: ["XDG_CACHE_HOME": cache.string])
      }
      try #require(built.status == 0, "\(built)")
    }
    let published = try await Repository.lifeboat(
      ["publish", ".", "--site", "site", "--unsigned", "--server", "http://10.66.0.2"], in: folder)
    try #require(published.status == 0, "\(published)")
    return folder.appending("site")
  }
}

extension TestWire {
  /// Puts a tap for a virtual computer on the bridge.
  func makeTap() async throws {
    let wire = namespace("wire")
    try await ip("-n \(wire) tuntap add tap0 mode tap")
    try await ip("-n \(wire) link set tap0 master bridge up")
  }

  /// Runs a computer that has nothing to start from but the network.
  func run<Result: Sendable>(
    _ start: FirmwareTests.Start, _ body: @escaping @Sendable (WireLog) async throws -> Result
  ) async throws -> Result {
    let blank = scratch.appending("blank")
    try AtomicFile.write([UInt8](repeating: 0, count: 1 << 20), to: blank)
    var machine = TrialMachine(
      medium: blank, firmware: start.firmware, memory: start.memory, hasCPU32Bit: start.hasCPU32Bit,
      console: .output, hasNetwork: false)
    // QEMU's own iPXE is the card's ROM by default. A BIOS starts by it; it gets in the way of UEFI's own network.
    let rom = start.firmware == .bios ? "" : ",romfile="
    machine.extraArguments = [
      "-netdev", "tap,id=network,ifname=tap0,script=no,downscript=no", "-device",
      "virtio-net-pci,netdev=network,bootindex=1\(rom)",
    ]
    if start.firmware != .bios {
      let off = start.hasPXE ? ["IPv6PXESupport"] : ["IPv4PXESupport", "IPv6PXESupport"]
      machine.extraArguments += off.flatMap { ["-fw_cfg", "name=opt/org.tianocore/\($0),string=n"] }
    }
    let command = try machine.command()
    return try await serving("wire", [command.program] + command.arguments, until: "", body)
  }
}
