// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport

/// An image of 32 MiB that is quickly written: random bytes, with a hole where the lab's drives hold something else.
enum LabImage {
  static let hole = 22 << 20..<26 << 20
  static let size = 32 << 20

  /// Calls `body` with the image's path.
  static func with(_ body: (FilePath) async throws -> Void) async throws {
    try await TemporaryFolder.with { folder in
      let path = folder.appending("image")
      try await ExternalCommand("truncate", ["-s", "\(size)", path.string]).run()
      try await scramble(path, 0..<hole.lowerBound)
      try await scramble(path, hole.upperBound..<size)
      try await body(path)
    }
  }

  /// Puts random bytes there; bounds are multiples of 1 MiB.
  static func scramble(_ path: FilePath, _ range: Range<Int>) async throws {
    try await ExternalCommand(
      "dd",
      [
        "if=/dev/urandom", "of=\(path)", "bs=1M", "count=\(range.count >> 20)", "seek=\(range.lowerBound >> 20)",
        "conv=notrunc", "status=none",
      ]
    ).run()
  }
}
