// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// `serve --dry-run` says everything that would be opened and given.
@Suite(.timeLimit(.minutes(5))) struct DryRunTests {
  private struct Plan: Decodable {
    struct Port: Decodable { var transport: String, number: Int }
    struct Object: Decodable { var name: String, size: Int, digest: String, type: String }
    struct Client: Decodable { var kind: String }
    var set: Int
    var ports: [Port]
    var objects: [Object]
    var clients: [Client]
  }

  @Test(arguments: [true, false]) func everyPortObjectAndKindIsSaid(_ isProxy: Bool) async throws {
    let site = try TestSite()
    let (disk, layer) = (TestSite.bytes(2_000_000), TestSite.bytes(1500, seed: 2))
    try site.publish(
      3,
      [
        .init(name: "layers/base", bytes: layer),
        .init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso"),
      ], entries: ["uefi-http": "boot/demo.iso"], layers: ["layers/base"])
    let words = [
      "serve", "--site", site.path.string, "--interface", "lo", "--http-port", "8080", "--dry-run", "--mode",
      isProxy ? "proxy" : "site",
    ]
    let text = try await Repository.lifeboat(words)
    #expect(text.status == 0 && text.lines.contains("interface lo, address 127.0.0.1 in 127.0.0.0/8"), "\(text)")
    let dhcp = [
      "port UDP 67: DHCP, as a proxy", "port UDP 68: what other DHCP servers broadcast, overheard",
    ]
    #expect(
      text.lines.filter { $0.hasPrefix("port ") } == [
        "port TCP 8080: HTTP", "port UDP 69: TFTP, and a port for each transfer",
      ] + (isProxy ? dhcp : []) + ["port UDP 4011: PXE boot server"])
    #expect(
      text.lines.filter { $0.hasPrefix("object ") } == [
        "object boot/demo.iso, 2.0 MB, application/vnd.efi-iso, sha256 \(Digest(of: disk).short)",
        "object layers/base, 1.5 kB, application/octet-stream, sha256 \(Digest(of: layer).short)",
      ])
    let json = try await Repository.lifeboat(words + ["--json"])
    let plan = try JSONDecoder().decode(Plan.self, from: Data(json.output.utf8))
    #expect(plan.set == 3)
    let ports = plan.ports.map { "\($0.transport) \($0.number)" }
    #expect(ports == ["TCP 8080", "UDP 69"] + (isProxy ? ["UDP 67", "UDP 68"] : []) + ["UDP 4011"])
    #expect(plan.objects.map(\.name) == ["boot/demo.iso", "layers/base"])
    #expect(plan.objects.map(\.size) == [2_000_000, 1500] && plan.objects[1].digest == Digest(of: layer).hex)
    #expect(
      plan.clients.map(\.kind).sorted() == [
        "bios-ipxe", "bios-pxe", "uefi-ia32-http", "uefi-ia32-ipxe", "uefi-ia32-pxe", "uefi-x64-http", "uefi-x64-ipxe",
        "uefi-x64-pxe",
      ])
  }
}
