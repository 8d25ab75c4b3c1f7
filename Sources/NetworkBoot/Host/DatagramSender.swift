// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import NetworkBootProtocol
internal import SystemPackage

/// What goes out of a UDP socket: by the interface that is meant, and from the address of ours that is meant, however the
/// socket is bound.
final class DatagramSender: Sendable {
  private let descriptor: CInt

  /// Takes a descriptor over.
  init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Sends without waiting.
  /// - Returns: why it was not sent.
  func send(_ bytes: [UInt8], to address: IPv4Address, port: UInt16, from interface: NetworkInterface) -> Errno? {
    let way = linux_datagram_way(
      destination: address.value, port: port, source: interface.address.value, interface: CInt(interface.index))
    let result = bytes.withUnsafeBytes { linux_send_datagram(descriptor, $0.baseAddress, $0.count, way) }
    return result < 0 ? Errno(rawValue: -result) : nil
  }
}
