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

  /// Waits for what must be waited for in a function that cannot be asynchronous. Only for threads of this kind: one of
  /// Swift's own might be the one that `body` needs.
  package static func waiting<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws -> Result
  {
    let box = Box<Result>()
    let done = DispatchSemaphore(value: 0)
    Task {
      do {
        let result = try await body()
        box.outcome.withLock { $0 = .success(result) }
      } catch { box.outcome.withLock { $0 = .failure(error) } }
      done.signal()
    }
    done.wait()
    guard let result = box.outcome.withLock({ $0 }) else { throw CancellationError() }
    return try result.get()
  }

  private final class Box<Result: Sendable>: Sendable {
    let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)
  }

  private final class Cancellation: Sendable {
    private let requested = Atomic(false)
    var isRequested: Bool { requested.load(ordering: .relaxed) }
    func request() { requested.store(true, ordering: .relaxed) }
  }
}
