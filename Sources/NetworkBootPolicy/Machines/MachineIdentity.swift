// SPDX-License-Identifier: GPL-3.0-or-later
public import NetworkBootProtocol

/// Which machine, as it claims itself: its card and its firmware's identity.
///
/// Both together, because an adapter that many computers share has one address, and many boards have one UUID.
public struct MachineIdentity: Sendable, Hashable {
  /// Its card's address.
  public let hardware: HardwareAddress
  /// Its firmware's identity, in the one of the two byte orders that sorts first; nil where it has none.
  public let machine: MachineUUID?

  /// An identity; a UUID of all zeros or all ones is none.
  public init(_ hardware: HardwareAddress, _ machine: MachineUUID?) {
    self.hardware = hardware
    self.machine = machine.flatMap { uuid in
      guard uuid.isSet else { return nil }
      return uuid.bytes.lexicographicallyPrecedes(uuid.swapped.bytes) ? uuid : uuid.swapped
    }
  }
}

extension MachineMatch {
  /// Whether all that this names is what the other names too.
  func covers(_ other: MachineMatch) -> Bool {
    guard hardware != nil || machine != nil else { return false }
    if let hardware, hardware != other.hardware { return false }
    guard let machine else { return true }
    return other.machine.map { machine.isSameMachine(as: $0) } ?? false
  }

  /// For messages: `52:54:00:12:34:56`.
  public var words: String {
    [hardware?.description, machine?.description].compactMap(\.self).joined(separator: " with ")
  }
}
