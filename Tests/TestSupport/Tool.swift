// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
public import SystemPackage

/// The foreign programs that judge our output.
public enum Tool {
  /// The absolute path of a program, looked up in `PATH` and the two `sbin` folders.
  public static func path(_ program: String) -> String? {
    let search = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return search.split(separator: ":").map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether a program is here, for `.enabled(if:)` where a test may be left out.
  public static func isInstalled(_ program: String) -> Bool { path(program) != nil }

  /// The absolute path of a program that the test cannot do without.
  /// - Throws: `ExternalCommand.Failure.notInstalled`, which names the Debian package.
  public static func require(_ program: String, package: String? = nil) throws -> String {
    guard let path = path(program) else {
      throw ExternalCommand.Failure.notInstalled(program: program, package: package)
    }
    return path
  }

  /// Runs a program to its end, whatever its exit status, and keeps standard output and standard error apart.
  ///
  /// A program that a signal ended has the status 128 + signal, as the shell counts.
  /// - Parameters:
  ///   - folder: its working folder.
  ///   - environment: added to the inherited one.
  ///   - input: given to it on standard input.
  /// - Throws: `ExternalCommand.Failure.notInstalled`, `CancellationError`.
  public static func run(
    _ program: String, _ arguments: [String] = [], in folder: FilePath? = nil, environment: [String: String] = [:],
    input: [UInt8] = [], package: String? = nil
  ) async throws -> Outcome {
    let executable = program.contains("/") ? program : try require(program, package: package)
    let captured = try TemporaryFolder()
    // The shell only puts the two streams into files and says how the program ended.
    let script = "cd \"$1\" && out=$2 && shift 2 && \"$@\" >\"$out/1\" 2>\"$out/2\"; echo $?"
    let shell = ExternalCommand(
      "/bin/sh",
      [
        "-c", script, "sh", folder?.string ?? FileManager.default.currentDirectoryPath, captured.path.string,
        executable,
      ]
        + arguments, environment: environment)
    let status = try await shell.text(input: input)
    return Outcome(
      status: Int32(status.trimmingCharacters(in: .whitespacesAndNewlines)) ?? -1,
      bytes: try FileTree.bytes(of: captured.appending("1")), errors: try FileTree.text(of: captured.appending("2")))
  }

  /// How a program ended and what it said.
  public struct Outcome: Sendable, Equatable, CustomStringConvertible {
    /// Its exit status.
    public var status: Int32
    /// Its standard output.
    public var bytes: [UInt8]
    /// Its standard error.
    public var errors: String

    /// Its standard output as text.
    public var output: String { String(decoding: bytes, as: UTF8.self) }
    /// Standard output as lines, without empty ones.
    public var lines: [String] { output.split(separator: "\n").map(String.init) }
    /// All of it, for the message of a failing expectation.
    public var description: String { "status \(status)\n--- output\n\(output)--- errors\n\(errors)" }
  }
}
