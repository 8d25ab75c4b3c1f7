// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// Thirty computers that start at once, by the clients of the benchmark (`Benchmarks/network/clients.py`).
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct ManyClientsTests {
  private struct Answer: Decodable {
    var served: Int
    var failures: [String]
    var bytes: Int
    var slowestWhenFirstWasDone: Double?
  }

  @Test(arguments: [["http", "boot/demo.iso", "layers/base"], ["tftp", "boot/loader", "boot/kernel"]])
  func everybodyIsServedAndFairly(_ words: [String]) async throws {
    let files = [
      "boot/demo.iso": TestSite.bytes(6_000_000), "layers/base": TestSite.bytes(2_000_000, seed: 2),
      "boot/loader": TestSite.bytes(60_000, seed: 3), "boot/kernel": TestSite.bytes(300_000, seed: 4),
    ]
    let (site, folder) = (try TestSite(), try TemporaryFolder())
    try site.publish(
      1, files.sorted { $0.key < $1.key }.map { .init(name: $0.key, bytes: $0.value) },
      entries: ["uefi-http": "boot/demo.iso", "uefi-ia32-pxe": "boot/loader"])
    for (name, bytes) in files { try folder.write(name, bytes) }
    let answer = try await TestWire.with { wire in
      // 30 addresses: all of this network are the client's.
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      try await wire.ip("-n \(wire.namespace("client")) route add local 10.66.0.32/27 dev lo table local")
      return try await wire.serve(site.path) { _ in
        let clients = Repository.path("Benchmarks/network/clients.py").string
        let command = wire.command(
          in: "client", ["python3", clients, "10.66.0.2", "10.66.0.32", "30", folder.path.string] + words)
        return try JSONDecoder().decode(Answer.self, from: Data(try await command.output()))
      }
    }
    #expect(answer.served == 30 && answer.failures.isEmpty, "\(answer)")
    #expect(answer.bytes == 30 * words.dropFirst().reduce(0) { $0 + (files[$1]?.count ?? 0) })
    // Each has its share: on a busy machine the last one has had 75 to 94 % when the first one has everything.
    #expect(answer.slowestWhenFirstWasDone ?? 0 > 0.5, "\(answer)")
  }
}
