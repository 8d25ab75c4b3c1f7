// SPDX-License-Identifier: GPL-3.0-or-later

/// Something that happened, for the log: one line, or one JSON object.
public struct ServiceEvent: Sendable, Hashable, Encodable {
  /// What it is about.
  public enum Kind: String, Sendable, Hashable, Encodable, CaseIterable {
    /// The service itself: it is ready, it ends.
    case service
    /// The site's folder.
    case site
    /// Another set is served.
    case set
    /// A network interface.
    case interface
    /// A client's DHCP packet.
    case dhcp
    /// A TFTP request.
    case tftp
    /// An HTTP request.
    case http
    /// A started system that asks whether it may go on.
    case admission
    /// The policy file.
    case policy
    /// Something that an administrator did.
    case admin
    /// The record of what happened.
    case audit
  }

  /// How much it matters.
  public enum Weight: String, Sendable, Hashable, Encodable {
    /// As it should be.
    case news
    /// Somebody asked for what he does not get; floods of these are cut short.
    case refusal
    /// Something is wrong here.
    case trouble
  }

  /// What it is about.
  public var event: Kind
  /// How much it matters.
  public var weight: Weight
  /// Who: a hardware address or an IP address.
  public var client: String?
  /// The object's name.
  public var name: String?
  /// How many of its bytes went out.
  public var bytes: Int?
  /// For people.
  public var message: String

  init(
    _ event: Kind, _ weight: Weight, client: String? = nil, name: String? = nil, bytes: Int? = nil,
    _ message: String
  ) {
    (self.event, self.weight, self.client) = (event, weight, client)
    (self.name, self.bytes, self.message) = (name, bytes, message)
  }

  init(_ event: Kind, client: String? = nil, name: String? = nil, bytes: Int? = nil, _ message: String) {
    self.init(event, .news, client: client, name: name, bytes: bytes, message)
  }

  /// `http 10.66.0.9: boot/tier1.iso, 44 MB in 3.1 s`.
  public var line: String { "\(event.rawValue)\(client.map { " " + $0 } ?? ""): \(message)" }
}
