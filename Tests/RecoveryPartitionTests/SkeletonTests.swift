// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import RecoveryPartition

@Suite struct BootEntryTests {
  @Test func placesAreWrittenAsOnTheCommandLine() {
    #expect(BootWish.Place(rawValue: "last") == .last)
    #expect(BootWish(hasBitLocker: true).place == .last)
  }
}
