// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol

extension Fuzz {
  private static let view: ServerView = {
    var view = ServerView()
    view.shadow = .commit
    let files: [(BootLoader, String)] = [
      (.shim, "shimx64.efi"), (.ia32GRUB, "grubia32.efi"), (.biosGRUB, "grub.pxe"), (.ramDisk, "tier1/boot.iso"),
      (.ipxeScript, "tier1/boot.ipxe"),
    ]
    let named = files.compactMap { object, name in (try? ObjectName(name)).map { (object, $0) } }
    view.images = ["tier1": Dictionary(uniqueKeysWithValues: named)]
    view.defaultImage = "tier1"
    return view
  }()

  private static let arrival = Arrival(
    interface: "eth0", server: IPv4Address("10.66.0.2") ?? .any, source: .any, sourcePort: 68)

  /// Read as written, and every answer within its limits.
  static func dhcp(_ bytes: [UInt8]) {
    guard let packet = try? DHCPPacket(parsing: bytes) else { return }
    if let written = try? packet.serialised(limit: .max) {
      precondition((try? DHCPPacket(parsing: written)) == packet, "what was written reads otherwise")
    }
    for plane in [Plane.dhcp, .bootServer] {
      guard case .answer(let answer) = view.decide(bytes, arrival: arrival, at: plane),
        let count = try? answer.bytes().count
      else { continue }
      precondition(count <= answer.limit, "an answer of \(count) bytes where \(answer.limit) are allowed")
    }
    _ = SeenServer(observing: packet, on: "eth0", own: arrival.server)
  }

  static func tftp(_ bytes: [UInt8]) {
    guard let packet = try? TFTPPacket(parsing: bytes) else { return }
    precondition((try? TFTPPacket(parsing: packet.serialised)) == packet, "what was written reads otherwise")
    guard case .read(let request) = packet else { return }
    if let name = try? request.object() { requireHarmless(name) }
    guard var transfer = try? TFTPTransfer(request, size: 1 << 20) else { return }
    _ = transfer.start()
    _ = transfer.handle(.packet(packet))
  }

  /// The first line of a request by HTTP, once it has been taken apart.
  static func requestTarget(_ bytes: [UInt8]) {
    if let target = try? RequestTarget(parsing: bytes, authorities: ["10.66.0.2"]) { requireHarmless(target.name) }
  }

  private static func requireHarmless(_ name: ObjectName) {
    let parts = name.text.split(separator: "/", omittingEmptySubsequences: false)
    precondition(!parts.contains { $0.isEmpty || $0 == "." || $0 == ".." }, "\(name) leads elsewhere")
    precondition((try? ObjectName(name.text)) == name, "\(name) reads otherwise")
  }
}
