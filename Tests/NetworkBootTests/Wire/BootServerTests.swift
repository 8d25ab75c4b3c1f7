// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Our port 4011, where firmware asks that was told no boot file by its offer.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct BootServerTests {
  private let bios = (mac: "52:54:00:00:00:02", vendor: "PXEClient:Arch:00000:UNDI:002001", architecture: 0, answers: 2)
  private let ia32 = (mac: "52:54:00:00:00:06", vendor: "PXEClient:Arch:00006:UNDI:003016", architecture: 6, answers: 2)

  @Test(arguments: ["offer", "boot-server"]) func theFileIsToldWhereThePolicySays(_ naming: String) async throws {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/bios.0", bytes: [1]), .init(name: "boot/ia32.efi", bytes: [2])],
      entries: ["bios-pxe": "boot/bios.0", "uefi-ia32-pxe": "boot/ia32.efi"])
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      let policy = wire.scratch.appending("policy.toml")
      try AtomicFile.write(Array("lifeboat-serve = 1\nnaming = \"\(naming)\"\n".utf8), to: policy)
      try await wire.serve(site.path, ["--policy", policy.string]) { log in
        let client = WireClient(wire: wire)
        let offers = try await client.discover([bios, ia32]).filter { $0.server == "10.66.0.2" }
        let told = Dictionary(offers.map { ($0.mac, $0.file) }) { first, _ in first }
        // A BIOS is told at once: its ROMs do not all ask again.
        #expect(told == [bios.mac: "boot/bios.0", ia32.mac: naming == "offer" ? "boot/ia32.efi" : ""], "\(offers)")
        for (who, file) in [(bios, "boot/bios.0"), (ia32, "boot/ia32.efi")] {
          let answers = try await client.askBootServer(
            "10.66.0.2", from: "10.66.0.9", mac: who.mac, vendor: who.vendor, architecture: who.architecture)
          let answer = try #require(answers.first)
          #expect(answer.type == 5 && answer.file == file && answer.vendor == "PXEClient", "\(answer)")
          #expect(answer.source == "10.66.0.2:4011" && answer.server == "10.66.0.2", "\(answer)")
          #expect(answer.next == "10.66.0.2" && answer.yours == "0.0.0.0", "\(answer)")
        }
        try await log.line(with: "\(ia32.mac): UEFI IA32, PXE: offered boot/ia32.efi")
      }
    }
  }
}
