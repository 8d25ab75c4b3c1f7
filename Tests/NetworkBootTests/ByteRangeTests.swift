// SPDX-License-Identifier: GPL-3.0-or-later
import Testing

@testable import NetworkBoot

/// RFC 9110, section 14.
@Suite struct ByteRangeTests {
  struct Case: Sendable {
    var field: String
    var size: Int
    var expected: ByteRange
  }

  @Test(arguments: [
    Case(field: "bytes=0-499", size: 10000, expected: .part(0..<500)),
    Case(field: "bytes=500-999", size: 10000, expected: .part(500..<1000)),
    Case(field: "bytes=9500-", size: 10000, expected: .part(9500..<10000)),
    Case(field: "bytes=-500", size: 10000, expected: .part(9500..<10000)),
    Case(field: "bytes=-20000", size: 10000, expected: .part(0..<10000)),
    Case(field: "bytes=0-0", size: 10000, expected: .part(0..<1)),
    Case(field: "BYTES= 9999-20000", size: 10000, expected: .part(9999..<10000)),
    Case(field: "bytes=0-99999999999999999999", size: 10000, expected: .part(0..<10000)),
    Case(field: "bytes=0-9223372036854775807", size: 10000, expected: .part(0..<10000)),
    Case(field: "bytes=10000-", size: 10000, expected: .unsatisfiable),
    Case(field: "bytes=99999999999999999999-", size: 10000, expected: .unsatisfiable),
    Case(field: "bytes=-0", size: 10000, expected: .unsatisfiable),
    Case(field: "bytes=0-", size: 0, expected: .unsatisfiable),
    Case(field: "bytes=-1", size: 0, expected: .unsatisfiable),
  ])
  func aRangeIsGivenOrRefused(_ one: Case) {
    #expect(ByteRange([one.field], size: one.size) == one.expected, "\(one.field)")
  }

  @Test(arguments: [
    "bytes=5-4", "bytes=0-1,3-4", "bytes=", "bytes=-", "bytes", "lines=0-1", "bytes=a-b", "bytes=+1-2", "bytes=1-2-3",
    "bytes=0x1-2", "bytes=1 - 2", "=0-1", "",
  ])
  func whatIsNoSingleRangeIsPassedOver(_ field: String) {
    #expect(ByteRange([field], size: 10000) == .whole)
  }

  @Test func twoFieldsAreNoSingleRange() { #expect(ByteRange(["bytes=0-1", "bytes=2-3"], size: 10) == .whole) }
  @Test func noFieldAsksForAll() { #expect(ByteRange([], size: 10) == .whole) }
}
