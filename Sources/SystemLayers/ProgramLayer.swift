// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import RecoveryPlan
public import SystemPackage

/// The program that runs, as something that goes into an image.
public struct OwnProgram: Sendable {
  /// Its file.
  public let path: FilePath
  /// What goes into content keys.
  public let digest: Digest

  /// Finds the program of this process.
  /// - Throws: `SystemLayersFailure.programUnusable` where it could not run in an image; `OperationFailure`.
  public static func running() throws -> OwnProgram {
    let path = FileTree.resolved("/proc/self/exe") ?? "/proc/self/exe"
    if let reason = obstacle(mapped: try FileTree.text(of: "/proc/self/maps")) {
      throw SystemLayersFailure.programUnusable(path, reason: reason)
    }
    return OwnProgram(path: path, digest: try Digest(ofFile: path))
  }

  /// Why this program cannot run in an image for x64; nil where it can. Debian has no packages of the Swift runtime, so
  /// that has to be part of the program.
  /// - Parameter mapped: the files that a process of it has in its memory, as `/proc/PID/maps` lists them.
  static func obstacle(mapped: String) -> String? {
    #if !arch(x86_64)
      return "it is not a program for x64"
    #else
      return mapped.contains("/libswiftCore.so") ? "it needs the libraries of Swift beside it" : nil
    #endif
  }
}

extension SystemBuilder {
  /// The layer with Lifeboat's own program, without what only a debugger reads.
  func makeProgram(_ step: Step) async throws -> StepCache.Stored {
    progress(.started(step: step.title, total: nil))
    let program = try OwnProgram.running()
    guard program.digest.hex == step.inputs["program"] else {
      throw SystemLayersFailure.programUnusable(program.path, reason: "it was replaced while it ran")
    }
    let place = try cache.begin(step)
    let files = place.appending("files")
    let target = files.appending("usr/bin/lifeboat")
    try FileTree.makeFolder(target.removingLastComponent())
    try await Self.strip(program.path, to: target).run()
    try FileTree.setPermissions(target, 0o755)
    try FileTree.setSystemModes(files)
    try await packFolder(files, step).run()
    FileTree.remove(files)
    return try finish(step, place, ["layer.squashfs"])
  }

  static func strip(_ program: FilePath, to target: FilePath) -> ExternalCommand {
    ExternalCommand("strip", ["--strip-all", "-o", target.string, program.string], package: "binutils")
  }
}
