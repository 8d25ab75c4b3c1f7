// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// All sockets of the service, open before it says that it is ready.
struct SocketSet: Sendable {
  var http: [ListeningSocket] = []
  var tftp: [ListeningSocket] = []
  var dhcp: [DHCPSockets] = []
  /// Why interfaces that nobody named are left out.
  var leftOut: [String] = []
  /// The ports that HTTP and TFTP have.
  let httpPort: Int
  let tftpPort: Int

  /// Opens them. An interface that was named must have its ports; others are left out.
  /// - Throws: `NetworkBootFailure`.
  init(_ options: BootService.Options, _ interfaces: [NetworkInterface]) throws(NetworkBootFailure) {
    let named: [String?] = options.interfaces.isEmpty ? [nil] : interfaces.map(\.name)
    for name in named {
      http.append(try .bound(to: .http(options.httpPort), interface: name))
      tftp.append(try .bound(to: .tftp(options.tftpPort), interface: name))
    }
    httpPort = http.first?.port ?? options.httpPort
    tftpPort = tftp.first?.port ?? options.tftpPort
    var refusal: NetworkBootFailure?
    for interface in options.listensForDHCP ? interfaces : [] {
      do throws(NetworkBootFailure) { dhcp.append(try DHCPSockets(interface, options.mode)) } catch {
        guard options.interfaces.isEmpty, case .portTaken = error else { throw error }
        refusal = error
        leftOut.append("\(interface) is left out: \(error.message)")
      }
    }
    if dhcp.isEmpty, let refusal { throw refusal }
  }
}

/// The DHCP ports of one interface.
struct DHCPSockets: Sendable {
  let interface: NetworkInterface
  /// By the port that they stand for.
  let sockets: [Plane: ListeningSocket]

  /// Opens them; in mode `site` port 67 is the site's.
  /// - Throws: `NetworkBootFailure`.
  init(_ interface: NetworkInterface, _ mode: BootService.Mode) throws(NetworkBootFailure) {
    self.interface = interface
    var sockets: [Plane: ListeningSocket] = [
      .bootServer: try .bound(to: .bootServer(Int(Plane.bootServer.rawValue)), interface: interface.name)
    ]
    if mode == .proxy {
      sockets[.dhcp] = try .bound(to: .dhcp(Int(Plane.dhcp.rawValue)), interface: interface.name)
    }
    self.sockets = sockets
  }
}
