// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore

/// HTTP and TFTP on their ports: on all interfaces, or on each one that was named.
///
/// The kernel binds a socket to an interface by the interface's number. One that is made anew under the same name, as a USB
/// adapter, a bridge or a VLAN may be, has another number, and its sockets hear nothing more.
actor FileServers {
  /// What listens on a named interface, and the number that this had then.
  private struct Bound {
    var index: Int
    var channels: [any Channel] = []
  }

  private let http: HTTPServer
  private let tftp: TFTPServer
  private let ports: (http: ServicePort, tftp: ServicePort)
  private let group: any EventLoopGroup
  private var bound: [String: Bound]

  /// Listens on the sockets of the set, which it takes over.
  init(_ http: HTTPServer, _ tftp: TFTPServer, _ sockets: SocketSet, group: any EventLoopGroup) async throws {
    (self.http, self.tftp, self.group) = (http, tftp, group)
    ports = (.http(sockets.httpPort), .tftp(sockets.tftpPort))
    var channels: [[any Channel]] = [[], []]
    for socket in sockets.http { channels[0].append(try await http.listen(on: socket, group: group)) }
    for socket in sockets.tftp { channels[1].append(try await tftp.listen(on: socket)) }
    bound = [:]
    for (place, interface) in sockets.named.enumerated() {
      bound[interface.name] = Bound(index: interface.index, channels: channels.map { $0[place] })
    }
  }

  /// Listens anew on a named interface that has come back as another one.
  /// - Throws: `NetworkBootFailure`, and NIO's errors.
  func follow(_ interface: NetworkInterface) async throws {
    guard let old = bound[interface.name], old.index != interface.index else { return }
    for channel in old.channels { try? await channel.close() }
    bound[interface.name]?.channels = []
    let httpSocket = try ListeningSocket.bound(to: ports.http, interface: interface.name)
    let tftpSocket = try ListeningSocket.bound(to: ports.tftp, interface: interface.name)
    let channels = [try await http.listen(on: httpSocket, group: group), try await tftp.listen(on: tftpSocket)]
    bound[interface.name] = Bound(index: interface.index, channels: channels)
  }
}
