// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import Subprocess
public import SystemPackage

extension ExternalCommand {
  /// Whether the program is on this machine.
  public var isInstalled: Bool {
    if program.contains("/") { return access(program, X_OK) == 0 }
    let folders = Self.searchPath(getenv("PATH").map { String(cString: $0) }).split(separator: ":")
    return folders.contains { access("\($0)/\(program)", X_OK) == 0 }
  }

  /// Runs it with a descriptor, such as a pipe's writing end, as its standard output. The descriptor is closed here as
  /// soon as the program has it, so that whoever reads the pipe sees its end.
  /// - Throws: `Failure`, or `CancellationError`; a cancelled task ends the program first.
  public func run(standardOutput: FileDescriptor) async throws {
    let result = try await execute { configuration in
      try await Subprocess.run(
        configuration, input: .none, output: .fileDescriptor(standardOutput, closeAfterSpawningProcess: true),
        error: .string(limit: 1 << 20))
    }
    try check(result.terminationStatus, result.standardError.split(separator: "\n").suffix(20).map(String.init))
  }
}
