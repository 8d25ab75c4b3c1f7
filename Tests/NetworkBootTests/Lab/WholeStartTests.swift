// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBoot
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// Starts of computers that have little memory, that wait for somebody, or that other servers than this one start.
extension FirmwareTests {
  /// Firmware keeps the start disk in memory for good, so less is left than after a start from a disc. Where that is too
  /// little for the layers, they stay on the server.
  @Test(.timeLimit(.minutes(20)), arguments: [(1024, "network"), (512, "network-streamed")])
  func littleMemoryIsEnough(_ mebibytes: Int64, _ medium: String) async throws {
    let site = try await LabSite.shared.path()
    let computer = Start(
      firmware: .secureBoot, hasPXE: false, memory: .mebibytes(mebibytes), expected: #""secureBoot":"enabled""#)
    try await TestWire.with { wire in
      try await wire.makeTap()
      try await wire.serve(site, LabSite.tier1) { log in
        let line = try await wire.run(computer) { try await $0.line(with: "LIFEBOAT-READY ") }
        #expect(line.contains(computer.expected) && line.contains("\"medium\":\"\(medium)\""), "\(line)")
        #expect(log.lines.contains { $0.contains("HTTP boot: offered boot/tier1.iso of image tier1") })
      }
    }
  }

  /// Asks with the image that its place has, is given another one while it waits, and starts again with that one.
  @Test(.timeLimit(.minutes(30))) func itWaitsForApprovalAndStartsAgainWithAnotherImage() async throws {
    let site = try await LabSite.shared.path()
    let computer = Start(firmware: .uefi, hasPXE: false, expected: #""secureBoot":"disabled""#)
    try await TestWire.with { wire in
      try await wire.makeTap()
      let policy = wire.scratch.appending("policy.toml")
      let text = """
        lifeboat-serve = 1
        answer = "approve"
        image = "tier1"
        [[assign]]
        image = "tier2"
        interface = "eth0"

        """
      try AtomicFile.write(Array(text.utf8), to: policy)
      try await wire.serve(site, ["--policy", policy.string]) { log in
        let line = try await wire.run(computer) { serial in
          let number = try await serial.line(with: "LIFEBOAT-NETWORK waiting ").filter(\.isNumber)
          let waiting = try await wire.clients("list")
          #expect(waiting.lines.contains { $0.hasPrefix(number) && $0.contains("waiting  tier2") }, "\(waiting)")
          try await log.line(with: "waits with the number \(number) on its screen")
          // Whether the server answers is asked with the smallest layer, which has some kB.
          #expect(!log.lines.contains { $0.contains(".squashfs, ") && $0.contains(" MB in ") }, "\(log.lines)")
          let assigned = try await wire.clients("assign", "52:54:00:12:34:56", "tier1")
          #expect(assigned.status == 0, "\(assigned)")
          let approved = try await wire.clients("approve", number)
          #expect(approved.output == "52:54:00:12:34:56 is known from now on\n", "\(approved)")
          return try await serial.line(with: "LIFEBOAT-READY ")
        }
        #expect(line.contains(computer.expected) && line.contains(#""image":"tier1""#), "\(line)")
        for image in ["tier2", "tier1"] {
          #expect(log.lines.contains { $0.contains("HTTP boot: offered boot/\(image).iso of image \(image)") })
        }
        let ready = try await wire.clients("list")
        #expect(ready.lines.contains { $0.contains("52:54:00:12:34:56") && $0.contains("ready  tier1") }, "\(ready)")
      }
    }
  }

  /// Nothing of Lifeboat runs on the server: an export, nginx, and dnsmasq with the settings that are in it.
  @Test(
    .timeLimit(.minutes(20)), .enabled(if: Tool.isInstalled("nginx"), "nginx is not installed"))
  func nginxAndDnsmasqStartAComputerFromAnExport() async throws {
    let site = try await LabSite.shared.path()
    let computer = Start(firmware: .secureBoot, hasPXE: false, expected: #""secureBoot":"enabled""#)
    let folder = try TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    try FileTree.setPermissions(folder.path, 0o755)
    let export = folder.appending("out")
    let made = try await Repository.lifeboat(
      ["export", "netboot", "--site", site.string, "--to", export.string] + LabSite.tier1)
    try #require(made.status == 0, "\(made)")
    try await TestWire.with { wire in
      try await wire.makeTap()
      try await wire.withNginx(export) {
        try await wire.withExportedDnsmasq(export) { _ in
          let line = try await wire.run(computer) { try await $0.line(with: "LIFEBOAT-READY ") }
          #expect(line.contains(computer.expected) && line.contains(#""medium":"network""#), "\(line)")
        }
      }
    }
  }
}

extension TestWire {
  /// Runs `lifeboat clients` for the service in the namespace `srv`.
  func clients(_ words: String...) async throws -> Tool.Outcome {
    try await Repository.lifeboat(["clients"] + words + ["--admin", admin.string])
  }
}
