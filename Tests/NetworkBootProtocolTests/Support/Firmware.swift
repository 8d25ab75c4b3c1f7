// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol

/// DISCOVERs as firmware sends them: the options in its order, by EDK2's PxeBcDhcp4.c and HttpBootDhcp4.c, iPXE's dhcp.c
/// and PXE 2.1 §2.2.
enum Firmware: String, CaseIterable, Sendable {
  case bios, biosIPXE, x64, x64ByNine, ia32, x64HTTP, ia32HTTP, x64IPXE, ia32IPXE

  var kind: ClientKind {
    switch self {
    case .bios: .biosPXE
    case .biosIPXE: .biosIPXE
    case .x64, .x64ByNine: .x64PXE
    case .ia32: .ia32PXE
    case .x64HTTP: .x64HTTP
    case .ia32HTTP: .ia32HTTP
    case .x64IPXE: .x64IPXE
    case .ia32IPXE: .ia32IPXE
    }
  }

  static let mac = HardwareAddress("52:54:00:12:34:56")!
  static let transaction: UInt32 = 0x1a2b_3c4d
  static let uuid = "44454c4c-4200-1035-8054-b4c04f4d3732"
  /// Option 97 as a machine with that UUID sends it, in network order.
  static let machineOption = "61 11 00 44454c4c 4200 1035 8054 b4c04f4d3732"

  /// op, htype, hlen, hops, xid, secs, flags (broadcast), four addresses, chaddr, sname, file, cookie.
  static let header =
    "01 01 06 00 1a2b3c4d 0000 8000" + String(repeating: " 00000000", count: 4) + " 525400123456"
    + String(repeating: "00", count: 10 + 64 + 128) + "63825363"

  private var architecture: String {
    switch self {
    case .bios, .biosIPXE: "0000"
    case .x64, .x64IPXE: "0007"
    case .x64ByNine: "0009"
    case .ia32, .ia32IPXE: "0006"
    case .x64HTTP: "0010"
    case .ia32HTTP: "000f"
    }
  }

  private var vendorClass: [UInt8] {
    let name = kind.bootProtocol.rawValue
    let number = Int(architecture, radix: 16)!
    let text = text("\(name):Arch:000\(number < 10 ? "0" : "")\(number):UNDI:003000")
    return [60, UInt8(text.count)] + text
  }

  var options: [UInt8] {
    let list = hex("37 23 01 02 03 04 05 06 0c 0d 0f 11 12 16 17 1c 28 29 2a 2b 32 33 36 3a 3b 3c 42 43 61")
    switch self {
    case .bios:
      return hex("350101 370301030c" + Self.machineOption + "5d02 0000 5e03 010201 390204ec") + vendorClass
    case .x64, .x64ByNine, .ia32, .x64HTTP, .ia32HTTP:
      return hex("350101 390205c0") + list + hex("80 81 82 83 84 85 86 87" + Self.machineOption)
        + hex("5e03 010300 5d02 \(architecture)") + vendorClass
    case .biosIPXE, .x64IPXE, .ia32IPXE:
      return hex("350101 39020576 5d02 \(architecture) 5e03 010301") + vendorClass
        + hex("4d04 69505845 3716 01 03 06 07 0c 0f 11 1a 2b 3c 42 43 77 80 81 82 83 84 85 86 87 af")
        + hex("af24 b1050110ec8168 eb03010000 170101 220101 130101 110101 270101 190101 100102 210101")
        + hex("3d07 01 525400123456" + Self.machineOption)
    }
  }

  /// The DISCOVER's bytes.
  var discover: [UInt8] {
    let bytes = hex(Self.header) + options + [255]
    return bytes + [UInt8](repeating: 0, count: max(0, 300 - bytes.count))
  }

  /// The DISCOVER, or another message of the same client.
  func packet(_ type: DHCPMessageType = .discover) -> DHCPPacket {
    var packet = try! DHCPPacket(parsing: discover)
    packet.messageType = type
    return packet
  }
}

/// Where the packets of the tests come in.
enum Wire {
  static let server = IPv4Address("10.66.0.2")!
  static let site = IPv4Address("10.66.0.1")!
  static let client = IPv4Address("10.66.0.145")!
  static let broadcast = Arrival(interface: "eth0", server: server, source: .any, sourcePort: 68)
  /// A request on port 4011.
  static let unicast = Arrival(interface: "eth0", server: server, source: client, sourcePort: 4011)

  /// The site's OFFER for a client, without any word of booting.
  static func offer(to packet: DHCPPacket, from server: IPv4Address = site) -> DHCPPacket {
    var offer = DHCPPacket(.reply, hardware: packet.hardware, transaction: packet.transaction)
    offer.wantsBroadcast = true
    offer.yourAddress = client
    offer.nextServer = server
    offer.messageType = .offer
    offer.options[.serverIdentifier] = server.bytes
    offer.options[.leaseTime] = [0, 0, 0x0e, 0x10]
    offer.options[.subnetMask] = [255, 255, 255, 0]
    offer.options[.router] = server.bytes
    return offer
  }
}

extension ServerView {
  /// A proxy with one image that has everything.
  static let everything: ServerView = {
    var view = ServerView()
    view.images = [
      "tier1": [
        .shim: try! ObjectName("shimx64.efi"), .ia32GRUB: try! ObjectName("grubia32.efi"),
        .biosGRUB: try! ObjectName("grub.pxe"), .ramDisk: try! ObjectName("tier1/boot.iso"),
        .ipxeScript: try! ObjectName("tier1/boot.ipxe"),
      ]
    ]
    view.defaultImage = "tier1"
    return view
  }()

  func with(_ change: (inout ServerView) -> Void) -> ServerView {
    var view = self
    change(&view)
    return view
  }

  /// Decides about a DISCOVER on our wire.
  func decide(_ firmware: Firmware, _ change: (inout DHCPPacket) -> Void = { _ in }) -> Decision {
    var packet = firmware.packet()
    change(&packet)
    return decide(packet, arrival: Wire.broadcast, at: .dhcp)
  }

  /// Decides about a REQUEST on port 4011.
  func decideAtBootServer(_ firmware: Firmware, _ change: (inout DHCPPacket) -> Void = { _ in }) -> Decision {
    var packet = firmware.packet(.request)
    packet.clientAddress = Wire.client
    packet.wantsBroadcast = false
    change(&packet)
    return decide(packet, arrival: Wire.unicast, at: .bootServer)
  }
}

extension Decision {
  var answer: Answer? {
    if case .answer(let answer) = self { answer } else { nil }
  }
  var wait: ShadowWait? {
    if case .shadow(let wait) = self { wait } else { nil }
  }
  var reason: IgnoreReason? {
    if case .ignore(let reason) = self { reason } else { nil }
  }
}
