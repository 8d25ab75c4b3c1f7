// SPDX-License-Identifier: GPL-3.0-or-later
import Dispatch
@preconcurrency import Glibc
import HostSystem
import Synchronization

/// SIGINT and SIGTERM, in one place: the first cancels the work, the second ends the process at once.
final class Interruption: Sendable {
  private struct State {
    var count = 0
    var cancel: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  private let sources = Mutex<[Source]>([])

  /// A signal source; dispatch sources may be used from any thread.
  private struct Source: @unchecked Sendable { let source: any DispatchSourceSignal }

  /// Whether a signal has come.
  var hasHappened: Bool { state.withLock { $0.count > 0 } }

  /// Takes the two signals over for the rest of the process.
  /// - Parameter atOnce: called before the second one ends the process.
  func watch(atOnce: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [self] in
        guard arrive() > 1 else { return }
        atOnce()
        _exit(ExitStatus.interrupted.rawValue)
      }
      source.resume()
      let kept = Source(source: source)
      sources.withLock { $0.append(kept) }
    }
  }

  /// Gives the signals back, on the calling thread, to a program that this process is about to become: what is ignored
  /// or blocked stays so across execve(2), and Dispatch blocks signals on its threads.
  static func handOver() {
    for number in [SIGINT, SIGTERM, SIGPIPE] { signal(number, SIG_DFL) }
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
  }

  /// A signal has come; returns which one this is, from 1.
  @discardableResult func arrive() -> Int {
    let (count, cancel) = state.withLock { state in
      state.count += 1
      return (state.count, state.cancel)
    }
    if count == 1 { cancel?() }
    return count
  }

  /// Runs `body` as the work that the first signal cancels, and waits until it has ended by itself.
  func cancelling<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
    let work = Task { await body() }
    let isLate = state.withLock { state in
      state.cancel = { work.cancel() }
      return state.count > 0
    }
    if isLate { work.cancel() }
    return await work.value
  }
}
