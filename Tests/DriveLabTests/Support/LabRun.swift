// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Testing

/// A run of `lifeboat` in the lab's computer that is under way.
struct LabRun: Sendable {
  let machine: LabMachine
  let name: String

  /// Waits until a line of its results has all of these words.
  func until(line words: String...) async throws {
    let filters = words.map { " | grep -F -e '\($0)'" }.joined()
    try await machine.until("cat /lab/\(name).out\(filters) | grep -q .")
  }

  /// Waits until it has said this to the person.
  func until(said words: String) async throws { try await machine.until("grep -qF '\(words)' /lab/\(name).err") }

  /// Sends it a signal.
  func signal(_ signal: String) async throws { try await machine.require("kill -\(signal) $(cat /lab/\(name).pid)") }

  /// Waits for its end.
  func end(seconds: Int = 300) async throws -> LabOutcome {
    try await machine.until("[ -e /lab/\(name).status ]", seconds: seconds)
    return LabOutcome(
      status: Int(try await machine.require("cat /lab/\(name).status")) ?? -1,
      output: try await machine.shell.run("cat /lab/\(name).out").output,
      errors: try await machine.shell.run("cat /lab/\(name).err").output)
  }
}

/// How a run of `lifeboat` has ended and what it said.
struct LabOutcome: Sendable, CustomStringConvertible {
  var status: Int
  var output: String
  var errors: String

  var description: String {
    "status \(status)\n\(output.split(separator: "\n").suffix(4).joined(separator: "\n"))\n\(errors)"
  }

  private var lines: [Data] { output.split(separator: "\n").map { Data($0.utf8) } }

  /// The progress lines, in their order.
  var progress: [LabProgress] {
    lines.compactMap { try? JSONDecoder().decode(LabProgress.self, from: $0) }.filter { $0.event == "progress" }
  }

  /// What became of a drive.
  func target(_ serial: String) throws -> LabReport.Target {
    let report = lines.reversed().lazy.compactMap { try? JSONDecoder().decode(LabReport.self, from: $0) }
      .first { $0.targets.contains { $0.serial == serial } }
    return try #require(report?.targets.first { $0.serial == serial }, "\(self)")
  }

  /// The code of what kept the run from beginning.
  func errorCode() throws -> String {
    struct Document: Decodable {
      struct Failure: Decodable { var code: String }
      var error: Failure
    }
    return try JSONDecoder().decode(Document.self, from: Data(output.utf8)).error.code
  }
}

/// The last of the JSON lines of `lifeboat write`.
struct LabReport: Decodable {
  struct Target: Decodable {
    var path: String
    var serial: String?
    var state: String
    var written: ByteCount
    var skipped: ByteCount
    var repaired: [Range]
    var code: String?
    var error: String?
  }

  struct Range: Decodable, Equatable {
    var offset: ByteCount
    var length: ByteCount
  }

  var targets: [Target]
}

/// One of the lines before.
struct LabProgress: Decodable {
  var event: String
  var serial: String?
  var phase: String
  var done: ByteCount
  var total: ByteCount?
}

extension LabMachine {
  /// Starts `lifeboat` in the computer, as root or another user.
  func begin(_ name: String, _ arguments: String, as user: String? = nil) async throws -> LabRun {
    try await begin(name, command: Self.lifeboat(arguments, as: user))
  }

  private static func lifeboat(_ arguments: String, as user: String?) -> String {
    (user.map { "runuser -u \($0) -- " } ?? "") + "lifeboat \(arguments)"
  }

  /// Starts `lifeboat write` on a terminal of its own, where `type` answers.
  func beginOnTerminal(_ name: String, _ arguments: String, as user: String? = nil) async throws -> LabRun {
    try await require("mkfifo /lab/\(name).typed")
    return try await begin(
      name,
      command:
        "script -qefc '\(Self.lifeboat(arguments, as: user)) >/lab/\(name).out' /lab/\(name).err <>/lab/\(name).typed",
      output: "/dev/null", errors: "/dev/null")
  }

  private func begin(
    _ name: String, command: String, output: String? = nil, errors: String? = nil
  ) async throws -> LabRun {
    try await require(
      """
      { \(command) >\(output ?? "/lab/\(name).out") 2>\(errors ?? "/lab/\(name).err") & echo $! >/lab/\(name).pid
        wait $!; echo $? >/lab/\(name).part; mv /lab/\(name).part /lab/\(name).status
      } >/dev/null 2>&1 &
      """)
    return LabRun(machine: self, name: name)
  }

  /// Runs `lifeboat` in the computer to its end.
  func lifeboat(_ arguments: String, as user: String? = nil) async throws -> LabOutcome {
    let name = "run\(UInt32.random(in: 0 ... .max))"
    return try await begin(name, arguments, as: user).end()
  }
}

extension LabRun {
  /// Types a line on the run's terminal.
  func type(_ line: String) async throws { try await machine.require("echo '\(line)' >/lab/\(name).typed") }
}
