// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a packet gets no answer; always told, never only meant.
public enum IgnoreReason: Error, Sendable, Hashable {
  // What it is
  /// The bytes are no DHCP packet.
  case malformed(NetworkBootProtocolFailure)
  /// It is a server's message.
  case notARequest
  /// It has no message type, or one that nobody knows: plain BOOTP.
  case noMessageType
  /// It is no client that starts from the network.
  case notNetboot(vendorClass: String?)
  /// It says `PXEClient` or `HTTPClient`, but not on what (RFC 4578 §2.1 demands it).
  case noArchitecture
  /// There is nothing for what it runs on.
  case unsupportedArchitecture([ClientArchitecture])
  /// No card has such an address.
  case noHardwareAddress(HardwareAddress)

  // Where it comes from
  /// It has passed more relay agents than any network has.
  case relayLoop(hops: UInt8)
  /// It says that this server relayed it.
  case relayIsThisServer(IPv4Address)
  /// No relay agent has such an address.
  case relayAddress(IPv4Address)
  /// Nobody can be answered there.
  case noSource(IPv4Address, port: UInt16)

  // What it asks
  /// Such a message is not answered on this port.
  case messageType(DHCPMessageType, Plane)
  /// It is for another server.
  case forAnotherServer(IPv4Address)
  /// The address is the site's to give.
  case requestForSite
  /// HTTP boot has no boot server port.
  case httpAsksBootServer
  /// The client was, or will be, answered by the shadow reply, which has no second step.
  case shadowHasNoBootServer

  // What was decided
  /// The site's server tells clients to come here.
  case siteMode
  /// The policy for this place is `none`.
  case policyNone
  /// The policy for this place is `known`, and the machine is not.
  case unknownMachine
  /// Somebody denied this machine.
  case deniedMachine
  /// No image is assigned.
  case noImage
  /// An image is assigned that is not in the set.
  case unknownImage(String)
  /// The image has no file for such a client.
  case noFile(image: String, BootLoader)
  /// Another server boots machines here, and it has priority.
  case yields(to: SeenServer)
  /// The answer would be longer than the client takes.
  case answerTooLong(bytes: Int, limit: Int)

  // The site's OFFER, for which a shadow reply waits
  /// It is not the OFFER for this client.
  case notTheOffer
  /// It has no address for the client.
  case offerWithoutAddress
  /// It names a boot file, so the firmware will take that.
  case offerHasBootFile(server: IPv4Address)
  /// None was seen for as long as the client waits.
  case noOffer
  /// Too many clients ask at once.
  case crowded
  /// It has been answered as often as one client is, or all together have.
  case tooOften

  // Addresses of our own, in mode `full`
  /// All addresses are given.
  case poolIsEmpty(AddressPool)
  /// It does not say which address it is about, or that is not this client's.
  case noAddressAsked
  /// Only our own wire has our addresses.
  case relayInFullMode(IPv4Address)
  /// Another server gives addresses here.
  case otherServer(SeenServer)
}

extension IgnoreReason {
  /// For the log: a clause that explains itself.
  public var message: String { wordsAboutPacket ?? wordsAboutPlace ?? wordsAboutDecision }

  private var wordsAboutPacket: String? {
    switch self {
    case .malformed(let problem): "it is \(problem.message)"
    case .notARequest: "it is a server's message"
    case .noMessageType: "it has no DHCP message type"
    case .notNetboot(nil): "the client does not start from the network: it has no vendor class"
    case .notNetboot(let text?): "the client does not start from the network: its vendor class is \"\(text)\""
    case .noArchitecture: "the client does not say what it runs on (option 93)"
    case .unsupportedArchitecture(let list):
      "there is nothing to start on \(list.prefix(4).map(\.description).joined(separator: ", "))"
    case .noHardwareAddress(let address): "no network card has the address \(address)"
    default: nil
    }
  }

  private var wordsAboutPlace: String? {
    switch self {
    case .relayLoop(let hops): "it has passed \(hops) relay agents: they go round in a loop"
    case .relayIsThisServer(let address): "it says that this server, \(address), relayed it"
    case .relayAddress(let address): "no relay agent has the address \(address)"
    case .noSource(let address, let port): "no answer can reach \(address) port \(port)"
    case .messageType(let type, let plane): "a \(type.name) is not answered on port \(plane.rawValue)"
    case .forAnotherServer(let address): "it is for the server \(address)"
    case .requestForSite: "addresses are given by the site's DHCP server"
    case .httpAsksBootServer: "HTTP boot does not ask on port 4011"
    case .shadowHasNoBootServer: "this kind of client gets the shadow reply, which has no second step"
    default: nil
    }
  }

  private var wordsAboutDecision: String {
    switch self {
    case .siteMode: "in mode site the site's DHCP server names the boot file"
    case .policyNone: "the policy here is \"none\""
    case .unknownMachine: "the policy here is \"known\", and this machine is not"
    case .deniedMachine: "this machine was denied"
    case .noImage: "no image is assigned to this machine"
    case .unknownImage(let image): "the image \"\(image)\" is not in the set"
    case .noFile(let image, let loader): "the image \"\(image)\" has no \(loader.rawValue)"
    case .yields(let server): "\(server) boots machines here and has priority"
    case .answerTooLong(let bytes, let limit): "the answer needs \(bytes) bytes, and the client takes \(limit)"
    case .notTheOffer: "it is not the OFFER that the service waits for"
    case .offerWithoutAddress: "the OFFER has no address for the client"
    case .offerHasBootFile(let server): "the OFFER of \(server) names a boot file, which the firmware prefers"
    case .noOffer: "no OFFER of the site's DHCP server was seen in \(ShadowWait.patience.components.seconds) s"
    case .crowded: "too many clients ask at once"
    case .tooOften: "it asks too often, or all together do"
    case .poolIsEmpty(let pool): "all addresses are given, \(pool)"
    case .noAddressAsked: "it does not give the client's own address"
    case .relayInFullMode(let relay): "\(relay) relayed it, and in mode full only computers on this wire get addresses"
    case .otherServer(let server): "\(server) gives addresses here"
    default: "\(self)"
    }
  }
}
