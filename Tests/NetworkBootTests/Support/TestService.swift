// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBoot
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// The service in this process, on loopback and on ports that the kernel chose, without the ports of DHCP.
struct TestService: Sendable {
  let plan: ServicePlan
  let events: Events

  var httpPort: Int { plan.ports[0].number }
  var tftpPort: Int { plan.ports[1].number }

  /// `http://127.0.0.1:41234/NAME`.
  func url(_ name: String) -> String { "http://127.0.0.1:\(httpPort)/\(name)" }

  /// Serves a site while `body` runs.
  static func with<Result: Sendable>(
    _ site: TestSite, _ change: (inout BootService.Options) -> Void = { _ in },
    _ body: @escaping @Sendable (TestService) async throws -> Result
  ) async throws -> Result {
    var options = BootService.Options(site: site.path)
    options.interfaces = ["lo"]
    (options.httpPort, options.tftpPort, options.listensForDHCP) = (0, 0, false)
    change(&options)
    let service = BootService(options)
    let events = Events()
    let (ready, announce) = AsyncStream<ServicePlan>.makeStream()
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask {
        defer { announce.finish() }
        try await service.run(onEvent: { events.add($0) }, whenReady: { announce.yield($0) })
        return nil
      }
      group.addTask {
        for await plan in ready { return try await body(TestService(plan: plan, events: events)) }
        return nil
      }
      defer { group.cancelAll() }
      while let result = try await group.next() { if let result { return result } }
      throw CancellationError()
    }
  }

  /// Runs curl.
  func curl(_ arguments: String...) async throws -> Tool.Outcome {
    try await Tool.run("curl", ["--silent", "--show-error", "--max-time", "60"] + arguments, package: "curl")
  }

  /// Runs a Python program with the two ports as its first arguments.
  func python(_ program: String, _ arguments: [String] = []) async throws -> Tool.Outcome {
    try await Tool.run("python3", ["-c", program, "\(httpPort)", "\(tftpPort)"] + arguments, package: "python3")
  }
}

/// What the service has said, from its beginning, for any number of readers.
final class Events: Sendable {
  private struct State {
    var all: [ServiceEvent] = []
    var readers: [AsyncStream<ServiceEvent>.Continuation] = []
  }

  private let state = Mutex(State())

  func add(_ event: ServiceEvent) {
    state.withLock { state in
      state.all.append(event)
      for reader in state.readers { reader.yield(event) }
    }
  }

  /// All so far.
  var all: [ServiceEvent] { state.withLock { $0.all } }

  /// Waits for the first event that is wanted.
  func first(where wanted: (ServiceEvent) -> Bool) async throws -> ServiceEvent {
    let (stream, continuation) = AsyncStream<ServiceEvent>.makeStream()
    state.withLock { state in
      for event in state.all { continuation.yield(event) }
      state.readers.append(continuation)
    }
    for await event in stream where wanted(event) { return event }
    throw CancellationError()
  }
}
