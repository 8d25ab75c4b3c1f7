// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import SystemPackage

/// QEMU's human monitor on a local socket.
struct MachineMonitor {
  /// Where QEMU listens; a socket's path has at most 107 bytes.
  var socket: FilePath

  private static let prompt = "(qemu) "

  /// Gives one command and returns what the monitor answers.
  /// - Throws: `TrialMachineFailure.monitor`; `CancellationError`.
  func tell(_ command: String) async throws -> String {
    let descriptor = try await LocalSocket(path: socket).connect()
    defer { try? descriptor.close() }
    do {
      try LocalSocket.setPatience(descriptor, seconds: 30)
      _ = try read(descriptor)
      try descriptor.writeAll(Array((command + "\n").utf8))
      let answer = try read(descriptor).split(whereSeparator: \.isNewline).dropFirst().joined(separator: "\n")
      guard !answer.contains("Error") else { throw TrialMachineFailure.monitor(command: command, answer: answer) }
      return answer
    } catch let error as Errno {
      throw TrialMachineFailure.monitor(command: command, answer: "\(error)")
    }
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
