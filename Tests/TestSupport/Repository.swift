// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
public import SystemPackage

/// Where things are in the source tree and in the build.
public enum Repository {
  /// The top folder of the source tree.
  public static let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

  /// A path below the top folder: `Repository.path("Fixtures/manifests/rescue.toml")`.
  public static func path(_ relative: String) -> FilePath { root.appending(relative) }

  /// A program of this package, built beside the test bundle.
  /// - Throws: `NotBuilt` naming the place.
  public static func program(_ name: String) throws -> FilePath {
    let tests = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let program = tests.removingLastComponent().appending(name)
    guard FileManager.default.isExecutableFile(atPath: program.string) else { throw NotBuilt(program: program) }
    return program
  }

  /// Whether all tests are run (`make test-all`), or only those that a newcomer waits for.
  public static let isForAll = HostEnvironment["LIFEBOAT_TEST_ALL"] == "1"

  /// A build of `lifeboat` with the Swift runtime in it, for other computers and media (`LIFEBOAT_LAB_PROGRAM`); nil where
  /// none is named.
  public static let standalone = HostEnvironment["LIFEBOAT_LAB_PROGRAM"].map { FilePath($0) }

  /// A copy of the program and its data that every user can run, whatever the source tree's permissions are.
  /// - Parameter folder: gets it, and is opened for everybody to pass through.
  public static func readableProgram(in folder: FilePath) async throws -> FilePath {
    let built = try program("lifeboat").removingLastComponent()
    let script = """
      chmod a+x "$3" && mkdir "$2" && cp -a "$1"/lifeboat "$1"/lifeboat_*.resources "$2" && chmod -R a+rX "$2"
      """
    try await ExternalCommand(
      "sh", ["-ec", script, "sh", built.string, folder.appending("program").string, folder.string]
    ).run()
    return folder.appending("program/lifeboat")
  }

  /// Runs the built `lifeboat`, with no terminal and no colour.
  public static func lifeboat(
    _ arguments: [String], in folder: FilePath? = nil, environment: [String: String] = [:], input: [UInt8] = []
  ) async throws -> Tool.Outcome {
    try await Tool.run(
      try program("lifeboat").string, arguments, in: folder, environment: environment, input: input)
  }

  /// A program of this package is missing from the build.
  public struct NotBuilt: Error, CustomStringConvertible {
    /// Where it was looked for.
    public let program: FilePath
    /// What to do.
    public var description: String { "\(program) has not been built; run: swift build" }
  }
}
