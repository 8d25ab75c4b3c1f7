// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import HostSystem

@Suite struct ExternalCommandTests {
  @Test func namesAMissingProgramAndItsPackage() async throws {
    let failure = ExternalCommand.Failure.notInstalled(program: "lifeboat-no-such-program", package: "mtools")
    await #expect(throws: failure) {
      try await ExternalCommand("lifeboat-no-such-program", [], package: "mtools").run()
    }
    await #expect(throws: failure) {
      try await ExternalCommand("lifeboat-no-such-program", [], package: "mtools").output()
    }
    #expect(failure.remedy == "Install it: apt-get install mtools")
    #expect(failure.kind == .unavailable)
  }

  @Test func keepsTheLastLinesOfAFailingProgram() async throws {
    let command = ExternalCommand("sh", ["-c", "seq 100; echo 'it broke' >&2; exit 3"])
    let failure = try await #require(throws: ExternalCommand.Failure.self) { try await command.run() }
    guard case .failed("sh", _, let lines) = failure else {
      Issue.record("\(failure)")
      return
    }
    #expect(lines.last == "it broke")
    #expect(lines.count == 40)
    #expect(failure.message.hasPrefix("sh failed ("))
    #expect(failure.message.hasSuffix("\n  100\n  it broke"))
  }

  @Test func outputKeepsWhatAFailingProgramSaidOnStandardError() async throws {
    let command = ExternalCommand("sh", ["-c", "echo result; echo reason >&2; exit 1"])
    let failure = try await #require(throws: ExternalCommand.Failure.self) { try await command.output() }
    guard case .failed(_, _, let lines) = failure else {
      Issue.record("\(failure)")
      return
    }
    #expect(lines == ["reason"])
  }

  @Test func handsOverLinesInOrder() async throws {
    let lines = Mutex<[String]>([])
    let script = "echo one; echo two >&2; printf 'three'; echo; printf 'no newline'"
    try await ExternalCommand("sh", ["-c", script]).run { line in lines.withLock { $0.append(line) } }
    #expect(lines.withLock { $0 } == ["one", "two", "three", "no newline"])
  }

  @Test func passesArgumentsAndEnvironmentUntouched() async throws {
    let strange = ["a b", "$HOME", "'\"", "", "*", "-n"]
    let command = ExternalCommand(
      "sh", ["-c", "printf '%s\\n' \"$MARK\" \"$@\"", "sh"] + strange, environment: ["MARK": "x y"])
    #expect(try await command.text() == (["x y"] + strange).joined(separator: "\n") + "\n")
  }

  @Test func feedsStandardInput() async throws {
    let bytes = [UInt8](repeating: 0x41, count: 1_000_000)
    #expect(try await ExternalCommand("cat", []).output(input: bytes) == bytes)
  }

  /// A program need not read what it is given; the pipe that breaks must not end us.
  @Test func survivesAProgramThatDoesNotRead() async throws {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      for _ in 1...20 {
        _ = try await ExternalCommand("true", []).output(input: [UInt8](repeating: 0, count: 1_000_000))
      }
    }
  }

  @Test func takesHugeOutputWithoutKeepingIt() async throws {
    let count = Mutex(0)
    try await ExternalCommand("seq", ["300000"]).run { _ in count.withLock { $0 += 1 } }
    #expect(count.withLock { $0 } == 300_000)
  }

  @Test func takesAHugeLine() async throws {
    let longest = Mutex(0)
    let script = "head -c 1000000 /dev/zero | tr '\\0' x; echo"
    try await ExternalCommand("sh", ["-c", script]).run { line in longest.withLock { $0 = max($0, line.utf8.count) } }
    #expect(longest.withLock { $0 } == 1_000_000)
  }

  @Test func cancellationEndsTheProgram() async throws {
    let folder = try TemporaryFolder()
    let started = folder.appending("started")
    let command = ExternalCommand("sh", ["-c", "echo $$ > \"$0\"; exec sleep 600", started.string])
    let task = Task { try await command.run() }
    var process: pid_t?
    while process == nil {
      await Task.yield()
      process = (try? FileTree.text(of: started)).flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(kill(try #require(process), 0) == -1, "the program is still there")
  }

  /// As a login on Debian sets it for ordinary users, who nevertheless may run mkfs.vfat and chroot.
  @Test func looksWhereAdministratorsLook() async throws {
    let path = ExternalCommand.searchPath("/usr/local/bin:/usr/bin:/bin")
    #expect(path == "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
    #expect(ExternalCommand.searchPath("/sbin:/bin") == "/sbin:/bin:/usr/local/sbin:/usr/sbin")
    let inherited = try await ExternalCommand("sh", ["-c", "echo $PATH"]).text()
    #expect(inherited.trimmingCharacters(in: .newlines).split(separator: ":").contains("/usr/sbin"))
  }
}
