// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
internal import NIOCore
internal import Synchronization
internal import SystemPackage

/// What happened, for later: one JSON object a line, only ever added to.
///
///     event ──▶ queue (bounded) ──▶ one thread ──▶ FILE, opened for appending; anew when it was renamed or removed
///
/// A disk that is full costs the record, not the service: that is said once, and again when writing works.
final class AuditLog: Sendable {
  /// A line.
  struct Entry: Sendable, Encodable {
    /// What happened: `offered`, `approved`.
    var event: String
    /// Who did it: an administrator as `uid 1000`; nil for machines.
    var by: String?
    var mac: String?
    var uuid: String?
    var address: String?
    /// The image or the object that it is about.
    var name: String?
    var bytes: Int64?
    /// For people.
    var message: String?
  }

  /// What strangers cause is cut short; what administrators do never is.
  private struct State {
    var gate = TokenBucket(rate: 50, burst: 2000)
    var untold = 0
  }

  let path: FilePath
  private let state = Mutex(State())
  private let queue: AsyncStream<Entry>.Continuation
  private let writing: Task<Void, Never>

  /// Opens the file, making it if it is not there; only its owner and group can read it.
  /// - Throws: `OperationFailure`.
  init(_ path: FilePath, events: EventLog) throws {
    self.path = path
    let file = try AppendedFile(path)
    let (stream, queue) = AsyncStream<Entry>.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    self.queue = queue
    // Not a child task: what is said at the very end has to be written too; `finish` waits for it.
    writing = Task {
      var trouble: String?
      for await entry in stream {
        do {
          let text = try StableJSON.line(Timed(entry))
          try file.append(Array((text + "\n").utf8))
          if trouble != nil { events.say(.init(.audit, "\(path) is written again")) }
          trouble = nil
        } catch {
          let reason = (error as? any Diagnosable)?.message ?? "\(error)"
          if trouble == nil { events.say(.init(.audit, .trouble, "\(reason); what happens is not recorded")) }
          trouble = reason
        }
      }
    }
  }

  /// Records something that an administrator or the service did.
  func record(_ entry: Entry) { queue.yield(entry) }

  /// Records something that a machine did, unless it is one thing too many.
  func recordOfMachine(_ entry: Entry) {
    let untold: Int? = state.withLock { state in
      guard state.gate.take(at: .now()) else {
        state.untold += 1
        return nil
      }
      defer { state.untold = 0 }
      return state.untold
    }
    guard let untold else { return }
    if untold > 0 { queue.yield(Entry(event: "left-out", message: "\(untold) events of machines")) }
    queue.yield(entry)
  }

  /// Writes what is waiting.
  func finish() async {
    queue.finish()
    await writing.value
  }
}

/// A file that is added to, and that others may rename (logrotate).
final class AppendedFile: Sendable {
  private let path: FilePath
  private let descriptor: Mutex<SystemPackage.FileDescriptor>

  /// - Throws: `OperationFailure`.
  init(_ path: FilePath) throws {
    self.path = path
    descriptor = Mutex(try Self.open(path))
  }

  deinit { try? descriptor.withLock { $0 }.close() }

  private static func open(_ path: FilePath) throws -> SystemPackage.FileDescriptor {
    try OperationFailure.wrap("open", path) {
      try SystemPackage.FileDescriptor.open(
        path, .writeOnly, options: [.append, .create, .closeOnExec, .noFollow],
        permissions: [.ownerReadWrite, .groupRead])
    }
  }

  /// Adds bytes; all of them, or it throws. A piece that did get there is ended by a line end.
  /// - Throws: `OperationFailure`.
  func append(_ bytes: [UInt8]) throws {
    try descriptor.withLock { descriptor in
      if !isStillThere(descriptor) {
        let new = try Self.open(path)
        try? descriptor.close()
        descriptor = new
      }
      try OperationFailure.wrap("write", path) {
        let written = try bytes.withUnsafeBytes { try descriptor.write($0) }
        guard written < bytes.count else { return }
        _ = try? descriptor.writeAll([UInt8(ascii: "\n")])
        throw Errno.noSpace
      }
    }
  }

  /// Whether the open file still has the name.
  private func isStillThere(_ descriptor: SystemPackage.FileDescriptor) -> Bool {
    var (open, named) = (stat(), stat())
    guard fstat(descriptor.rawValue, &open) == 0, stat(path.string, &named) == 0 else { return false }
    return open.st_dev == named.st_dev && open.st_ino == named.st_ino
  }
}
