// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import SystemPackage

/// QEMU's human monitor on a local socket.
struct MachineMonitor {
  /// Where QEMU listens; a socket's path has at most 107 bytes.
  var socket: FilePath

  private static let prompt = "(qemu) "
  /// QEMU makes the socket before it starts the machine, but a busy host may take a while to get there.
  private static let attempts = 200

  /// Gives one command and returns what the monitor answers.
  /// - Throws: `TrialMachineFailure.monitor`; `CancellationError`.
  func tell(_ command: String) async throws -> String {
    let descriptor = try await connect(command)
    defer { try? descriptor.close() }
    do {
      _ = try read(descriptor)
      try descriptor.writeAll(Array((command + "\n").utf8))
      let answer = try read(descriptor).split(whereSeparator: \.isNewline).dropFirst().joined(separator: "\n")
      guard !answer.contains("Error") else { throw TrialMachineFailure.monitor(command: command, answer: answer) }
      return answer
    } catch let error as Errno {
      throw TrialMachineFailure.monitor(command: command, answer: "\(error)")
    }
  }

  private func connect(_ command: String) async throws -> FileDescriptor {
    for _ in 0..<Self.attempts {
      if let descriptor = try open(command) { return descriptor }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw TrialMachineFailure.monitor(command: command, answer: "nobody listens at \(socket)")
  }

  /// A connected socket, or nil while nobody listens.
  private func open(_ command: String) throws -> FileDescriptor? {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array(socket.string.utf8)
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw TrialMachineFailure.monitor(command: command, answer: "the path \(socket) is too long for a socket")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else {
      throw TrialMachineFailure.monitor(command: command, answer: "\(Errno(rawValue: errno))")
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
    var patience = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    return descriptor
  }

  /// Everything up to the next prompt.
  private func read(_ descriptor: FileDescriptor) throws -> String {
    var bytes: [UInt8] = []
    while !String(decoding: bytes.suffix(Self.prompt.utf8.count), as: UTF8.self).hasSuffix(Self.prompt) {
      let more = try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        do {
          count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        } catch Errno.connectionReset {  // the machine is gone, as it is after `quit`
          count = 0
        }
      }
      if more.isEmpty { break }
      bytes += more
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
