// SPDX-License-Identifier: GPL-3.0-or-later
internal import CBus
@preconcurrency internal import Glibc
internal import Foundation
internal import Synchronization
public import SystemPackage

/// A service that answers as UDisks2 does, on a bus of the test's own: it opens what the test names, with the rights of
/// the test.
public final class FakeUDisks: Sendable {
  /// What it does when it is asked for a drive.
  public enum Behaviour: Sendable {
    /// Opens this file or device as it was asked to.
    case opens(FilePath)
    /// The same, but only the first time; a file cannot be held.
    case opensOnce(FilePath)
    /// The same, but without these flags of open(2).
    case opensWithout(FilePath, flags: Int32)
    /// The same, but for reading only.
    case opensReadOnly(FilePath)
    /// Wants a password until this file is there, which polkit's agent stands for.
    case opensWithAgent(FilePath, agent: FilePath)
    /// Knows no device.
    case knowsNothing
    /// Answers with an error.
    case fails(name: String, text: String)
    /// Never answers.
    case isSilent
  }

  /// What it was asked.
  public struct Question: Sendable {
    /// The path that was resolved last.
    public var path: String?
    /// The mode and flags of `OpenDevice`.
    public var mode: String?
    public var flags: Int32?
    /// Whether no person may be asked.
    public var isSilent: Bool?
    /// How often something was to be opened.
    public var count = 0
  }

  private let behaviour: Behaviour
  private let isSystem: Bool
  private let question = Mutex(Question())
  private let isEnding = Mutex(false)

  /// What it was asked so far.
  public var asked: Question { question.withLock { $0 } }

  private init(_ behaviour: Behaviour, isSystem: Bool) {
    self.behaviour = behaviour
    self.isSystem = isSystem
  }

  /// Serves on a bus as long as `body` runs.
  /// - Parameter isSystem: whether it takes its device for a built-in one.
  public static func with<Result: Sendable>(
    _ behaviour: Behaviour, on address: String, isSystem: Bool = false,
    _ body: (FakeUDisks) async throws -> Result
  ) async throws -> Result {
    let fake = FakeUDisks(behaviour, isSystem: isSystem)
    let (ends, ended) = AsyncStream<Void>.makeStream()
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      Thread.detachNewThread {
        fake.serve(address) { result in continuation.resume(with: result) }
        ended.finish()
      }
    }
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(fake)) } catch { result = .failure(error) }
    fake.isEnding.withLock { $0 = true }
    for await _ in ends {}
    return try result.get()
  }

  private func serve(_ address: String, started: (Swift.Result<Void, any Error>) -> Void) {
    var bus: OpaquePointer?
    let results = [
      sd_bus_new(&bus), sd_bus_set_address(bus, address), sd_bus_set_bus_client(bus, 1), sd_bus_start(bus),
      sd_bus_request_name(bus, "org.freedesktop.UDisks2", 0),
    ]
    defer { sd_bus_flush_close_unref(bus) }
    if let failed = results.first(where: { $0 < 0 }) { return started(.failure(Errno(rawValue: -failed))) }
    started(.success(()))
    while !isEnding.withLock({ $0 }) {
      var message: OpaquePointer?
      let worked = sd_bus_process(bus, &message)
      if worked < 0 { return }
      if let message {
        if sd_bus_message_is_method_call(message, nil, nil) > 0 { answer(message) }
        sd_bus_message_unref(message)
      } else if worked == 0 {
        sd_bus_wait(bus, 50_000)
      }
    }
  }

  private func answer(_ call: OpaquePointer) {
    switch sd_bus_message_get_member(call).map({ String(cString: $0) }) {
    case "ResolveDevice": resolve(call)
    case "Get":
      reply(to: call) { reply in
        sd_bus_message_open_container(reply, letter("v"), "b")
        var value: Int32 = isSystem ? 1 : 0
        sd_bus_message_append_basic(reply, letter("b"), &value)
        sd_bus_message_close_container(reply)
      }
    case "OpenDevice": open(call)
    default: fail(call, "org.freedesktop.DBus.Error.UnknownMethod", "no such method")
    }
  }

  private func resolve(_ call: OpaquePointer) {
    var path: String?
    options(of: call) { name in if name == "path" { path = text(in: call) } else { sd_bus_message_skip(call, "v") } }
    question.withLock { $0.path = path }
    reply(to: call) { reply in
      sd_bus_message_open_container(reply, letter("a"), "o")
      if case .knowsNothing = behaviour {
      } else {
        sd_bus_message_append_basic(reply, letter("o"), "/org/freedesktop/UDisks2/block_devices/test")
      }
      sd_bus_message_close_container(reply)
    }
  }

  private func open(_ call: OpaquePointer) {
    var mode: UnsafePointer<CChar>?
    sd_bus_message_read_basic(call, letter("s"), &mode)
    var flags: Int32 = 0
    var isSilent: Int32 = 0
    options(of: call) { name in
      switch name {
      case "flags": number(in: call, "i", &flags)
      case "auth.no_user_interaction": number(in: call, "b", &isSilent)
      default: sd_bus_message_skip(call, "v")
      }
    }
    question.withLock {
      $0.count += 1
      guard $0.count == 1 else { return }
      ($0.mode, $0.flags, $0.isSilent) = (mode.map { String(cString: $0) }, flags, isSilent != 0)
    }
    switch behaviour {
    case .opens(let path): hand(over: path, O_RDWR | flags, call)
    case .opensOnce(let path):
      if asked.count == 1 { return hand(over: path, O_RDWR | flags & ~O_EXCL, call) }
      fail(call, "org.freedesktop.UDisks2.Error.Failed", "Error opening device \(path): Device or resource busy")
    case .opensWithout(let path, let left): hand(over: path, O_RDWR | flags & ~left, call)
    case .opensReadOnly(let path): hand(over: path, O_RDONLY | flags, call)
    case .opensWithAgent(let path, let agent):
      if access(agent.string, F_OK) == 0 { return hand(over: path, O_RDWR | flags, call) }
      fail(call, "org.freedesktop.UDisks2.Error.NotAuthorizedCanObtain", "Not authorized to perform operation")
    case .fails(let name, let text): fail(call, name, text)
    case .knowsNothing: fail(call, "org.freedesktop.DBus.Error.UnknownObject", "no such object")
    case .isSilent: break
    }
  }

  private func hand(over path: FilePath, _ flags: Int32, _ call: OpaquePointer) {
    var descriptor = Glibc.open(path.string, flags)
    guard descriptor >= 0 else {
      let reason = Errno(rawValue: errno)
      return fail(call, "org.freedesktop.UDisks2.Error.Failed", "Error opening device \(path): \(reason)")
    }
    // The message has a copy of its own.
    reply(to: call) { sd_bus_message_append_basic($0, letter("h"), &descriptor) }
    close(descriptor)
  }

  private func reply(to call: OpaquePointer, _ fill: (OpaquePointer?) -> Void) {
    var reply: OpaquePointer?
    sd_bus_message_new_method_return(call, &reply)
    fill(reply)
    sd_bus_send(nil, reply, nil)
    sd_bus_message_unref(reply)
  }

  private func fail(_ call: OpaquePointer, _ name: String, _ text: String) {
    name.withCString { name in
      text.withCString { text in
        var error = sd_bus_error(name: name, message: text, _need_free: 0)
        var reply: OpaquePointer?
        sd_bus_message_new_method_error(call, &reply, &error)
        sd_bus_send(nil, reply, nil)
        sd_bus_message_unref(reply)
      }
    }
  }

  /// Calls `body` with each name of a dictionary, which has to read its variant.
  private func options(of call: OpaquePointer, _ body: (String) -> Void) {
    sd_bus_message_enter_container(call, letter("a"), "{sv}")
    while sd_bus_message_enter_container(call, letter("e"), "sv") > 0 {
      var name: UnsafePointer<CChar>?
      sd_bus_message_read_basic(call, letter("s"), &name)
      body(name.map { String(cString: $0) } ?? "")
      sd_bus_message_exit_container(call)
    }
    sd_bus_message_exit_container(call)
  }

  private func text(in call: OpaquePointer) -> String? {
    var text: UnsafePointer<CChar>?
    sd_bus_message_enter_container(call, letter("v"), "s")
    sd_bus_message_read_basic(call, letter("s"), &text)
    let copy = text.map { String(cString: $0) }
    sd_bus_message_exit_container(call)
    return copy
  }

  private func number(in call: OpaquePointer, _ type: String, _ value: inout Int32) {
    sd_bus_message_enter_container(call, letter("v"), type)
    sd_bus_message_read_basic(call, letter(type), &value)
    sd_bus_message_exit_container(call)
  }

  private func letter(_ text: String) -> CChar { text.utf8CString[0] }
}
