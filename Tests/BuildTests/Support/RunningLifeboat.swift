// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The built program at work, in a session of its own, so that whatever it started can be found however it ends.
final class RunningLifeboat {
  private let process = Process()
  private let errors: FilePath
  /// Its process, which leads the session.
  private let session: pid_t

  init(_ arguments: [String], in workplace: Workplace, environment: [String: String] = [:]) async throws {
    errors = workplace.folder.appending("errors-\(UInt32.random(in: 0 ... .max))")
    try AtomicFile.write([], to: errors)
    process.executableURL = URL(filePath: try Tool.require("setsid"))
    process.arguments = ["--fork", "--wait", try Repository.program("lifeboat").string] + arguments
    process.currentDirectoryURL = URL(filePath: workplace.folder.path.string)
    process.environment = ProcessInfo.processInfo.environment.merging(workplace.environment(environment)) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors.string))
    try process.run()
    let starter = process.processIdentifier
    session = try await Self.eventually { ProcessTable.all().first { $0.parent == starter && $0.session == $0.id }?.id }
  }

  /// What it has said on standard error.
  var said: String { (try? FileTree.text(of: errors)) ?? "" }

  /// Waits until it has said something; false if it ended before.
  func says(_ text: String) async throws -> Bool {
    try await Self.eventually { [process] in
      if self.said.contains(text) { return true }
      return process.isRunning ? nil : self.said.contains(text)
    }
  }

  /// Waits until something is so; false if it ended before.
  func reaches(_ condition: () -> Bool) async throws -> Bool {
    try await Self.eventually { condition() ? true : self.process.isRunning ? nil : false }
  }

  /// Sends a signal to the program alone, or, as a terminal does, to all that it started and that did not leave.
  func signal(_ number: Int32, toAll: Bool = false) { kill(toAll ? -session : session, number) }

  /// Waits for its end.
  func status() async throws -> Int32 {
    try await Self.eventually { self.process.isRunning ? nil : self.process.terminationStatus }
  }

  /// What it started and what still lives when everything has had the time to notice that it is gone.
  func survivors() async throws -> [String] {
    func living() -> [ProcessTable.Entry] { ProcessTable.all().filter { $0.session == session && $0.isAlive } }
    _ = try? await Self.eventually(seconds: 20) { living().isEmpty ? true : nil }
    return living().map { "\($0.id) \($0.name)" }
  }

  /// Looks again and again until there is a value.
  private static func eventually<Value>(seconds: Int = 300, _ value: () -> Value?) async throws -> Value {
    for _ in 0..<(seconds * 50) {
      if let value = value() { return value }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw Stuck()
  }

  struct Stuck: Error {}
}

/// The processes of the machine, as proc(5) tells of them.
enum ProcessTable {
  struct Entry {
    var id: pid_t
    var name: String
    var isAlive: Bool
    var parent: pid_t
    var session: pid_t
  }

  static func all() -> [Entry] {
    FileTree.names(in: "/proc").compactMap { pid_t($0) }.compactMap { id in
      guard let text = try? FileTree.text(of: FilePath("/proc/\(id)/stat")), let open = text.firstIndex(of: "("),
        let close = text.lastIndex(of: ")")
      else { return nil }
      // state, parent, group, session
      let fields = text[close...].dropFirst(2).split(separator: " ")
      guard fields.count > 3, let parent = pid_t(fields[1]), let session = pid_t(fields[3]) else { return nil }
      return Entry(
        id: id, name: String(text[open..<close].dropFirst()), isAlive: fields[0] != "Z" && fields[0] != "X",
        parent: parent, session: session)
    }
  }
}

/// Whether the kernel has anything mounted below a folder, as this process sees it.
func mounts(below folder: FilePath) throws -> [String] {
  try FileTree.text(of: "/proc/self/mounts").split(separator: "\n").map(String.init).filter {
    $0.contains(folder.string)
  }
}
