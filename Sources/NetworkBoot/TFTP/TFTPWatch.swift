// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore

/// Whether it is worth waiting for a client's next acknowledgement awake.
///
/// Without a window a transfer is a row of questions and answers, and where the network is fast most of its time goes by
/// while a processor falls asleep and wakes up again. The event loop can look for the answer without sleeping; but on a
/// busy computer that takes the processor's time from those who need it, the client's own computer perhaps, and for a
/// distant client it is no use. So it is tried for a short while, kept as long as it is quicker than sleeping, and
/// otherwise tried again after a pause that grows.
struct TFTPWatch {
  /// The longest look.
  static let patience = TimeAmount.microseconds(100)
  /// How many acknowledgements a trial has.
  private static let trial = 256
  private static let pauses = 4...64

  private var isAwake = false
  private var count = 0
  private var trialStart: NIODeadline
  private var asleep = TimeAmount.zero
  private var pause = pauses.lowerBound
  private var left = 1

  init(at now: NIODeadline) { trialStart = now }

  /// An answer has come.
  /// - Returns: whether to look for the next one.
  mutating func answered(at now: NIODeadline) -> Bool {
    count += 1
    guard count == Self.trial else { return isAwake }
    let time = now - trialStart
    (count, trialStart) = (0, now)
    if isAwake, time * 10 < asleep * 9 {
      pause = Self.pauses.lowerBound
    } else if isAwake {
      (isAwake, left) = (false, pause)
      pause = min(2 * pause, Self.pauses.upperBound)
    } else {
      asleep = time
      left -= 1
      isAwake = left <= 0
    }
    return isAwake
  }
}
