// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// Why bytes from the network, or values of ours, are not what the protocols allow.
///
/// These are for the log of the service: a bad packet never ends it.
public enum NetworkBootProtocolFailure: Diagnosable, Hashable {
  /// Bytes are no DHCP packet.
  case dhcp(DHCPProblem)
  /// A DHCP answer would be longer than the client takes.
  case answerTooLong(bytes: Int, limit: Int)
  /// Bytes are no TFTP packet.
  case tftp(TFTPProblem)
  /// A name cannot be an object's.
  case name(ObjectName.Refusal)

  /// What may be wrong with a DHCP packet.
  public enum DHCPProblem: Sendable, Hashable {
    /// Shorter than the fixed fields and the magic cookie, 240 bytes.
    case truncated(bytes: Int)
    /// Longer than any client of ours sends.
    case oversized(bytes: Int, limit: Int)
    /// `op` is neither 1 nor 2.
    case operation(UInt8)
    /// `hlen` is over 16.
    case hardwareAddressLength(UInt8)
    /// The four bytes 99, 130, 83, 99 are not where RFC 2131 §3 wants them: plain BOOTP, or nothing of the kind.
    case noMagicCookie
    /// An option's length reaches past the end of its field.
    case truncatedOption(code: UInt8)
    /// The pieces of an option together are longer than any option of ours.
    case oversizedOption(code: UInt8, limit: Int)
    /// Option 52 has a value other than 1 to 3, or stands in a field that it speaks of.
    case overload
  }

  /// What may be wrong with a TFTP packet.
  public enum TFTPProblem: Sendable, Hashable {
    /// It ends too early for its kind.
    case truncated(bytes: Int)
    /// A request of more than 512 bytes (RFC 2347), or a block longer than any negotiated one.
    case oversized(bytes: Int, limit: Int)
    /// An operation that RFC 1350 and RFC 2347 do not know.
    case operation(UInt16)
    /// A text is not ended by NUL.
    case unterminated
  }
}

extension NetworkBootProtocolFailure {
  /// Stable identifier.
  public var code: String {
    switch self {
    case .dhcp: "bad-dhcp-packet"
    case .answerTooLong: "answer-too-long"
    case .tftp: "bad-tftp-packet"
    case .name: "bad-object-name"
    }
  }

  /// What is wrong.
  public var message: String {
    switch self {
    case .dhcp(let problem): "not a DHCP packet: \(problem)"
    case .answerTooLong(let bytes, let limit):
      "the answer needs \(bytes) bytes, and the client takes \(limit)"
    case .tftp(let problem): "not a TFTP packet: \(problem)"
    case .name(let refusal): refusal.message
    }
  }

  /// What to do; nothing can be done about what strangers send.
  public var remedy: String? {
    switch self {
    case .answerTooLong: "Give the boot files shorter names."
    case .dhcp, .tftp, .name: nil
    }
  }

  /// The exit status.
  public var kind: FailureKind { .badInput }
}

extension NetworkBootProtocolFailure.DHCPProblem: CustomStringConvertible {
  /// For the log.
  public var description: String {
    switch self {
    case .truncated(let bytes): "it has \(bytes) bytes, and at least 240 are needed"
    case .oversized(let bytes, let limit): "it has \(bytes) bytes, and at most \(limit) are read"
    case .operation(let value): "its operation is \(value), which is neither request nor reply"
    case .hardwareAddressLength(let value): "its hardware address has \(value) bytes, and 16 fit"
    case .noMagicCookie: "it has no magic cookie"
    case .truncatedOption(let code): "option \(code) reaches past the end"
    case .oversizedOption(let code, let limit): "option \(code) has more than \(limit) bytes"
    case .overload: "option 52 makes no sense"
    }
  }
}

extension NetworkBootProtocolFailure.TFTPProblem: CustomStringConvertible {
  /// For the log.
  public var description: String {
    switch self {
    case .truncated(let bytes): "it ends after \(bytes) bytes"
    case .oversized(let bytes, let limit): "it has \(bytes) bytes, and at most \(limit) are allowed"
    case .operation(let value): "its operation is \(value)"
    case .unterminated: "a text in it has no end"
    }
  }
}
