// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import NetworkBootPolicy
internal import SystemPackage

/// The state folder: what was said about machines at run time outlives the service here.
final class MachineStore: Sendable {
  let file: FilePath
  private let lock: FileLock

  /// Takes a folder, making it if it is not there. Two services never share one.
  /// - Throws: `OperationFailure`, `FileLock.Busy`.
  init(in folder: FilePath) throws {
    try FileTree.makeFolder(folder)
    lock = try FileLock(folder.appending("lock"))
    file = folder.appending("machines.json")
    AtomicFile.removeLeftovers(of: file)
  }

  /// What was kept; nothing where there is no file yet.
  /// - Throws: `NetworkBootPolicyFailure.damagedRegister`: the file is left as it is; `OperationFailure`.
  func read() throws -> [KeptMachine] {
    guard FileTree.kind(of: file) != nil else { return [] }
    guard let size = FileTree.status(of: file)?.size, size <= MachineFile.longest else {
      throw NetworkBootPolicyFailure.damagedRegister(file: file.string, reason: "it is too long")
    }
    return try MachineFile.machines(try FileTree.bytes(of: file), file: file.string)
  }

  /// Writes all that is kept, whole or not at all.
  /// - Throws: `OperationFailure`.
  func write(_ machines: [KeptMachine]) throws {
    try AtomicFile.write(try MachineFile.bytes(machines), to: file, permissions: [.ownerReadWrite])
  }
}
