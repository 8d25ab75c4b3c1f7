// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

private let canHaveNetworks = ["busybox", "ip", "python3", "unshare"].allSatisfy { Tool.isInstalled($0) }

/// Waiting for approval, as busybox' shell does it, against servers that give one prepared answer after the other.
@Suite(.enabled(if: canHaveNetworks, "needs busybox, iproute2, python3 and network namespaces"))
struct ApprovalTests {
  /// An answer for each line of a file, the last one for ever: a word with what follows, an HTTP status, or `drop`.
  private static let server = """
    import http.server, sys
    answers = open(sys.argv[2]).read().splitlines()
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            open(sys.argv[2] + '.log', 'a').write(self.path + '\\n')
            if answer == 'drop': self.connection.close(); return
            self.send_response(int(answer) if answer.isdigit() else 200)
            self.end_headers()
            self.wfile.write((answer + '\\n').encode())
        def log_message(self, *arguments): pass
    http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
    """

  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    try folder.write("server.py", Self.server)
    try folder.write("boot", "image tier1\n")
  }

  /// - Parameter servers: what each answers, in order.
  private func wait(_ servers: [String]...) async throws -> (status: String, output: String) {
    for (index, answers) in servers.enumerated() {
      try folder.write("\(index)", answers.joined(separator: "\n") + "\n")
    }
    let urls = servers.indices.map { "http://127.0.0.1:\(8001 + $0)" }
    let data = SourceTests.build.appending("initramfs/lifeboat")
    let script = """
      set -u
      cd '\(folder.path)'
      # As in the initial RAM file system, wget is busybox'.
      mkdir bin
      ln -s "$(command -v busybox)" bin/wget
      PATH=$PWD/bin:$PATH
      ip link set lo up
      for number in \(servers.indices.map(String.init).joined(separator: " ")); do
        python3 server.py $((8001 + number)) $number &
        until grep -q "0100007F:1F4$((1 + number)) 00000000:0000 0A" /proc/net/tcp; do sleep 0.1; done
      done
      lifeboat_say() { printf "$@"; }
      panic() { printf 'panic: %s\\n' "$*"; exit 9; }
      reboot() { echo "reboot $*"; exit 8; }
      . '\(data.appending("network-boot"))'
      . '\(data.appending("network-approval"))'
      lifeboat_boot=boot
      lifeboat_interface=lo
      lifeboat_interval=0
      lifeboat_servers='\(urls.joined(separator: " "))'
      (lifeboat_await_approval)
      printf '\\nstatus %d\\n' "$?"
      kill $(jobs -p) 2>/dev/null
      """
    let outcome = try await Tool.run("unshare", ["-rn", "timeout", "60", "busybox", "sh", "-c", script])
    let status = outcome.lines.last { $0.hasPrefix("status ") } ?? "\(outcome)"
    return (status, outcome.output)
  }

  private func requests(_ server: Int = 0) -> [String] {
    let text = (try? FileTree.text(of: folder.appending("\(server).log"))) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  @Test(arguments: ["go", "404", "go ahead"]) func goesOn(answer: String) async throws {
    let result = try await wait([answer])
    #expect(result.status == "status 0" && !result.output.contains("LIFEBOAT"), "\(result)")
    let request = try #require(requests().first)
    #expect(
      request.wholeMatch(of: /\/admission\/tier1\/[0-9a-f]{12}\/(-|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})/) != nil)
    #expect(requests().count == 1)
  }

  @Test func waitsAndSaysTheNumber() async throws {
    let result = try await wait(["wait 4711", "wait 4711", "wait 4711", "wait 12", "go"])
    #expect(result.status == "status 0", "\(result)")
    #expect(result.output.contains("Tell the help desk the number 4711."))
    #expect(result.output.contains("Tell the help desk the number 12."))
    let marks = result.output.split(separator: "\n").filter { $0.hasPrefix("LIFEBOAT-NETWORK") }
    #expect(marks == ["LIFEBOAT-NETWORK waiting 4711", "LIFEBOAT-NETWORK waiting 12", "LIFEBOAT-NETWORK approved"])
    // 7 and 1, large.
    #expect(result.output.contains("######       ##"))
    #expect(requests().count == 5)
  }

  @Test func aSilentServerIsWaitedFor() async throws {
    let result = try await wait(["wait 7", "drop", "500", "what?", "wait 7", "go"])
    #expect(result.status == "status 0", "\(result)")
    let marks = result.output.split(separator: "\n").filter { $0.hasPrefix("LIFEBOAT-NETWORK") }
    #expect(
      marks == ["waiting 7", "silent", "waiting 7", "approved"].map { "LIFEBOAT-NETWORK \($0)" }, "\(result.output)")
    #expect(result.output.contains("The boot server does not answer at the moment."))
  }

  @Test func anotherServerAnswers() async throws {
    let result = try await wait(["drop"], ["wait 7", "go"])
    #expect(result.status == "status 0" && result.output.contains("LIFEBOAT-NETWORK approved"), "\(result)")
  }

  /// One that knows nothing of approval is no way around the one that does.
  @Test func filesElsewhereAreNoApproval() async throws {
    let result = try await wait(["wait 7", "drop", "drop", "denied"], ["404"])
    #expect(result.status == "status 9" && result.output.contains("LIFEBOAT-NETWORK FAILED denied"), "\(result)")
    #expect(requests(1).count == 2)
  }

  /// A store that hides what is not there says 403 to everything; a 403 to this question alone is somebody's word.
  @Test func aStoreThatHidesNamesKnowsNothingOfApproval() async throws {
    let store = try await wait(["403", "403"])
    #expect(store.status == "status 0" && !store.output.contains("LIFEBOAT"), "\(store)")
    #expect(requests().last == "/nothing/has/this/name" && requests().count == 2)
  }

  @Test func aRefusedQuestionIsNoApproval() async throws {
    let refused = try await wait(["403", "404", "403", "500", "go"])
    #expect(refused.status == "status 0" && refused.output.contains("LIFEBOAT-NETWORK silent"), "\(refused)")
    #expect(requests().count == 5)
  }

  /// Its word is a line with status 200, and no store beside it is a way around that.
  @Test func aStoreBesideIsNoWayAroundADenial() async throws {
    let denied = try await wait(["wait 7", "drop", "denied"], ["403"])
    #expect(denied.status == "status 9" && denied.output.contains("LIFEBOAT-NETWORK FAILED denied"), "\(denied)")
  }

  @Test func denied() async throws {
    let result = try await wait(["wait 7", "denied"])
    #expect(result.status == "status 9" && result.output.contains("LIFEBOAT-NETWORK FAILED denied"), "\(result)")
    #expect(result.output.contains("did not approve"))
  }

  @Test func restart() async throws {
    let result = try await wait(["wait 7", "restart"])
    #expect(result.status == "status 8" && result.output.contains("reboot -f"), "\(result)")
  }

  /// What is shown is shown on terminals: nothing but digits comes from outside.
  @Test(arguments: ["wait 1;reboot", "wait \u{1b}[2J", "wait", "wait 123456789", "wait -1"])
  func anOddNumberIsNoAnswer(answer: String) async throws {
    let result = try await wait([answer, "go"])
    #expect(result.status == "status 0" && !result.output.contains("help desk"), "\(result)")
    #expect(result.output.contains("LIFEBOAT-NETWORK silent"))
  }
}
