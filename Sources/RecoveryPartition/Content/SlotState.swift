// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly

/// Which of the two slots starts: the file `lifeboat/state`, an environment block of GRUB. Pure.
///
///     # GRUB Environment Block
///     current=628de5945da74911      the slot that starts
///     previous=fcc4381e47ea02ee     the other one; empty where there is none
///     trying=628de5945da74911       set by GRUB before a kernel starts, emptied by the initrd when all is well
///     bad=                          the slot that the initrd has found damaged
///     ####…
///
/// The block has 1,024 bytes and the text fits into the first 512, so that a switch changes one sector: a power cut
/// leaves the old text or the new one.
package struct SlotState: Sendable, Equatable {
  /// The identifier of the set that starts.
  package var current: String
  /// The identifier of the one before.
  package var previous: String?
  /// The set whose start has begun, and has not come to life.
  package var trying: String?
  /// The set that was found damaged.
  package var bad: String?

  /// What stands first in the block.
  static let signature = "# GRUB Environment Block\n"
  /// GRUB's `envblk` has this length and no other.
  static let size = 1024
  /// Where it lies in the partition.
  static let path = PartitionMenu.statePath

  /// Wraps the values.
  package init(current: String, previous: String? = nil, trying: String? = nil, bad: String? = nil) {
    (self.current, self.previous, self.trying, self.bad) = (current, previous, trying, bad)
  }

  /// Reads a block; nil where it is none, or names no slot.
  package init?(_ block: [UInt8]) {
    guard block.count == Self.size, block.starts(with: Self.signature.utf8) else { return nil }
    var values: [String: String] = [:]
    for line in String(decoding: block, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, !parts[1].isEmpty { values[String(parts[0])] = String(parts[1]) }
    }
    func identifier(_ name: String) -> String? { values[name].flatMap { RecoverySet.isIdentifier($0) ? $0 : nil } }
    guard let current = identifier("current") else { return nil }
    self.init(
      current: current, previous: identifier("previous"), trying: identifier("trying"), bad: identifier("bad"))
  }

  /// The block.
  package var block: [UInt8] {
    let lines = [("current", current), ("previous", previous), ("trying", trying), ("bad", bad)]
    let text = Self.signature + lines.map { "\($0)=\($1 ?? "")\n" }.joined()
    return Array(text.utf8) + [UInt8](repeating: UInt8(ascii: "#"), count: Self.size - text.utf8.count)
  }

  /// What the sets are that it names.
  package var slots: [String] { [current] + (previous.map { [$0] } ?? []) }

  /// The state after another set has become current.
  package func switched(to identifier: String) -> SlotState {
    SlotState(current: identifier, previous: current == identifier ? previous : current)
  }
}
