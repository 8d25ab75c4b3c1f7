// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Synchronization

/// Remembers how far a step has come.
final class Recorder: Sendable {
  private let done = Mutex(ByteCount.zero)

  func add(_ event: ProgressEvent) {
    if case .advanced(_, let count, _) = event { done.withLock { $0 = count } }
  }

  var last: ByteCount { done.withLock { $0 } }
}
