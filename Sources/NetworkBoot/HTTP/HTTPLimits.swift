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
  /// How long a client may take for `leastTaken` bytes of an answer.
  package var patience = Duration.seconds(60)
  /// With the time, the slowest client that is served has 1 KB/s: 300 on a wire of 100 Mbit/s have 40 KB/s each, if all
  /// have the same, which TCP does not promise.
  package var leastTaken = 64 << 10
  /// The bytes of a piece, which goes to the kernel at once.
  package var piece = 1 << 20

  package init() {}
}
