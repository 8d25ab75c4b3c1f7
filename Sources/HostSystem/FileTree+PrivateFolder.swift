// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
package import SystemPackage

extension FileTree {
  /// Calls `body` with a new folder that only this user can enter, and removes it afterwards.
  /// - Throws: `OperationFailure`, or what `body` throws.
  package static func withPrivateFolder<Result: Sendable>(_ body: (FilePath) async throws -> Result) async throws
    -> Result
  {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array(FilePath(parent).appending("lifeboat.XXXXXX").string.utf8CString)
    guard mkdtemp(&template) != nil else {
      throw OperationFailure("create a folder in", FilePath(parent), Errno(rawValue: errno))
    }
    let folder = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    defer { remove(folder) }
    return try await body(folder)
  }
}
