// SPDX-License-Identifier: GPL-3.0-or-later
import NIOCore
import Synchronization
import Testing

@testable import NetworkBoot

/// What keeps one client from taking what others need.
@Suite struct LimitTests {
  @Test func aBucketGivesItsBurstAndThenItsRate() {
    var bucket = TokenBucket(rate: 10, burst: 3)
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    #expect((0..<5).map { _ in bucket.take(at: start) } == [true, true, true, false, false])
    let next = [100, 150].map { bucket.take(at: start + .milliseconds($0)) }
    #expect(next == [true, false])
    let later = start + .hours(1)
    #expect((0..<5).filter { _ in bucket.take(at: later) }.count == 3, "no more than the burst is saved up")
  }

  @Test func manyKeysTogetherHaveALimitAndAreForgotten() {
    var gate = RateGate<Int>(rate: 1, burst: 1, rateOfAll: 50)
    let now = NIODeadline.uptimeNanoseconds(1)
    #expect((0..<100_000).filter { gate.take($0, at: now) }.count == 50)
    let again = gate.take(99_999, at: now)
    #expect(!again, "its own bucket is empty too")
  }

  @Test func aLedgerCountsAddressesAndAll() {
    let ledger = Ledger(most: 3, mostByAddress: 2)
    #expect(["a", "a", "a", "b", "c"].map { ledger.enter($0) } == [true, true, false, true, false])
    ledger.leave("a")
    #expect(ledger.enter("c") && ledger.count == 3)
  }

  @Test func aFloodOfRefusalsIsCountedAndNewsComeThrough() {
    let told = Mutex<[ServiceEvent]>([])
    let log = EventLog { event in told.withLock { $0.append(event) } }
    for number in 0..<10_000 { log.say(ServiceEvent(.http, .refusal, client: "10.0.0.1", "number \(number)")) }
    log.say(ServiceEvent(.set, "another set"))
    let events = told.withLock { $0 }
    #expect(events.count < 1000 && events.last?.message == "another set", "\(events.count)")
  }

  @Test func datesAreHTTPs() {
    #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
  }
}
