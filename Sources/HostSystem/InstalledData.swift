// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import SystemPackage

/// Finds the data files that belong to a module, without linking Foundation's `Bundle`.
public enum InstalledData {
  /// The folder of a module's resources: beside the executable (`lifeboat_MODULE.resources`, as SwiftPM lays them),
  /// or `../share/lifeboat/MODULE` seen from it (as `make install` lays them).
  /// - Throws: `Missing` naming both places.
  public static func folder(of module: String) throws(Missing) -> FilePath {
    let executable = executableFolder()
    let candidates = [
      executable.appending("lifeboat_\(module).resources"),
      executable.removingLastComponent().appending("share/lifeboat/\(module)"),
    ]
    for candidate in candidates where access(candidate.string, R_OK | X_OK) == 0 { return candidate }
    throw Missing(candidates: candidates)
  }

  private static func executableFolder() -> FilePath {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else { return "." }
    let path = FilePath(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    return path.removingLastComponent()
  }

  /// The installation is incomplete.
  public struct Missing: Diagnosable {
    /// Where the data was looked for.
    public let candidates: [FilePath]
    /// Stable identifier.
    public var code: String { "installation-incomplete" }
    /// Where it was looked for.
    public var message: String {
      "Lifeboat's own data files are missing; looked in \(candidates.map(\.string).joined(separator: " and "))"
    }
    /// How to repair it.
    public var remedy: String? { "Install Lifeboat again with: make install" }
    /// The installation is at fault.
    public var kind: FailureKind { .defect }
  }
}
