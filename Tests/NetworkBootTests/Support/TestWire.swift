// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import Synchronization
import SystemPackage
import TestSupport

/// A wire of the test's own: network namespaces on one bridge, gone with everything in them at the end.
///
///     site 10.66.0.1  dnsmasq, plain DHCP ─┐
///     srv  10.66.0.2  lifeboat serve ──────┼─ bridge in `wire`, where a machine's tap may be
///     other, client, no address ───────────┘
struct TestWire: Sendable {
  /// The beginning of the namespaces' names; nobody else's begin so.
  let name: String
  /// For leases and logs.
  let scratch: FilePath

  /// Whether this user may make namespaces here.
  static func isPossible() async -> Bool {
    guard getuid() == 0, Tool.isInstalled("ip"), Tool.isInstalled("dnsmasq") else { return false }
    let trial = "lifeboat-\(getpid())-trial"
    let made = try? await Tool.run("ip", ["netns", "add", trial])
    _ = try? await Tool.run("ip", ["netns", "del", trial])
    return made?.status == 0
  }

  private static let count = Mutex(0)

  /// Makes the wire, starts the site's DHCP server on it, and takes all of it away after `body`.
  static func with<Result: Sendable>(_ body: @escaping @Sendable (TestWire) async throws -> Result) async throws
    -> Result
  {
    let number = count.withLock { count in
      count += 1
      return count
    }
    return try await TemporaryFolder.with { scratch in
      let wire = TestWire(name: "lifeboat-\(getpid())-\(number)", scratch: scratch)
      do {
        try await wire.make()
        let result = try await wire.serving("site", wire.dnsmasq, until: "DHCP, IP range") { _ in
          try await body(wire)
        }
        await wire.remove()
        return result
      } catch {
        await wire.remove()
        throw error
      }
    }
  }

  private static let nodes = ["site", "srv", "other", "client", "wire"]
  /// A namespace by its part in the play.
  func namespace(_ node: String) -> String { "\(name)-\(node)" }

  private func make() async throws {
    for node in Self.nodes {
      try await ip("netns add \(namespace(node))")
      try await ip("-n \(namespace(node)) link set lo up")
    }
    let wire = namespace("wire")
    try await ip("-n \(wire) link add bridge type bridge forward_delay 0")
    try await ip("-n \(wire) link set bridge up")
    for node in Self.nodes.dropLast() {
      try await ip("-n \(wire) link add \(node) type veth peer name eth0 netns \(namespace(node))")
      try await ip("-n \(wire) link set \(node) master bridge up")
      try await ip("-n \(namespace(node)) link set eth0 up")
    }
    try await ip("-n \(namespace("site")) address add 10.66.0.1/24 dev eth0")
    try await ip("-n \(namespace("srv")) address add 10.66.0.2/24 dev eth0")
  }

  private func remove() async {
    for node in Self.nodes { _ = try? await Tool.run("ip", ["netns", "del", namespace(node)]) }
  }

  /// Runs `ip` with words.
  func ip(_ words: String) async throws {
    try await ExternalCommand("ip", words.split(separator: " ").map(String.init)).run()
  }

  /// A command inside a namespace.
  func command(in node: String, _ words: [String]) -> ExternalCommand {
    ExternalCommand("ip", ["netns", "exec", namespace(node)] + words)
  }

  private var dnsmasq: [String] {
    [
      "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--no-ping", "--dhcp-authoritative",
      "--bind-interfaces", "--user=root", "--pid-file=", "--dhcp-range=10.66.0.100,10.66.0.199,255.255.255.0,1h",
      "--dhcp-leasefile=\(leases)", "--log-dhcp", "--log-facility=-",
    ]
  }

  /// What the site's server has given out.
  var leases: FilePath { scratch.appending("leases") }

  /// Runs a server in a namespace beside `body`, from a line of its output on.
  func serving<Result: Sendable>(
    _ node: String, _ words: [String], until mark: String,
    _ body: @escaping @Sendable (WireLog) async throws -> Result
  ) async throws -> Result {
    let log = WireLog()
    let command = command(in: node, words)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask {
        defer { log.close() }
        try await command.run { log.append($0) }
        return nil
      }
      group.addTask {
        _ = try await log.line(with: mark)
        return try await body(log)
      }
      defer { group.cancelAll() }
      while let result = try await group.next() { if let result { return result } }
      throw WireLog.Ended(lines: log.lines)
    }
  }

  /// Where `serve` listens for administrators.
  var admin: FilePath { scratch.appending("admin.sock") }
  /// The places of `serve`'s own, so that it leaves nothing on this computer.
  var own: [String] { ["--state", scratch.appending("state").string, "--admin", admin.string] }
  private var ownOfAnother: [String] {
    ["--state", scratch.appending("state2").string, "--admin", scratch.appending("admin2.sock").string]
  }

  /// Runs `lifeboat serve` beside `body`.
  /// - Parameter wait: for how many seconds it asks who else is on the wire; most tests need not know, and nil is as usual.
  func serve<Result: Sendable>(
    _ site: FilePath, _ options: [String] = [], in node: String = "srv", wait: Int? = 0,
    _ body: @escaping @Sendable (WireLog) async throws -> Result
  ) async throws -> Result {
    let program = try Repository.program("lifeboat").string
    let words = [program, "serve", "--site", site.string] + (node == "srv" ? own : ownOfAnother)
    let asking = wait.map { ["--wait", "\($0)"] } ?? []
    return try await serving(node, words + options + asking, until: "ready", body)
  }

  /// The memory of the service in the namespace `srv`, in KiB.
  func residentMemory() async throws -> Int {
    let process = "$(ss -Hlntp 'sport = :80' | sed 's/.*pid=\\([0-9]*\\).*/\\1/')"
    let status = command(in: "srv", ["sh", "-c", "grep VmRSS /proc/\(process)/status"])
    return try await status.text().split(separator: " ").compactMap { Int($0) }.first ?? .max
  }

  /// Runs another boot server beside `body`: dnsmasq as a PXE proxy, in the namespace `other`.
  func rival<Result: Sendable>(_ body: @escaping @Sendable (WireLog) async throws -> Result) async throws -> Result {
    try await ip("-n \(namespace("other")) address add 10.66.0.9/24 dev eth0")
    let words = [
      "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=",
      "--dhcp-range=10.66.0.0,proxy", "--pxe-service=X86-64_EFI,other,other.efi", "--log-facility=-",
    ]
    return try await serving("other", words, until: "proxy on subnet", body)
  }

  /// Waits until something holds; the test's time limit ends it else.
  func until(_ holds: () async throws -> Bool) async throws {
    while try await !holds() { try await Task.sleep(for: .milliseconds(100)) }
  }
}

/// The lines of a server, for any number of readers.
final class WireLog: Sendable {
  private struct State {
    var lines: [String] = []
    var isClosed = false
    var readers: [AsyncStream<String>.Continuation] = []
  }

  private let state = Mutex(State())

  /// It ended before it said what was waited for.
  struct Ended: Error { var lines: [String] }

  var lines: [String] { state.withLock { $0.lines } }

  func append(_ line: String) {
    state.withLock { state in
      state.lines.append(line)
      for reader in state.readers { reader.yield(line) }
    }
  }

  func close() {
    state.withLock { state in
      state.isClosed = true
      for reader in state.readers { reader.finish() }
    }
  }

  /// Waits for a line that has some text in it; lines that came before count.
  @discardableResult func line(with text: String) async throws -> String {
    let (stream, continuation) = AsyncStream<String>.makeStream()
    state.withLock { state in
      for line in state.lines { continuation.yield(line) }
      if state.isClosed { continuation.finish() } else { state.readers.append(continuation) }
    }
    for await line in stream where line.contains(text) { return line }
    try Task.checkCancellation()
    throw Ended(lines: lines)
  }
}
