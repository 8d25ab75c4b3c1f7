// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// All sockets of the service, open before it says that it is ready.
struct SocketSet: Sendable {
  var http: [ListeningSocket] = []
  var tftp: [ListeningSocket] = []
  /// The interfaces that those of HTTP and TFTP are bound to, one each in this order; none where they are on all.
  var named: [NetworkInterface] = []
  /// The interfaces whose computers are answered by DHCP.
  var dhcp: [DHCPSockets] = []
  /// Why interfaces that nobody named are left out.
  var leftOut: [String] = []
  /// The ports that HTTP and TFTP have.
  let httpPort: Int
  let tftpPort: Int
  /// What systemd has opened.
  let handed: HandedSockets?

  /// Opens them, or takes those that systemd has opened. An interface that was named must have its ports; others are left
  /// out.
  /// - Throws: `NetworkBootFailure`.
  init(_ options: BootService.Options, _ interfaces: [NetworkInterface]) throws(NetworkBootFailure) {
    handed = try HandedSockets.take(options)
    if let handed {
      (http, tftp) = (handed.http, handed.tftp)
    } else {
      named = options.interfaces.isEmpty ? [] : interfaces
      for name in named.isEmpty ? [String?.none] : named.map(\.name) {
        http.append(try .bound(to: .http(options.httpPort), interface: name))
        tftp.append(try .bound(to: .tftp(options.tftpPort), interface: name))
      }
    }
    httpPort = http.first?.port ?? options.httpPort
    tftpPort = tftp.first?.port ?? options.tftpPort
    var refusal: NetworkBootFailure?
    for interface in options.listensForDHCP ? interfaces : [] {
      do throws(NetworkBootFailure) { dhcp.append(try DHCPSockets(interface, options, handed)) } catch {
        guard options.interfaces.isEmpty, case .portTaken = error else { throw error }
        refusal = error
        leftOut.append("\(interface) is left out: \(error.message)")
      }
    }
    if dhcp.isEmpty, let refusal { throw refusal }
  }
}

extension SocketSet {
  /// Interfaces where other servers are not overheard, although they should be.
  var deaf: Set<String> { Set(dhcp.filter { $0.deafness != nil }.map(\.interface.name)) }
}

/// The DHCP ports of one interface: its own, or those that systemd has opened for all of them.
struct DHCPSockets: Sendable {
  let interface: NetworkInterface
  /// By the port that they stand for.
  let sockets: [Plane: ListeningSocket]
  /// Where other servers are overheard.
  let ear: ListeningSocket?
  /// Whether other interfaces have the same, so that somebody listens on them already.
  let isShared: Bool
  /// In mode `full`: what is given here.
  let pool: AddressPool?
  /// Why nobody is overheard, where somebody should be.
  let deafness: NetworkBootFailure?

  /// Opens them. In mode `site` port 67 is the site's, and there is nobody to give way to. Without the client's port the
  /// service goes on, unless it hangs on what others say: with the shadow reply, and where it gives addresses.
  /// - Throws: `NetworkBootFailure`.
  init(_ interface: NetworkInterface, _ options: BootService.Options, _ handed: HandedSockets?)
    throws(NetworkBootFailure)
  {
    self.interface = interface
    pool = options.mode == .full ? try interface.pool(options.pool) : nil
    isShared = handed != nil
    var sockets: [Plane: ListeningSocket] = [:]
    for plane in options.mode == .site ? [Plane.bootServer] : Plane.allCases {
      let port = plane == .dhcp ? ServicePort.dhcp(Int(plane.rawValue)) : .bootServer(Int(plane.rawValue))
      // A handed set has been looked through: what is missing there is not wanted.
      if let handed {
        sockets[plane] = handed.planes[plane]
      } else {
        sockets[plane] = try .bound(to: port, interface: interface.name)
      }
    }
    self.sockets = sockets
    guard options.mode != .site else {
      (ear, deafness) = (nil, nil)
      return
    }
    do throws(NetworkBootFailure) {
      if let handed { ear = handed.ear } else { ear = try .bound(to: .dhcpClient(68), interface: interface.name) }
      deafness = ear == nil ? .socketMissing(.dhcpClient(68)) : nil
    } catch {
      guard options.mode == .proxy, options.shadow ?? .never == .never else { throw error }
      (ear, deafness) = (nil, error)
    }
  }

  /// What to say about it.
  var trouble: String? {
    deafness.map { "other servers on \(interface) are not seen, and not given way to: \($0.message)" }
  }
}
