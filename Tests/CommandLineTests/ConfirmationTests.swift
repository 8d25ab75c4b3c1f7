// SPDX-License-Identifier: GPL-3.0-or-later
import Testing

@testable import lifeboat

@Suite struct ConfirmationTests {
  @Test func onlySpacesAreForgiven() {
    for typed in ["DRW-24D5MT", "  DRW-24D5MT\r"] { #expect(Confirmation.matches(typed, "DRW-24D5MT")) }
    for typed in ["drw-24d5mt", "DRW", "DRW-24D5MT x", "yes", ""] {
      #expect(!Confirmation.matches(typed, "DRW-24D5MT"), "\(typed)")
    }
  }

  @Test func whatHasNoNameIsNeverConfirmed() {
    for typed in ["", " "] { #expect(!Confirmation.matches(typed, "")) }
  }
}
