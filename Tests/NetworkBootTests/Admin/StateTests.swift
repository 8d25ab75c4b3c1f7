// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import NetworkBootPolicy
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// Bad days of policy, state folder and record.
@Suite(.timeLimit(.minutes(20))) struct StateTests {
  @Test func aDamagedListIsRefusedAndLeftAsItIs() async throws {
    let lab = try AdminLab()
    let file = try lab.folder.write("state/machines.json", "{\"lifeboat-machines\": 1, \"machi")
    let outcome = try await Repository.lifeboat([
      "serve", "--site", lab.site.path.string, "--interface", "lo", "--http-port", "0", "--tftp-port", "0", "--mode",
      "site", "--image", "demo", "--state", lab.state.string, "--admin", lab.socket.string,
    ])
    #expect(outcome.status == 65, "\(outcome)")
    #expect(outcome.errors.contains("the list of machines in \(file) cannot be used"))
    #expect(outcome.errors.contains("Move the file away to begin with an empty list"))
    #expect(try FileTree.text(of: file) == "{\"lifeboat-machines\": 1, \"machi")
  }

  @Test func aFolderThatCannotBeHadEndsItOnlyIfItWasNamed() async throws {
    let lab = try AdminLab()
    try lab.folder.write("file", "")
    let place = lab.folder.appending("file/state")
    let error = await #expect(throws: OperationFailure.self) {
      try await lab.serve({ $0.state = place }) { _ async throws in }
    }
    #expect(error?.kind == .cannotCreate && error?.remedy != nil, "\(String(describing: error))")
    try await lab.serve({ ($0.state, $0.needsState) = (place, false) }) { service async throws in
      _ = try await service.events.first { $0.weight == .trouble && $0.message.contains("name a folder with --state") }
      let number = try await lab.number(service)
      #expect(try await lab.clients("approve", number).status == 0)
      #expect(try await lab.ask(service) == "go 200", "for as long as it runs")
    }
  }

  @Test func twoServicesDoNotShareAFolder() async throws {
    let lab = try AdminLab()
    try await lab.serve { _ async throws in
      let error = await #expect(throws: FileLock.Busy.self) {
        try await lab.serve({ $0.admin = lab.folder.appending("other.sock") }) { _ async throws in }
      }
      #expect(error?.kind == .busy)
    }
  }

  @Test(.enabled("needs root and a tmpfs", { getuid() == 0 })) func aFullDiskApprovesNobody() async throws {
    let lab = try AdminLab()
    let script = """
      mount -t tmpfs -o size=8k,nr_inodes=8 tmpfs "$1"
      """
    try FileTree.makeFolder(lab.state)
    guard try await Tool.run("sh", ["-c", script, "sh", lab.state.string]).status == 0 else {
      print("no tmpfs can be mounted here")
      return
    }
    do {
      try AtomicFile.write([UInt8](repeating: 0, count: 8192), to: lab.state.appending("filler"))
      try await lab.serve { service async throws in
        let number = try await lab.number(service)
        _ = try await service.events.first { $0.event == .audit && $0.weight == .trouble }
        let outcome = try await lab.clients("approve", number)
        #expect(outcome.status == 73 && outcome.errors.contains("No space left on device"), "\(outcome)")
        #expect(try await lab.number(service) == number, "what is not on the disk does not hold")
        FileTree.remove(lab.state.appending("filler"))
        #expect(try await lab.clients("approve", number).status == 0)
        #expect(try await lab.ask(service) == "go 200")
        _ = try await service.events.first { $0.message.hasSuffix("audit.jsonl is written again") }
        #expect(service.events.all.count { $0.event == .audit && $0.weight == .trouble } == 1, "said once")
      }
    } catch {
      _ = try? await Tool.run("umount", [lab.state.string])
      throw error
    }
    _ = try await Tool.run("umount", [lab.state.string])
  }

  @Test func aRecordThatTakesNothingDoesNotStopTheService() async throws {
    let lab = try AdminLab()
    try await lab.serve({ $0.audit = "/dev/full" }) { service async throws in
      let number = try await lab.number(service)
      let trouble = try await service.events.first { $0.event == .audit }
      #expect(trouble.weight == .trouble && trouble.message.contains("write /dev/full: No space left on device"))
      #expect(try await lab.clients("approve", number).status == 0)
      #expect(try await lab.ask(service) == "go 200")
      #expect(service.events.all.count { $0.event == .audit } == 1, "said once")
    }
  }

  @Test func aRecordThatWasRenamedIsBegunAnew() async throws {
    let lab = try AdminLab()
    let (file, old) = (lab.state.appending("audit.jsonl"), lab.state.appending("audit.jsonl.1"))
    try await lab.serve { service async throws in
      let number = try await lab.number(service)
      while try lab.audit(file).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      try AtomicFile.move(file, to: old)
      #expect(try await lab.clients("approve", number).status == 0)
    }
    #expect(try lab.audit(old).map { $0["event"] } == ["admission-wait"])
    #expect(try lab.audit(file).map { $0["event"] } == ["approve"])
  }

  @Test func aPolicyIsReadAgainAndABadOneRefused() async throws {
    let lab = try AdminLab()
    try await lab.serve { service async throws in
      #expect(try await lab.ask(service).hasPrefix("wait "))
      try lab.write("answer = \"al\"\nimage = \"demo\"")
      let refused = try await service.events.first { $0.event == .policy && $0.weight == .trouble }
      #expect(refused.message.contains("the policy stays as it was: \(lab.policy):2:10: error: answer"), "\(refused)")
      #expect(refused.message.contains("Write \"all\" instead."))
      #expect(try await lab.ask(service).hasPrefix("wait "), "the old one holds")
      try lab.write("answer = \"all\"\nimage = \"demo\"")
      _ = try await service.events.first { $0.event == .policy && $0.message.contains("was read again") }
      #expect(try await lab.ask(service) == "go 200")
      FileTree.remove(lab.policy)
      _ = try await service.events.first { $0.event == .policy && $0.message.contains("No such file") }
      #expect(try await lab.ask(service) == "go 200")
    }
    let events = try lab.audit().compactMap { $0["event"] }.filter { $0.hasPrefix("policy") }
    #expect(events == ["policy-refused", "policy", "policy-refused"])
  }

  @Test func aNewSetWithoutAnImageOfThePolicyIsSaid() async throws {
    let lab = try AdminLab("image = \"demo\"\n[[assign]]\nimage = \"other\"\ninterface = \"eth1\"")
    try await lab.serve { service async throws in
      try lab.publish(2, images: ["demo"])
      let trouble = try await service.events.first { $0.event == .policy }
      #expect(trouble.message.contains("set 2 does not fit the policy"), "\(trouble)")
      #expect(trouble.message.contains("the set has no image \"other\""))
      #expect(try await lab.ask(service) == "go 200")
    }
  }

  @Test func aBadPolicyEndsTheStartAndADryRunExplainsAGoodOne() async throws {
    let lab = try AdminLab("answer = \"known\"\nimage = \"demos\"")
    let words = [
      "serve", "--site", lab.site.path.string, "--interface", "lo", "--policy", lab.policy.string, "--dry-run",
    ]
    let bad = try await Repository.lifeboat(words)
    #expect(bad.status == 65 && bad.output.isEmpty, "\(bad)")
    #expect(bad.errors.contains("policy.toml:3:9: error: the set has no image \"demos\""), "\(bad)")
    #expect(bad.errors.contains("Write \"demo\" instead."))
    try lab.write("answer = \"known\"\nimage = \"demo\"")
    let good = try await Repository.lifeboat(words)
    #expect(good.status == 0 && good.lines.contains("policy: Everywhere: known machines are answered."), "\(good)")
    let check = try await Repository.lifeboat(["check", "--policy", lab.policy.string])
    #expect(check.status == 0 && check.output == "\(lab.policy): a policy, nothing wrong\n", "\(check)")
    FileTree.remove(lab.policy)
    let missing = try await Repository.lifeboat(words)
    #expect(missing.status == 66 && missing.errors.contains("No such file"), "\(missing)")
    #expect(FileTree.kind(of: lab.state) == nil, "a dry run makes nothing")
  }
}
