// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// What an administrator sees while something is under way.
@Suite(.timeLimit(.minutes(10))) struct LiveTests {
  @Test func aListThatIsWatchedShowsHowFastAComputerLoads() async throws {
    let lab = try AdminLab("answer = \"all\"\nimage = \"demo\"")
    try lab.site.publish(
      2, [.init(name: "boot/demo.iso", bytes: [1]), .init(name: "layers/a", bytes: TestSite.bytes(64_000_000))],
      entries: ["uefi-http": "boot/demo.iso"], images: ["demo", "other"], layers: ["layers/a"])
    let program = try Repository.program("lifeboat").string
    try await lab.serve { service async throws in
      #expect(try await lab.ask(service) == "go 200")
      let log = WireLog()
      try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask {
          _ = try await service.curl("--output", "/dev/null", "--limit-rate", "1M", service.url("layers/a"))
        }
        group.addTask {
          defer { log.close() }
          let words = ["clients", "list", "--watch", "--admin", lab.socket.string]
          try await ExternalCommand(program, words).run { log.append($0) }
        }
        var rows: Set<String> = []
        while rows.count < 2 {
          try await Task.sleep(for: .milliseconds(100))
          rows = Set(log.lines.filter { $0.contains(AdminLab.card) && $0.contains(/[0-9.]+ [kM]B\/s/) })
        }
        #expect(rows.allSatisfy { $0.contains("  fetching  demo   127.0.0.1  ") }, "\(rows)")
        #expect(log.lines.contains { $0.contains("TAKEN") && $0.contains("RATE") }, "\(log.lines)")
        #expect(log.lines.count { $0.isEmpty } >= 1, "a frame ends with an empty line")
      }
    }
  }
}
