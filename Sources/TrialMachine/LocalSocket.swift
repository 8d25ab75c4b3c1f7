// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
package import SystemPackage

/// A local stream socket on which QEMU listens, or will listen soon.
package struct LocalSocket: Sendable {
  /// At most 107 bytes long.
  package var path: FilePath

  /// QEMU makes its sockets before it starts the machine, but a busy host may take a while to get there.
  private static let attempts = 200

  /// Names a socket; does not connect.
  package init(path: FilePath) { self.path = path }

  /// A connected socket.
  /// - Throws: `TrialMachineFailure.monitor`; `CancellationError`.
  package func connect() async throws -> FileDescriptor {
    for _ in 0..<Self.attempts {
      if let descriptor = try open() { return descriptor }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw TrialMachineFailure.monitor(command: "connect to \(path)", answer: "nobody listens")
  }

  /// How long a read waits.
  static func setPatience(_ descriptor: FileDescriptor, seconds: Int) throws {
    var patience = timeval(tv_sec: seconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    guard setsockopt(descriptor.rawValue, SOL_SOCKET, SO_RCVTIMEO, &patience, size) == 0 else {
      throw Errno(rawValue: errno)
    }
  }

  /// A connected socket, or nil while nobody listens.
  private func open() throws -> FileDescriptor? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array(self.path.string.utf8)
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw TrialMachineFailure.monitor(command: "connect to \(self.path)", answer: "the path is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else {
      throw TrialMachineFailure.monitor(command: "connect to \(self.path)", answer: "\(Errno(rawValue: errno))")
    }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(number, $0, size) }
    }
    let descriptor = FileDescriptor(rawValue: number)
    guard result == 0 else {
      try? descriptor.close()
      return nil
    }
    return descriptor
  }
}
