// SPDX-License-Identifier: GPL-3.0-or-later
internal import Dispatch
@preconcurrency internal import Glibc
internal import Synchronization

/// Runs work that blocks, which nothing on Swift's cooperative threads may do, on threads of its own.
package struct BlockingThread: Sendable {
  /// Reading files; any number of jobs.
  package static let reading = BlockingThread(queue: DispatchQueue(label: "reading", attributes: .concurrent))

  private let queue: DispatchQueue

  private init(queue: DispatchQueue) { self.queue = queue }
  /// A thread for a library that has one state for the process.
  package init(label: String) { self.init(queue: DispatchQueue(label: label)) }

  /// Waits for its turn, then runs `body`, which asks the closure that it gets whether the task was cancelled.
  package func run<Result: Sendable>(
    _ body: @escaping @Sendable (_ isCancelled: @escaping () -> Bool) throws -> Result
  ) async throws -> Result {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        queue.async {
          continuation.resume(
            with: Swift.Result {
              if cancellation.isRequested { throw CancellationError() }
              return try Self.withoutFileSizeSignal { try body { cancellation.isRequested } }
            })
        }
      }
    } onCancel: {
      cancellation.request()
    }
  }

  /// A file size limit (`ulimit -f`) shall be an error that names the file, not SIGXFSZ, which would end the process.
  private static func withoutFileSizeSignal<Result>(_ body: () throws -> Result) rethrows -> Result {
    var signals = sigset_t()
    var previous = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGXFSZ)
    pthread_sigmask(SIG_BLOCK, &signals, &previous)
    defer {
      var now = timespec()
      sigtimedwait(&signals, nil, &now)
      pthread_sigmask(SIG_SETMASK, &previous, nil)
    }
    return try body()
  }

  private final class Cancellation: Sendable {
    private let requested = Atomic(false)
    var isRequested: Bool { requested.load(ordering: .relaxed) }
    func request() { requested.store(true, ordering: .relaxed) }
  }
}
