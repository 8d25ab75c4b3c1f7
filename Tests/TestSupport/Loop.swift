// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
public import SystemPackage

/// Loop devices of the tests' own; only an administrator may have them.
public enum Loop {
  /// Whether they can be had, for `.enabled(if:)`.
  public static let isAllowed =
    geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0 && Tool.isInstalled("losetup")

  /// Attaches a file, calls `body` with the device, and detaches it however that ends.
  /// - Parameter more: more arguments of losetup.
  @discardableResult
  public static func with<Result>(
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
