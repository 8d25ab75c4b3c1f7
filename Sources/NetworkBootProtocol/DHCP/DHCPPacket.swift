// SPDX-License-Identifier: GPL-3.0-or-later

/// A DHCP message (RFC 2131 §2, figure 1) as a value.
///
///      0               1               2               3
///     | op (1)        | htype (1)     | hlen (1)      | hops (1)      |
///     | xid (4)                                                       |
///     | secs (2)                      | flags (2)                     |
///     | ciaddr (4)  the client's, if it has one                       |
///     | yiaddr (4)  "your" address                                    |
///     | siaddr (4)  the next server                                   |
///     | giaddr (4)  the relay agent                                   |
///     | chaddr (16)   sname (64)   file (128)   options, from 240 on  |
///
/// Options in `file` and `sname` (option 52) are read, never written: some firmware does not look for them.
public struct DHCPPacket: Sendable, Hashable {
  /// Which way a message goes (`op`).
  public enum Operation: UInt8, Sendable {
    /// From a client.
    case request = 1
    /// From a server.
    case reply = 2
  }

  /// Which way it goes.
  public var operation: Operation
  /// The client's card: `htype`, `hlen` and `chaddr`.
  public var hardware: HardwareAddress
  /// How many relay agents it has passed.
  public var hops: UInt8 = 0
  /// What the client tells its conversations apart by.
  public var transaction: UInt32
  /// Seconds since the client began.
  public var seconds: UInt16 = 0
  /// All flags; see `wantsBroadcast`.
  public var flags: UInt16 = 0
  /// The address that the client has already (`ciaddr`).
  public var clientAddress = IPv4Address.any
  /// The address that the client gets (`yiaddr`); 0.0.0.0 in the answer of a proxy.
  public var yourAddress = IPv4Address.any
  /// Where the boot file is (`siaddr`).
  public var nextServer = IPv4Address.any
  /// The relay agent (`giaddr`); 0.0.0.0 on the client's own segment.
  public var relay = IPv4Address.any
  /// `sname` without its NULs, at most 64 bytes.
  public var serverName: [UInt8] = []
  /// `file` without its NULs, at most 128 bytes; see also option 67.
  public var bootFile: [UInt8] = []
  /// The options.
  public var options = DHCPOptions()

  /// A message with everything else zero.
  public init(_ operation: Operation, hardware: HardwareAddress, transaction: UInt32) {
    self.operation = operation
    self.hardware = hardware
    self.transaction = transaction
  }

  /// What the message says (option 53); nil for plain BOOTP, and for a value that no standard knows.
  public var messageType: DHCPMessageType? {
    get {
      guard let value = options[.messageType], value.count == 1 else { return nil }
      return DHCPMessageType(rawValue: value[0])
    }
    set { options[.messageType] = newValue.map { [$0.rawValue] } }
  }

  /// Whether the client cannot take a unicast answer before it has an address (RFC 2131 §4.1, the B flag).
  public var wantsBroadcast: Bool {
    get { flags & 0x8000 != 0 }
    set { flags = newValue ? flags | 0x8000 : flags & 0x7fff }
  }

  /// The name of the boot file: option 67, else `file`; nil where neither is there.
  public var bootFileName: [UInt8]? {
    if let name = options.text(.bootFileName), !name.isEmpty { return name }
    return bootFile.isEmpty ? nil : bootFile
  }

  /// The kinds of computer that the client says it is (option 93), in its order; a stray last byte is left out.
  public var architectures: [ClientArchitecture] {
    let bytes = options[.clientArchitecture] ?? []
    return stride(from: 0, to: bytes.count - 1, by: 2).map { index in
      ClientArchitecture(rawValue: UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]))
    }
  }

  /// The machine's identity (option 97); nil unless it is a type byte 0 and 16 bytes that name a machine.
  public var machine: MachineUUID? {
    guard let value = options[.machineIdentifier], value.count == 17, value[0] == 0,
      let uuid = MachineUUID(bytes: value.dropFirst()), uuid.isSet
    else { return nil }
    return uuid
  }

  /// The most bytes of an answer in UDP (option 57 counts IP's and UDP's 28 too): 548 at least (RFC 2131 §2), and no
  /// more than an Ethernet frame carries.
  public var answerLimit: Int {
    guard let value = options[.maximumMessageSize], value.count == 2 else { return 548 }
    return min(max(Int(value[0]) << 8 | Int(value[1]), 576), 1500) - 28
  }
}
