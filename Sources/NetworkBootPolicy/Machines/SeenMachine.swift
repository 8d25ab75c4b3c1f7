// SPDX-License-Identifier: GPL-3.0-or-later
public import NetworkBootProtocol

/// A machine that has asked lately, and where it stands. It is forgotten when the service ends.
public struct SeenMachine: Sendable, Hashable {
  /// Where a machine stands on its way to the recovery system.
  public enum Stage: String, Sendable, CaseIterable, Codable {
    /// Its DHCP packets get no answer.
    case ignored
    /// It was told what to load.
    case offered
    /// It loads its loader, its kernel or its initrd.
    case loading
    /// Its initrd waits until somebody approves it.
    case waiting
    /// Its initrd was turned away.
    case denied
    /// It was sent back to start its own image.
    case restarting
    /// Its initrd loads the layers of the image.
    case fetching
    /// It has all layers, or the hash tree of each and has begun to read it on the server.
    case ready
  }

  /// Which machine.
  public let identity: MachineIdentity
  /// Its firmware's identity as it was told last, for people.
  public var machine: MachineUUID?
  /// What started it.
  public var kind: ClientKind?
  /// The interface it was seen on.
  public var interface: String
  /// An address of its subnet.
  public var link: IPv4Address
  /// The relay agent that its packets came through.
  public var relay: IPv4Address
  /// Its own address, as far as it was seen.
  public var address: IPv4Address?
  /// The file that it was offered.
  public var file: String?
  /// The image that it was offered or has started.
  public var image: String?
  /// Where it stands.
  public var stage: Stage
  /// Why, where it gets nothing.
  public var reason: String?
  /// The number on its screen while it waits.
  public var number: Int?
  /// How often in a row it was sent back to start another image.
  public var restarts = 0
  /// What it has whole, or reads on the server.
  public var layers: Set<String> = []
  /// The hash trees that it has: it is about to leave these layers on the server.
  public var trees: Set<String> = []
  /// Bytes that it has taken since it was offered something.
  public var bytes: Int64 = 0
  /// When it was heard of last, in seconds of Unix time.
  public var lastSeen: Int64

  /// What decisions about it are made from.
  public var claimant: Claimant {
    Claimant(
      hardware: identity.hardware, machine: machine, kind: kind, interface: interface, link: link, relay: relay)
  }
}

/// What a machine needs of one medium to be ready.
public struct MediumLayers: Sendable, Hashable {
  /// The names of its layers.
  public var layers: Set<String>
  /// The name of each layer's hash tree, where it has one.
  public var trees: [String: String]

  /// Describes a medium.
  public init(_ layers: Set<String>, trees: [String: String] = [:]) { (self.layers, self.trees) = (layers, trees) }
}
