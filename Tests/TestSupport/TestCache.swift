// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
public import SystemPackage

/// The build cache that tests share, in a process and from run to run: `LIFEBOAT_TEST_CACHE`, or a folder in `.build`.
///
/// Lifeboat refuses a second build on one cache, so whoever builds on this one, or copies it, takes it for himself.
public actor TestCache {
  /// For all tests of the process.
  public static let shared = TestCache()

  /// For `XDG_CACHE_HOME`.
  public nonisolated let home =
    HostEnvironment["LIFEBOAT_TEST_CACHE"].map { FilePath($0) } ?? Repository.path(".build/test-cache")
  private var last: Task<Void, Never>?

  /// Calls `body` when nobody else of this process is at work on the cache.
  public func alone<Result: Sendable>(_ body: @escaping @Sendable (FilePath) async throws -> Result) async throws
    -> Result
  {
    try FileTree.makeFolder(home)
    let before = last
    let home = home
    let task = Task {
      await before?.value
      return try await body(home)
    }
    last = Task { _ = try? await task.value }
    return try await task.value
  }
}
