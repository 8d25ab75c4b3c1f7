// SPDX-License-Identifier: GPL-3.0-or-later
import NIOCore
import Testing

@testable import NetworkBoot

/// When the service waits for an acknowledgement without sleeping. The client is a rule that says how many microseconds
/// it takes, asleep and awake.
@Suite struct TFTPWatchTests {
  @Test func whereItIsQuickerTheServerStaysAwake() {
    var client = Client()
    client.answer(10_000, asleep: 50, awake: 20)
    #expect(client.looks > 9_000, "after one trial of each")
  }

  @Test func whereItIsSlowerItIsTriedLessAndLess() {
    var client = Client()
    client.answer(100_000, asleep: 20, awake: 60)
    let early = client.looks
    #expect(early >= 256 && early < 100_000 / 16)
    client.answer(100_000, asleep: 20, awake: 60)
    #expect(client.looks - early < 100_000 / 32)
  }

  @Test func aClientThatGetsSlowEndsIt() {
    var client = Client()
    client.answer(10_000, asleep: 50, awake: 20)
    let before = client.looks
    client.answer(10_000, asleep: 1000, awake: 1000)
    #expect(client.looks - before < 2048)
  }

  private struct Client {
    var now = NIODeadline.uptimeNanoseconds(1)
    lazy var watch = TFTPWatch(at: now)
    /// How many answers were looked for.
    var looks = 0

    mutating func answer(_ count: Int, asleep: Int64, awake: Int64) {
      var isLooking = false
      for _ in 0..<count {
        now = now + .microseconds(isLooking ? awake : asleep)
        isLooking = watch.answered(at: now)
        looks += isLooking ? 1 : 0
      }
    }
  }
}
