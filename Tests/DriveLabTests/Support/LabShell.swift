// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import SystemPackage
import TrialMachine

/// The shell inside the lab's computer, at the other end of its second serial port.
actor LabShell {
  private let descriptor: FileDescriptor
  private var received: [UInt8] = []

  /// What a command has done.
  struct Answer: Sendable, CustomStringConvertible {
    var status: Int
    var output: String
    var description: String { "status \(status)\n\(output)" }
  }

  /// Connects to the port's socket and waits until the shell is there.
  init(_ socket: FilePath) async throws {
    descriptor = try await LocalSocket(path: socket).connect()
    _ = try await answer { $0.contains("LAB-SHELL") }
  }

  deinit { try? descriptor.close() }

  /// Runs a script; its standard output and error come back together.
  @discardableResult
  func run(_ script: String) async throws -> Answer {
    let line = Data(script.utf8).base64EncodedString() + "\n"
    try descriptor.writeAll(Array(line.utf8))
    let words = try await answer { $0.hasPrefix("LAB-DONE ") }.split(separator: " ")
    let output = words.count > 2 ? Data(base64Encoded: String(words[2])) : Data()
    return Answer(status: Int(words[1]) ?? -1, output: String(decoding: output ?? Data(), as: UTF8.self))
  }

  /// The next line that fits; the machine's own limit ends an endless wait.
  private func answer(_ fits: @Sendable (String) -> Bool) async throws -> String {
    while true {
      while let end = received.firstIndex(of: 10) {
        let line = String(decoding: received[..<end], as: UTF8.self).filter { $0 != "\r" }
        received.removeSubrange(...end)
        if fits(line) { return line }
      }
      received += try await more()
    }
  }

  /// Waits for bytes on a thread of its own, for the machine may be silent for minutes.
  private func more() async throws -> [UInt8] {
    let descriptor = descriptor
    return try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        do {
          let bytes = try [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
          }
          if bytes.isEmpty { throw Errno.connectionReset }
          continuation.resume(returning: bytes)
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }
}
