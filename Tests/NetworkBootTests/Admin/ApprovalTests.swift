// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// Started systems ask whether they may go on; an administrator says so with `lifeboat clients`.
@Suite(.timeLimit(.minutes(20))) struct ApprovalTests {
  @Test func aNumberIsReadOutAndApproved() async throws {
    let lab = try AdminLab()
    try await lab.serve { service async throws in
      let number = try await lab.number(service)
      #expect(try await lab.number(service) == number, "it stays")
      let other = try await lab.number(service, mac: "525400000002")
      #expect(other != number)
      let list = try await lab.clients()
      #expect(list.status == 0 && list.output.contains(number), "\(list)")
      let line = "\(number)    \(AdminLab.card)  \(AdminLab.uuid)  waiting  demo"
      #expect(list.lines.contains { $0.hasPrefix(line) }, "\(list)")
      let free = (1000...9999).first { "\($0)" != number && "\($0)" != other } ?? 0
      let wrong = try await lab.clients("approve", "\(free)")
      #expect(wrong.status == 64 && wrong.errors.contains("no machine waits with the number \(free)"), "\(wrong)")
      #expect(wrong.errors.contains("Ask for the number on the screen again"))
      #expect(try await lab.number(service) == number, "nobody was approved")
      let right = try await lab.clients("approve", number)
      #expect(right.status == 0 && right.output.contains("is known from now on"), "\(right)")
      #expect(try await lab.ask(service) == "go 200")
      #expect(try await lab.ask(service, mac: "525400000002").hasPrefix("wait \(other)"))
      _ = try await service.events.first { $0.event == .admin && $0.message.hasSuffix("says uid 0") }
    }
    try await lab.serve { service async throws in
      #expect(try await lab.ask(service) == "go 200", "after a new start too")
      #expect(try await lab.clients("forget", AdminLab.card).status == 0)
      #expect(try await lab.ask(service).hasPrefix("wait "))
    }
    let events = try lab.audit()
    #expect(events.first { $0["event"] == "approve" }?["by"] == "uid 0", "\(events)")
    #expect(events.contains { $0["event"] == "admission-wait" && $0["uuid"] == AdminLab.uuid })
    #expect(events.contains { $0["event"] == "admission-granted" && $0["address"] == "127.0.0.1" })
    #expect(events.allSatisfy { $0["time"]?.hasSuffix("Z") ?? false })
  }

  @Test(arguments: [("none", "denied 200"), ("known", "denied 200"), ("all", "go 200")])
  func theOtherPolicies(_ policy: String, _ expected: String) async throws {
    let lab = try AdminLab("answer = \"\(policy)\"\nimage = \"demo\"")
    try await lab.serve { service async throws in
      #expect(try await lab.ask(service) == expected)
      #expect(try await lab.clients("approve", AdminLab.card).status == 0)
      #expect(try await lab.ask(service) == (policy == "none" ? "denied 200" : "go 200"))
      #expect(try await lab.clients("deny", AdminLab.uuid).status == 0)
      #expect(try await lab.ask(service) == "denied 200", "the latest word counts")
    }
  }

  @Test func anotherImageIsAssigned() async throws {
    let lab = try AdminLab("image = \"demo\"")
    try await lab.serve { service async throws in
      let missing = try await lab.clients("assign", AdminLab.card, "kiosk")
      #expect(missing.status == 64 && missing.errors.contains("the set has no image \"kiosk\"; it has demo, other"))
      #expect(try await lab.clients("assign", AdminLab.card, "other").status == 0)
      #expect(try await lab.ask(service) == "restart 200")
      #expect(try await lab.ask(service, image: "other") == "go 200")
    }
  }

  @Test func itsAnswerIsExactlyThat() async throws {
    let lab = try AdminLab("answer = \"all\"\nimage = \"demo\"")
    try await lab.serve { service async throws in
      let target = "admission/demo/\(AdminLab.mac)/-"
      let answer = try await service.curl("--include", service.url(target)).output
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\ngo\n"), "\(answer)")
      for field in ["Content-Type: text/plain", "Cache-Control: no-store", "Content-Length: 3"] {
        #expect(answer.contains("\r\n\(field)\r\n"), "\(answer)")
      }
      let head = try await service.curl("--head", service.url(target)).output
      #expect(head.contains("\r\nContent-Length: 3\r\n") && head.hasSuffix("\r\n\r\n"), "\(head)")
      let bad = [
        "admission", "admission/demo", "admission/demo/\(AdminLab.mac)", "admission/demo/\(AdminLab.mac)/-/x",
        "admission/Demo/\(AdminLab.mac)/-", "admission/demo/52:54:00:00:00:01/-", "admission/demo/52540000000/-",
        "admission/demo/52540000000A/-", "admission/demo/ffffffffffff/-", "admission/demo/\(AdminLab.mac)/none",
        "admission/demo/\(AdminLab.mac)/\(AdminLab.uuid.uppercased())", "admissions/demo/\(AdminLab.mac)/-",
      ]
      for target in bad {
        let outcome = try await service.curl(
          "--output", "/dev/null", "--write-out", "%{http_code}", service.url(target))
        #expect(outcome.output == "404", "\(target)")
      }
    }
  }

  @Test func oneAddressCannotTakeAllNumbers() async throws {
    let lab = try AdminLab()
    try await lab.serve { service async throws in
      let program = """
        import http.client, sys
        c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
        seen = {}
        for i in range(300):
            c.request("GET", "/admission/demo/5254%08x/-" % i)
            r = c.getresponse(); r.read()
            seen[r.status] = seen.get(r.status, 0) + 1
        print(sorted(seen.items()))
        """
      #expect(try await service.python(program).output == "[(200, 64), (503, 236)]\n")
      let list = try await lab.clients("list", "--json")
      #expect(list.output.matches(of: /"number"/).count == 64)
    }
  }

  @Test func whatAMachineLoadsIsSeen() async throws {
    let lab = try AdminLab("answer = \"all\"\nimage = \"demo\"")
    try await lab.serve { service async throws in
      #expect(try await lab.ask(service) == "go 200")
      _ = try await service.curl("--output", "/dev/null", service.url("layers/a"))
      _ = try await service.events.first { $0.bytes == 200_000 }
      #expect(try await lab.clients().output.contains("fetching"))
      _ = try await service.curl("--output", "/dev/null", service.url("layers/b"))
      _ = try await service.events.first { $0.bytes == 100_000 }
      let list = try await lab.clients()
      #expect(list.output.contains("ready") && list.output.contains("300.0 kB"), "\(list)")
    }
    let transfers = try lab.audit().filter { $0["event"] == "transfer" }
    #expect(transfers.map { $0["bytes"] } == ["200000", "100000"] && transfers[0]["mac"] == AdminLab.card)
  }
}
