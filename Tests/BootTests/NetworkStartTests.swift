// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// The disk that firmware would load from the network starts, and its second stage fetches the rest, or says why not.
@Suite(
  .serialized, .enabled(if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1", "set LIFEBOAT_BOOT_TESTS=1 to boot"),
  .enabled(if: NetworkLab.isPossible, "needs root, iproute2, busybox and python3"))
struct NetworkStartTests {
  /// Publishes the demo, and hands over the site, its index and a laboratory.
  private func withSite(_ body: (Site, SetIndex, NetworkLab) async throws -> Void) async throws {
    let medium = try await DemoMedium.shared.path()
    try await TemporaryFolder.with { folder in
      let site = Site(at: folder.appending("site"))
      let done = try await site.publish([medium], as: .unsigned, servers: NetworkLab.servers)
      try await body(site, done.index, NetworkLab(folder))
    }
  }

  private func machine(
    _ site: Site, _ index: SetIndex, _ firmware: TrialMachine.Firmware, memory: Int64 = 1024, cpu32: Bool = false
  ) throws -> TrialMachine {
    let disk = try #require(index.objects.first { $0.name == "boot/tier1.iso" })
    return TrialMachine(
      medium: site.path(of: disk), firmware: firmware, memory: .mebibytes(memory), hasCPU32Bit: cpu32)
  }

  private static let end: @Sendable (String) -> Bool = {
    $0.contains(ReadyLine.mark) || $0.contains("LIFEBOAT-NETWORK FAILED")
  }

  @Test(arguments: [TrialMachine.Firmware.secureBoot, .uefiIA32]) func starts(_ firmware: TrialMachine.Firmware)
    async throws
  {
    let cpu32 = firmware == .uefiIA32
    try await withSite { site, index, lab in
      try lab.serve(site, index)
      let lines = try await lab.start(
        machine(site, index, firmware, cpu32: cpu32), limit: .seconds(600), until: Self.end)
      let ready = try ReadyLine(try #require(lines.last))
      let architecture = cpu32 ? "x86" : "x64"
      let medium = try #require(index.images.first?.media[architecture])
      #expect(ready.image == "tier1" && ready.architecture == architecture && ready.id == medium.identifier)
      #expect(ready.medium == "network")
      // The initial RAM file system leaves no network behind; the same question is answered while it is at work, below.
      #expect(lines.first != NetworkLab.reachable)
      #expect(ready.secureBoot == (cpu32 ? "disabled" : "enabled"))
      // The record came along, and says of each layer what was fetched.
      #expect(Set(ready.layers.values.map { "layers/\($0).squashfs" }) == Set(medium.layers))
      #expect(lab.requests.contains("GET /\(medium.layers[0])"))
    }
  }

  @Test func aWrongByteStopsIt() async throws {
    try await withSite { site, index, lab in
      let layer = try #require(index.images.first?.media["x64"]?.layers[1])
      try lab.serve(site, index) { object in
        guard object.name == layer else { return nil }
        var bytes = try FileTree.bytes(of: site.path(of: object))
        bytes[bytes.count / 2] ^= 1
        return bytes
      }
      let lines = try await lab.start(machine(site, index, .uefi), limit: .seconds(600)) {
        $0.contains(ReadyLine.mark) || $0.contains("restarts in")
      }
      #expect(lines.first == NetworkLab.reachable)
      let text = lines.joined(separator: "\n")
      #expect(text.contains("LIFEBOAT-NETWORK FAILED wrong 20-tools.squashfs"))
      #expect(text.contains("What the boot server sent as 20-tools.squashfs is not what was published."))
      #expect(text.contains("The computer restarts in"))
      #expect(!text.contains(ReadyLine.mark))
    }
  }

  /// Too little memory for the layers: they stay on the server by themselves.
  @Test func shortMemoryIsEnough() async throws {
    try await withSite { site, index, lab in
      var lab = lab
      lab.knowsRanges = true
      try lab.serve(site, index)
      let lines = try await lab.start(
        machine(site, index, .uefi, memory: 400), limit: .seconds(600), until: Self.end)
      #expect(lines.contains { $0.contains("LIFEBOAT-NETWORK ok streamed") })
      #expect(try ReadyLine(try #require(lines.last)).medium == "network-streamed")
    }
  }
}
