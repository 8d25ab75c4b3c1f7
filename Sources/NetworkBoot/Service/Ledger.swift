// SPDX-License-Identifier: GPL-3.0-or-later
internal import Synchronization

/// Counts what is going on, in all and for each address, so that one client cannot take what others need.
final class Ledger: Sendable {
  private struct State {
    var total = 0
    var byAddress: [String: Int] = [:]
  }

  private let state = Mutex(State())
  private let most: Int
  private let mostByAddress: Int

  init(most: Int, mostByAddress: Int) {
    self.most = most
    self.mostByAddress = mostByAddress
  }

  /// How many there are now.
  var count: Int { state.withLock { $0.total } }

  /// Counts one more, if there is room for it; `leave` has to follow.
  func enter(_ address: String) -> Bool {
    state.withLock { state in
      guard state.total < most, state.byAddress[address, default: 0] < mostByAddress else { return false }
      state.total += 1
      state.byAddress[address, default: 0] += 1
      return true
    }
  }

  /// One fewer.
  func leave(_ address: String) {
    state.withLock { state in
      state.total -= 1
      let left = state.byAddress[address, default: 1] - 1
      state.byAddress[address] = left > 0 ? left : nil
    }
  }
}
