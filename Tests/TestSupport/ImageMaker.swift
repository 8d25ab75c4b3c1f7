// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
public import SystemPackage

/// Images for tests: bytes that never repeat, in the places that are asked for, holes elsewhere.
public enum ImageMaker {
  /// Bytes that look like noise, the same for the same seed.
  public static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
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

  /// Makes a file with noise in some ranges and holes elsewhere.
  @discardableResult
  public static func sparse(_ path: FilePath, size: Int, data: [Range<Int>]) throws -> FilePath {
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

  /// Copies an image with its holes.
  public static func copy(_ source: FilePath, to target: FilePath) async throws {
    try await ExternalCommand("cp", ["--sparse=always", source.string, target.string]).run()
  }

  /// Makes a file of one byte over and over.
  public static func filled(_ path: FilePath, size: Int, byte: UInt8 = 0xaa) throws -> FilePath {
    try AtomicFile.write([UInt8](repeating: byte, count: size), to: path)
    return path
  }
}
