// SPDX-License-Identifier: GPL-3.0-or-later

/// What a client of the HTTP server may use.
package struct HTTPLimits: Sendable, Hashable {
  /// Connections in all. Each needs two descriptors at most.
  package var connections = 2048
  /// Connections from one address. Several computers may share one behind a router.
  package var connectionsByAddress = 128
  /// The bytes of all header fields of a request. UEFI and curl send about 200.
  package var header = 8 << 10
  /// How long a connection may stand without a complete request.
  package var requestPatience = Duration.seconds(30)
  /// How long a client may take for one piece of an answer.
  package var piecePatience = Duration.seconds(60)
  /// The bytes of a piece: with the time, the slowest client that is served has 17 KB/s.
  package var piece = 1 << 20

  package init() {}
}
