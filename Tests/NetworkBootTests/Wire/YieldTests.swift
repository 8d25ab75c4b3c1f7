// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The real program beside other servers that start computers.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct YieldTests {
  private let http16 = "HTTPClient:Arch:00016:UNDI:003000"

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: [1])], entries: ["uefi-http": "boot/demo.iso"])
    return site
  }

  @Test func aBootServerThatIsThereGoesFirst() async throws {
    let site = try site()
    try await TestWire.with { [http16] wire in
      try await wire.rival { _ in
        try await wire.serve(site.path, wait: 2) { log in
          let words = "  10.66.0.9 says by option 60 that it boots computers, without a boot file"
          #expect(log.lines.contains("\(words), so this server offers nothing beside it."), "\(log.lines)")
          #expect(log.lines.contains("UEFI x64, HTTP boot: silent"), "\(log.lines)")
          let answers = try await WireClient(wire: wire).discover([("52:54:00:00:00:05", http16, 16, 1)])
          #expect(answers.map(\.server) == ["10.66.0.1"], "\(answers)")
          try await log.line(with: "no answer: the boot server 10.66.0.9 boots machines here and has priority")
        }
      }
    }
  }

  @Test func aBootServerThatAppearsIsNoticed() async throws {
    let site = try site()
    try await TestWire.with { [http16] wire in
      try await wire.serve(site.path) { log in
        let client = WireClient(wire: wire)
        let before = try await client.discover([("52:54:00:00:00:05", http16, 16, 2)])
        #expect(before.contains { $0.server == "10.66.0.2" }, "\(before)")
        try await wire.rival { _ in
          try await client.send([("52:54:00:00:00:06", "PXEClient:Arch:00007:UNDI:003016", 7)])
          try await log.line(with: "the boot server 10.66.0.9 answers on eth0; nothing is offered beside it")
          try await client.send([("52:54:00:00:00:07", http16, 16)])
          try await log.line(with: "52:54:00:00:00:07: no answer: the boot server 10.66.0.9 boots machines here")
          #expect(log.lines.filter { $0.contains("nothing is offered beside it") }.count == 1, "told once")
        }
      }
    }
  }

  /// Whichever was there first, the one with the lower address answers.
  @Test(arguments: [true, false]) func ofTwoLifeboatsOneAnswers(_ lowerIsFirst: Bool) async throws {
    let site = try site()
    try await TestWire.with { [http16] wire in
      try await wire.ip("-n \(wire.namespace("other")) address add 10.66.0.3/24 dev eth0")
      let order = lowerIsFirst ? ["srv", "other"] : ["other", "srv"]
      try await wire.serve(site.path, in: order[0]) { first in
        try await wire.serve(site.path, in: order[1], wait: 2) { second in
          let client = WireClient(wire: wire)
          // The one that was there first has not heard the other yet.
          _ = try await client.discover([("52:54:00:00:00:05", http16, 16, 2)])
          let higher = lowerIsFirst ? second : first
          let words =
            lowerIsFirst ? "its address is lower, so this one keeps silent" : "another Lifeboat, 10.66.0.2, answers"
          try await higher.line(with: words)
          let answers = try await client.discover([("52:54:00:00:00:06", http16, 16, 2)])
          #expect(answers.map(\.server).sorted() == ["10.66.0.1", "10.66.0.2"], "\(answers)")
          try await higher.line(with: "52:54:00:00:00:06: no answer: another Lifeboat, 10.66.0.2, boots machines here")
        }
      }
    }
  }
}
