// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
@preconcurrency internal import Glibc
public import SystemPackage
internal import Synchronization

/// Folders of tests: unique, and removed.
public enum TemporaryFolder {
  private static let atExit = Mutex<[String]>([])

  /// Calls `body` with a new folder with a short path, and removes it.
  public static func with<Result: Sendable>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    let folder = make("test")
    defer { remove(folder) }
    return try await body(folder)
  }

  /// A folder that is removed when the process ends.
  public static func untilExit(_ name: String) -> FilePath {
    let folder = make(name)
    let first = atExit.withLock {
      $0.append(folder.string)
      return $0.count == 1
    }
    if first { atexit { TemporaryFolder.atExit.withLock { $0 }.forEach { TemporaryFolder.remove(FilePath($0)) } } }
    return folder
  }

  private static func make(_ name: String) -> FilePath {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array(FilePath(parent).appending("lifeboat-\(name).XXXXXX").string.utf8CString)
    precondition(mkdtemp(&template) != nil, "no temporary folder can be made in \(parent)")
    return FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }

  private static func remove(_ folder: FilePath) {
    try? FileManager.default.removeItem(atPath: folder.string)
  }
}

/// The host's environment.
public enum HostEnvironment {
  /// An environment variable.
  public static subscript(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
  /// Whether something stands at a path.
  public static func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }
  /// Whether a program is installed.
  public static func has(_ program: String) -> Bool {
    let folders = (HostEnvironment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    return folders.contains { access("\($0)/\(program)", X_OK) == 0 }
  }
}
