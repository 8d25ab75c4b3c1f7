// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport

@testable import FlashMedia

/// Images for tests: bytes that never repeat, in the places that are asked for, holes elsewhere.
enum ImageMaker {
  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    var words = [UInt64](repeating: 0, count: (count + 7) / 8)
    for index in words.indices {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      words[index] = state
    }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
  }

  @discardableResult
  static func sparse(_ path: FilePath, size: Int, data: [Range<Int>]) throws -> FilePath {
    let file = try FileDescriptor.open(
      path, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    defer { try? file.close() }
    try file.resize(to: Int64(size))
    for range in data {
      try file.writeAll(
        toAbsoluteOffset: Int64(range.lowerBound), bytes(range.count, seed: UInt64(range.lowerBound) + 7))
    }
    return path
  }

  static func filled(_ path: FilePath, size: Int, byte: UInt8 = 0xaa) throws -> FilePath {
    try AtomicFile.write([UInt8](repeating: byte, count: size), to: path)
    return path
  }
}

/// Loop devices of the tests' own; only an administrator may have them.
enum Loop {
  static let isAllowed = geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0 && Tool.isInstalled("losetup")

  static func with<Result>(
    _ file: FilePath, _ more: [String] = [], _ body: (FilePath) async throws -> Result
  ) async throws -> Result {
    let outcome = try await Tool.run("losetup", ["-f", "--show"] + more + [file.string])
    guard outcome.status == 0, let name = outcome.lines.first else { throw NoLoop(text: outcome.description) }
    do {
      let result = try await body(FilePath(name))
      _ = try await Tool.run("losetup", ["-d", name])
      return result
    } catch {
      _ = try? await Tool.run("losetup", ["-d", name])
      throw error
    }
  }

  struct NoLoop: Error { let text: String }
}
