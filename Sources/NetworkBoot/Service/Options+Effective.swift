// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

extension BootService.Options {
  /// With the shadow reply as it holds: what is said here goes before the policy's.
  func allowing(_ policys: ServerView.Shadow?) -> Self {
    var options = self
    options.shadow = shadow ?? policys.flatMap { .init(rawValue: $0.rawValue) }
    return options
  }

  /// How long the wire is asked at the start.
  var askingTime: Duration { mode == .full ? max(wait, WireProbe.patience) : wait }

  /// With the ports that the kernel or systemd chose.
  func with(_ sockets: SocketSet) -> Self {
    var options = self
    (options.httpPort, options.tftpPort) = (sockets.httpPort, sockets.tftpPort)
    return options
  }
}
