// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// The admin socket, judged by curl; and who may use it.
@Suite(.timeLimit(.minutes(20))) struct AdminPlaneTests {
  private func curl(_ lab: AdminLab, _ words: String...) async throws -> Tool.Outcome {
    try await Tool.run(
      "curl", ["--silent", "--max-time", "30", "--unix-socket", lab.socket.string] + words, package: "curl")
  }

  @Test func curlCanDoAllOfIt() async throws {
    let lab = try AdminLab()
    try await lab.serve { service async throws in
      let number = try await lab.number(service)
      let status = try await curl(lab, "http://lifeboat/status")
      #expect(
        status.output.contains("\"pending\" : 1") && status.output.contains("\"answer\" : \"approve\""), "\(status)")
      let approved = try await curl(lab, "--data", "{\"machine\": \"\(number)\"}", "http://lifeboat/machines/approve")
      #expect(approved.output.contains("\"mac\" : \"\(AdminLab.card)\""), "\(approved)")
      let machines = try await curl(lab, "http://lifeboat/machines")
      #expect(machines.output.contains("\"standing\" : \"known\""), "\(machines)")
      for (words, code) in [
        (["http://lifeboat/"], "404"), (["http://lifeboat/machines/approve"], "404"),
        (["--data", "{}", "http://lifeboat/machines/approve"], "400"),
        (["--data", "{\"machine\": \"1\"}", "http://lifeboat/machines/assign"], "400"),
        (["--data", "{\"machine\": \"1\"}", "http://lifeboat/machines/approve"], "409"),
        (["--data", String(repeating: "x", count: 9000), "http://lifeboat/machines/approve"], "413"),
        (["--request", "DELETE", "http://lifeboat/machines"], "404"),
      ] {
        let outcome = try await Tool.run(
          "curl",
          ["--silent", "--unix-socket", lab.socket.string, "--output", "/dev/null", "--write-out", "%{http_code}"]
            + words)
        #expect(outcome.output == code, "\(words)")
      }
      for path in ["machines", "status", "metrics", "machines/approve"] {
        let outcome = try await service.curl("--output", "/dev/null", "--write-out", "%{http_code}", service.url(path))
        #expect(outcome.output == "404", "nothing of it is on the network")
      }
    }
    #expect(FileTree.kind(of: lab.socket) == nil, "the socket goes with the service")
  }

  @Test(.enabled("needs root", { getuid() == 0 }))
  func anotherUserIsRefusedAndAMemberOfTheGroupIsNot() async throws {
    let lab = try AdminLab("answer = \"approve\"\nimage = \"demo\"\nadmin-group = \"games\"")
    try await lab.serve { service async throws in
      let number = try await lab.number(service)
      for target in ["/status", "/machines", "/metrics", "/nothing"] {
        let stranger = try await lab.curl(as: 65_534, groups: "", ["--write-out", "%{http_code}"], target)
        #expect(stranger.output.hasSuffix("403"), "\(stranger)")
        #expect(stranger.output.contains("user 65534 may not administer this service"), "\(stranger)")
        #expect(stranger.output.contains("as a member of the group games"))
      }
      let order = ["--data", "{\"machine\": \"\(number)\"}"]
      #expect(try await lab.curl(as: 65_534, groups: "", order, "/machines/approve").output.contains("not-allowed"))
      #expect(try await lab.number(service) == number, "nothing was approved")
      let member = try await lab.curl(as: 65_534, groups: "60", order, "/machines/approve")
      #expect(member.output.contains("is known from now on"), "\(member)")
    }
    #expect(try lab.audit().contains { $0["event"] == "approve" && $0["by"] == "uid 65534" })
  }

  @Test(.enabled("needs root", { getuid() == 0 })) func theProgramTellsAStrangerSo() async throws {
    let lab = try AdminLab()
    let program = try await Repository.readableProgram(in: lab.folder.path)
    try await lab.serve { _ async throws in
      let outcome = try await Tool.run(
        "setpriv",
        [
          "--reuid", "65534", "--regid", "65534", "--clear-groups", program.string, "clients", "--admin",
          lab.socket.string,
        ])
      #expect(outcome.status == 71, "\(outcome)")
      #expect(outcome.errors.contains("user 65534 may not administer this service\n  Run it as root"), "\(outcome)")
    }
  }

  @Test func whereNobodyListensItSaysSo() async throws {
    let lab = try AdminLab()
    let outcome = try await lab.clients()
    #expect(outcome.status == 69, "\(outcome)")
    #expect(outcome.errors.contains("no network boot service listens on \(lab.socket)"))
    #expect(outcome.errors.contains("Start it with \"lifeboat serve\""))
  }

  @Test func twoServicesDoNotShareASocketAndOneThatWasLeftIsTakenOver() async throws {
    let lab = try AdminLab()
    try await lab.serve { _ async throws in
      let error = await #expect(throws: NetworkBootFailure.self) {
        try await lab.serve({ $0.state = lab.folder.appending("other") }) { _ async throws in }
      }
      #expect(error == .adminSocketTaken(lab.socket) && error?.kind == .busy)
    }
    let left = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])"
    _ = try await Tool.run("python3", ["-c", left, lab.socket.string])
    #expect(FileTree.kind(of: lab.socket) == .special)
    try await lab.serve { _ async throws in #expect(try await lab.clients().status == 0) }
    let long = FilePath("/tmp/" + String(repeating: "x", count: 120))
    let error = await #expect(throws: NetworkBootFailure.self) {
      try await lab.serve({ $0.admin = long }) { _ async throws in }
    }
    #expect(error?.code == "admin-socket-failed" && error?.remedy?.contains("107 bytes") == true)
  }

  /// Debian's python3-prometheus-client reads them as Prometheus does.
  @Test func theNumbersAreWhatPrometheusReads() async throws {
    let lab = try AdminLab()
    try await lab.serve { service async throws in
      _ = try await lab.number(service)
      _ = try await service.curl("--output", "/dev/null", service.url("layers/a"))
      _ = try await service.curl(service.url("nothing"))
      _ = try await service.events.first { $0.bytes == 200_000 }
      let text = try await curl(lab, "http://lifeboat/metrics").output
      for line in [
        "lifeboat_machines_pending 1", "lifeboat_set_number 1", "lifeboat_transfers_total{protocol=\"http\"} 1",
        "lifeboat_transfer_bytes_total{protocol=\"http\"} 200000", "lifeboat_transfers_active{protocol=\"http\"} 0",
        "lifeboat_refusals_total{event=\"http\"} 1", "lifeboat_admission_answers_total{answer=\"wait\"} 1",
        // It loads a layer without having been let: the server says so, and cannot forbid it.
        "lifeboat_machines{stage=\"fetching\"} 1",
      ] { #expect(text.contains("\n\(line)\n"), "\(line)\n\(text)") }
      let judge = """
        import sys
        from prometheus_client.parser import text_string_to_metric_families as parse
        for family in parse(sys.stdin.read()): print(family.name, family.type, len(family.samples) > 0)
        """
      guard try await Tool.run("python3", ["-c", "import prometheus_client"]).status == 0 else {
        print("not judged by a foreign reader: python3-prometheus-client is not installed")
        return
      }
      let judged = try await Tool.run("python3", ["-c", judge], input: Array(text.utf8))
      #expect(judged.status == 0 && judged.lines.contains("lifeboat_transfer_bytes counter True"), "\(judged)")
    }
  }
}
