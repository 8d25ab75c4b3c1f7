// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// What has become of the boot entries of a partition that is there and whole.
package struct BootOutcome: Sendable {
  /// Those that were made.
  package var entries: [BootEntry] = []
  /// Why others, or all, were not.
  package var failure: (any Diagnosable)?

  /// Wraps the values.
  package init(entries: [BootEntry] = [], failure: (any Diagnosable)? = nil) {
    (self.entries, self.failure) = (entries, failure)
  }

  /// The entries that `body` makes; what it throws is part of the answer, because the partition is there nevertheless.
  package static func of(_ body: () async throws -> [BootEntry]) async throws -> BootOutcome {
    do { return BootOutcome(entries: try await body()) } catch let failure as any Diagnosable {
      guard case BootEntryFailure.onlySome(let made, _) = failure else { return BootOutcome(failure: failure) }
      return BootOutcome(entries: made, failure: failure)
    }
  }
}
