// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// A private place in which a Debian system can be put together without privilege and without a trace.
///
/// It is a set of namespaces (user, mount, process, network) held open by one `cat`: inside, the user is root with a
/// range of subordinate ids; there is no network; the work lies on a tmpfs that nobody else sees. When the holder
/// ends, because its standard input closes with this process however that dies, the kernel ends everything inside
/// and the tmpfs is gone. As root the user namespace is left out.
///
/// Where out of memory the work lies in a folder on the disk instead, which is removed at the end, or by the next
/// build.
struct Workshop: Sendable {
  /// The work folder's path, inside and outside of the namespaces.
  let folder: FilePath
  private let holder: String
  private let asRoot: Bool

  /// Opens a workshop on a folder, calls `body`, and closes it.
  /// - Throws: `SystemLayersFailure.noUserNamespaces`; what `body` throws.
  static func open<Result: Sendable>(
    at folder: FilePath, tmpfs size: ByteCount?, asRoot: Bool, _ body: @Sendable (Workshop) async throws -> Result
  ) async throws -> Result {
    try FileTree.makeFolder(folder)
    defer { FileTree.remove(folder) }
    let script = try InstalledData.folder(of: "SystemLayers").appending("build/hold-workshop")
    let command = holderCommand(script, folder: folder, tmpfs: size, asRoot: asRoot)
    do {
      return try await command.serving { pid in
        let workshop = Workshop(folder: folder, holder: pid, asRoot: asRoot)
        do {
          let result = try await body(workshop)
          await workshop.clear(onDisk: size == nil)
          return result
        } catch {
          await workshop.clear(onDisk: size == nil)
          throw error
        }
      }
    } catch ExternalCommand.Failure.failed("unshare", _, let lines) {
      throw SystemLayersFailure.noUserNamespaces(detail: lines.last ?? "unshare failed")
    }
  }

  /// The programs that open a workshop and work in it, beside those of Debian's essential packages.
  /// - Throws: `ExternalCommand.Failure.notInstalled` for the first one that is missing.
  static func requirePrograms(asRoot: Bool) throws {
    var programs = [
      ("util-linux", ["unshare", "nsenter"]), ("mount", ["mount", "umount"]), ("mmdebstrap", ["mmdebstrap"]),
      ("squashfs-tools", ["mksquashfs", "unsquashfs"]),
    ]
    if !asRoot { programs.append(("uidmap", ["newuidmap", "newgidmap"])) }
    for (package, names) in programs {
      for name in names { try ExternalCommand(name, [], package: package).require() }
    }
  }

  /// The command that makes the namespaces.
  static func holderCommand(_ script: FilePath, folder: FilePath, tmpfs: ByteCount?, asRoot: Bool) -> ExternalCommand {
    let user = asRoot ? [] : ["--user", "--map-root-user", "--map-auto"]
    let others = ["--mount", "--pid", "--net", "--fork", "--kill-child"]
    let place = [folder.string, tmpfs.map { "\($0.bytes)" } ?? "-"]
    return ExternalCommand("unshare", user + others + ["sh", script.string] + place, package: "util-linux")
  }

  /// A command as it has to be started from outside so that it runs inside.
  func inside(_ command: ExternalCommand) -> ExternalCommand {
    let user = asRoot ? [] : ["--user"]
    let enter = ["--target", holder] + user + ["--mount", "--pid", "--net", "--"]
    return ExternalCommand(
      "nsenter", enter + [command.program] + command.arguments, environment: command.environment,
      package: "util-linux")
  }

  /// Runs a command inside; its last lines are part of the error.
  func run(_ command: ExternalCommand, onLine: (@Sendable (String) -> Void)? = nil) async throws {
    do {
      try await inside(command).run(onLine: onLine)
    } catch ExternalCommand.Failure.failed(_, let status, let lines) {
      throw ExternalCommand.Failure.failed(program: command.program, status: status, lastLines: lines)
    }
  }

  private func clear(onDisk: Bool) async {
    guard onDisk else { return }
    try? await run(ExternalCommand("rm", ["-rf", "--one-file-system", folder.string]))
  }

  /// Removes a folder that may hold files of subordinate ids: what a killed build left on the disk.
  static func remove(_ folder: FilePath, asRoot: Bool) async {
    FileTree.remove(folder)
    guard FileTree.kind(of: folder) != nil else { return }
    let user = asRoot ? [] : ["--user", "--map-root-user", "--map-auto"]
    try? await ExternalCommand("unshare", user + ["rm", "-rf", "--one-file-system", folder.string]).run()
  }
}
