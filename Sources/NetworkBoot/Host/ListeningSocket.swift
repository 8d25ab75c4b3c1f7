// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A bound socket, open before anything is served, so that what is wrong is said at the start and by name.
///
/// UDP sockets never share their port (no SO_REUSEADDR): beside the DHCP server of this very computer one of the two
/// would silently get the other's packets. Sockets on different interfaces do not meet. The DHCP client's port is the
/// exception: there we only overhear what servers broadcast, beside this computer's own DHCP client.
final class ListeningSocket: Sendable {
  private let descriptor: Mutex<CInt?>

  /// Takes a descriptor over.
  init(_ descriptor: CInt) { self.descriptor = Mutex(descriptor) }

  deinit { if let descriptor = descriptor.withLock({ $0 }) { close(descriptor) } }

  /// The descriptor, for somebody who closes it.
  func take() -> CInt {
    descriptor.withLock { descriptor in
      defer { descriptor = nil }
      return descriptor ?? -1
    }
  }

  /// The same socket, to send from; nil where there are too many open files, and after `take`.
  func sender() -> DatagramSender? { copy().map { DatagramSender($0) } }

  /// The same socket, to listen on for a while; nil as `sender`.
  func duplicate() -> ListeningSocket? { copy().map { ListeningSocket($0) } }

  private func copy() -> CInt? {
    let copy = descriptor.withLock { fcntl($0 ?? -1, F_DUPFD_CLOEXEC, 0) }
    return copy < 0 ? nil : copy
  }

  /// The port that it has; with port 0 the kernel chose one.
  var port: Int { max(0, Int(linux_socket_port(descriptor.withLock { $0 ?? -1 }))) }

  /// Binds to all addresses of this computer. With an interface, a broadcast goes out of it, whatever the routes, and
  /// packets of other interfaces are not seen.
  /// - Throws: `NetworkBootFailure.portTaken`, `.portForbidden`, `.socket`.
  static func bound(to port: ServicePort, interface: String?) throws(NetworkBootFailure) -> ListeningSocket {
    var step = linux_socket_make
    let descriptor = withOptionalCString(interface) { name in
      let wish = linux_socket_wish(
        stream: port.isTCP, broadcast: port.isDHCP, interface: name, port: UInt16(truncatingIfNeeded: port.number),
        overhears: port.isClient)
      return linux_bound_socket(wish, &step)
    }
    guard descriptor < 0 else { return ListeningSocket(descriptor) }
    let errno = Errno(rawValue: -descriptor)
    switch (step, errno) {
    case (linux_socket_bind, .addressInUse):
      throw .portTaken(port, interface: interface, holder: PortHolder.find(port)?.description)
    case (_, .permissionDenied), (_, .notPermitted): throw .portForbidden(port)
    case (linux_socket_interface, _): throw .socket(port, operation: "bind to \(interface ?? "")", errno)
    default: throw .socket(port, operation: "make a socket", errno)
    }
  }

  private static func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result
  {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
  }
}
