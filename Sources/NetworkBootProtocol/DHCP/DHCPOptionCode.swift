// SPDX-License-Identifier: GPL-3.0-or-later

/// The number of a DHCP option (RFC 2132 §2 and IANA's registry); never 0 (pad) or 255 (end), which are no options.
public struct DHCPOptionCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number, 1 to 254.
  public let rawValue: UInt8

  /// Wraps a number; nil for pad and end.
  public init?(rawValue: UInt8) {
    guard rawValue != 0, rawValue != 255 else { return nil }
    self.rawValue = rawValue
  }

  private init(_ rawValue: UInt8) { self.rawValue = rawValue }

  /// 1 (RFC 2132 §3.3).
  public static let subnetMask = DHCPOptionCode(1)
  /// 3 (RFC 2132 §3.5).
  public static let router = DHCPOptionCode(3)
  /// 6 (RFC 2132 §3.8).
  public static let nameServer = DHCPOptionCode(6)
  /// 12 (RFC 2132 §3.14).
  public static let hostName = DHCPOptionCode(12)
  /// 15 (RFC 2132 §3.17).
  public static let domainName = DHCPOptionCode(15)
  /// 28 (RFC 2132 §5.3).
  public static let broadcastAddress = DHCPOptionCode(28)
  /// 43 (RFC 2132 §8.4): for PXE a list of its own, see `PXEVendorOptions`.
  public static let vendorSpecific = DHCPOptionCode(43)
  /// 50 (RFC 2132 §9.1).
  public static let requestedAddress = DHCPOptionCode(50)
  /// 51 (RFC 2132 §9.2): seconds.
  public static let leaseTime = DHCPOptionCode(51)
  /// 52 (RFC 2132 §9.3): options stand in `file` and `sname` too.
  public static let overload = DHCPOptionCode(52)
  /// 53 (RFC 2132 §9.6).
  public static let messageType = DHCPOptionCode(53)
  /// 54 (RFC 2132 §9.7).
  public static let serverIdentifier = DHCPOptionCode(54)
  /// 55 (RFC 2132 §9.8).
  public static let parameterRequestList = DHCPOptionCode(55)
  /// 56 (RFC 2132 §9.9): why a server refuses, as text.
  public static let message = DHCPOptionCode(56)
  /// 57 (RFC 2132 §9.10): the longest message that the client takes.
  public static let maximumMessageSize = DHCPOptionCode(57)
  /// 58 (RFC 2132 §9.11): seconds.
  public static let renewalTime = DHCPOptionCode(58)
  /// 59 (RFC 2132 §9.12): seconds.
  public static let rebindingTime = DHCPOptionCode(59)
  /// 60 (RFC 2132 §9.13): `PXEClient…` or `HTTPClient…`.
  public static let vendorClass = DHCPOptionCode(60)
  /// 61 (RFC 2132 §9.14).
  public static let clientIdentifier = DHCPOptionCode(61)
  /// 66 (RFC 2132 §9.4).
  public static let tftpServerName = DHCPOptionCode(66)
  /// 67 (RFC 2132 §9.5).
  public static let bootFileName = DHCPOptionCode(67)
  /// 77 (RFC 3004).
  public static let userClass = DHCPOptionCode(77)
  /// 82 (RFC 3046).
  public static let relayAgentInformation = DHCPOptionCode(82)
  /// 93 (RFC 4578 §2.1): a list of 16-bit numbers, see `ClientArchitecture`.
  public static let clientArchitecture = DHCPOptionCode(93)
  /// 94 (RFC 4578 §2.2): type, major and minor version of the UNDI.
  public static let clientNetworkInterface = DHCPOptionCode(94)
  /// 97 (RFC 4578 §2.3): a type byte and the machine's UUID.
  public static let machineIdentifier = DHCPOptionCode(97)
  /// 150 (RFC 5859): addresses of TFTP servers, for telephones.
  public static let tftpServerAddresses = DHCPOptionCode(150)
  /// 175: iPXE's list of its own, see `IPXEFeatures`.
  public static let ipxe = DHCPOptionCode(175)
  /// 224, the first of those that RFC 3942 §3 leaves to sites: Lifeboat's offers carry its name here.
  public static let lifeboat = DHCPOptionCode(224)

  /// `option 60`.
  public var description: String { "option \(rawValue)" }
}

/// What a DHCP message says (RFC 2132 §9.6).
public enum DHCPMessageType: UInt8, Sendable, CaseIterable {
  /// DHCPDISCOVER.
  case discover = 1
  /// DHCPOFFER.
  case offer = 2
  /// DHCPREQUEST.
  case request = 3
  /// DHCPDECLINE.
  case decline = 4
  /// DHCPACK.
  case ack = 5
  /// DHCPNAK.
  case nak = 6
  /// DHCPRELEASE.
  case release = 7
  /// DHCPINFORM.
  case inform = 8

  /// `DHCPDISCOVER`, as the standard writes it.
  public var name: String { "DHCP" + String(describing: self).uppercased() }
}
