// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization

/// Adds up what several threads have done in one step, and reports it in order.
final class ProgressMeter: Sendable {
  private let step: String
  private let total: ByteCount
  private let handler: ProgressEvent.Handler
  private let done = Mutex(ByteCount.zero)

  init(step: String, total: ByteCount, handler: @escaping ProgressEvent.Handler) {
    self.step = step
    self.total = total
    self.handler = handler
  }

  func start() { handler(.started(step: step, total: total)) }

  func advance(_ bytes: Int) {
    done.withLock {
      $0 += ByteCount(bytes)
      handler(.advanced(step: step, done: $0, total: total))
    }
  }

  func finish() { handler(.finished(step: step, produced: nil)) }
}
