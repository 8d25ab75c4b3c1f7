// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import TestSupport
import Testing
import TrialMachine

extension FirmwareTests {
  private static let secureBoot = "\"secureBoot\":\"enabled\""

  /// PXE with Secure Boot on, beside a DHCP server that is not touched: shim and the signed GRUB come by TFTP.
  @Test(.timeLimit(.minutes(10)), arguments: ["reply", "commit"])
  func aComputerStartsByTheShadowReply(_ shadow: String) async throws {
    let site = try await LabSite.shared.path()
    let start = Start(firmware: .secureBoot, hasPXE: true, expected: Self.secureBoot)
    try await TestWire.with { wire in
      try await wire.makeTap()
      try await wire.serve(site, ["--shadow", shadow] + LabSite.tier1) { log in
        let line = try await wire.run(start) { machine in try await machine.line(with: "LIFEBOAT-READY ") }
        #expect(line.contains(start.expected), "\(line)")
        #expect(
          log.lines.contains { $0.contains("UEFI x64, PXE: offered") && $0.contains("with the address 10.66.0.1") })
        #expect(!log.lines.contains { $0.contains("HTTP boot: offered") }, "\(log.lines)")
        #expect(log.lines.contains { $0.contains(" in its name") } == (shadow == "commit"), "\(log.lines)")
      }
    }
  }

  /// On a wire without any other DHCP server: address and boot file come in one packet.
  @Test(.timeLimit(.minutes(10)), arguments: [true, false])
  func aComputerStartsInModeFull(_ hasPXE: Bool) async throws {
    let site = try await LabSite.shared.path()
    let start = Start(firmware: .secureBoot, hasPXE: hasPXE, expected: Self.secureBoot)
    try await TestWire.with { wire in
      try await wire.makeTap()
      try await wire.ip("-n \(wire.namespace("wire")) link set site down")
      try await wire.serve(site, ["--mode", "full", "--interface", "eth0"] + LabSite.tier1) { log in
        let line = try await wire.run(start) { machine in try await machine.line(with: "LIFEBOAT-READY ") }
        #expect(line.contains(start.expected), "\(line)")
        let kind = hasPXE ? "UEFI x64, PXE" : "UEFI x64, HTTP boot"
        for word in ["offered", "given"] {
          #expect(log.lines.contains { $0.contains(" \(word); \(kind): offered") }, "\(log.lines)")
        }
      }
    }
  }
}
