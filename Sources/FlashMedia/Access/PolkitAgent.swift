// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem

/// polkit's agent for text terminals: it asks for a password on the terminal of this process.
enum PolkitAgent {
  /// Runs it as long as `body` runs.
  static func beside<Answer: Sendable>(_ body: @escaping @Sendable () async throws -> Answer) async throws -> Answer {
    // It is started only where there is no other. With --fallback, polkit 122 would not use it for a process without a
    // session (get_authentication_agent_for_subject).
    let agent = ExternalCommand("pkttyagent", ["--process", "\(getpid())"], package: "polkitd")
    return try await withThrowingTaskGroup(of: Answer?.self) { group in
      defer { group.cancelAll() }
      // Without it there is the answer that a password is needed, and that says more.
      group.addTask {
        try? await agent.run()
        return nil
      }
      group.addTask { try await body() }
      while let ended = try await group.next() {
        if let answer = ended { return answer }
      }
      throw CancellationError()
    }
  }
}
