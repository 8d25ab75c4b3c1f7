// SPDX-License-Identifier: GPL-3.0-or-later
internal import CBus
@preconcurrency internal import Glibc
internal import NetworkBootProtocol

/// The sockets that systemd has opened for this service (sd_listen_fds(3), lifeboat.socket), which then needs no right of
/// its own. They are known by what they are, transport and port, and serve all interfaces.
struct HandedSockets: Sendable {
  var http: [ListeningSocket] = []
  var tftp: [ListeningSocket] = []
  /// By the port that they stand for.
  var planes: [Plane: ListeningSocket] = [:]
  /// Where other servers are overheard.
  var ear: ListeningSocket?

  /// Takes what there is; nil where this program was started directly. It can be asked once.
  /// - Throws: `NetworkBootFailure.socketHanded`, `.socketMissing`.
  static func take(_ options: BootService.Options) throws(NetworkBootFailure) -> HandedSockets? {
    let count = sd_listen_fds(1)
    guard count > 0 else { return nil }
    var handed = HandedSockets()
    for descriptor in SD_LISTEN_FDS_START..<SD_LISTEN_FDS_START + count {
      let socket = ListeningSocket(descriptor)
      let port = socket.port
      if sd_is_socket_inet(descriptor, AF_INET, CInt(SOCK_STREAM.rawValue), 1, 0) > 0 {
        handed.http.append(socket)
      } else if sd_is_socket_inet(descriptor, AF_INET, CInt(SOCK_DGRAM.rawValue), -1, 0) > 0 {
        handed.add(socket, port)
      } else {
        throw .socketHanded(descriptor)
      }
    }
    try handed.check(options)
    return handed
  }

  private mutating func add(_ socket: ListeningSocket, _ port: Int) {
    if let plane = Plane.allCases.first(where: { Int($0.rawValue) == port }) {
      planes[plane] = socket
    } else if port == 68 {
      ear = socket
    } else {
      tftp.append(socket)
    }
  }

  private func check(_ options: BootService.Options) throws(NetworkBootFailure) {
    if http.isEmpty { throw .socketMissing(.http(options.httpPort)) }
    if tftp.isEmpty { throw .socketMissing(.tftp(options.tftpPort)) }
    guard options.listensForDHCP else { return }
    if planes[.bootServer] == nil { throw .socketMissing(.bootServer(4011)) }
    if options.mode != .site, planes[.dhcp] == nil { throw .socketMissing(.dhcp(67)) }
    if options.mode == .full || options.shadow ?? .never != .never, ear == nil { throw .socketMissing(.dhcpClient(68)) }
  }
}
