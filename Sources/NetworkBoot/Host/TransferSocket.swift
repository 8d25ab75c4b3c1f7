// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
internal import HostSystem
internal import NIOCore
internal import NetworkBootProtocol
internal import SystemPackage

/// The UDP socket of one transfer, made here because NIO does not tell the descriptor of one that it makes.
struct TransferSocket: Sendable {
  /// Somebody has to close it.
  let descriptor: CInt

  /// Binds to an address of ours and a port that the kernel chooses.
  init(from address: IPv4Address) throws(OperationFailure) {
    let descriptor = linux_datagram_socket(address.value)
    guard descriptor >= 0 else {
      throw OperationFailure("answer from", FilePath("\(address)"), Errno(rawValue: -descriptor))
    }
    self.descriptor = descriptor
  }

  /// Waits without sleeping until there is something to read, or the time is over.
  func lookForPacket(until end: NIODeadline) { _ = linux_look_for_packet(descriptor, Int64(end.uptimeNanoseconds)) }
}
