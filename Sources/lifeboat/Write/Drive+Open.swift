// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
@preconcurrency import Glibc
import SystemPackage

extension Drive {
  /// Opens it for writing, by UDisks2 where this user may not do so. On a terminal polkit may ask for a password.
  /// - Parameter inspect: judges what is on it.
  func open(inspect: (@Sendable (Probe) throws -> Void)? = nil) async throws -> FlashTarget {
    var opening = TargetOpening(FilePath(path), expected: identity, mayAsk: isatty(STDIN_FILENO) == 1)
    opening.inspect = inspect
    return try await opening.target()
  }
}
