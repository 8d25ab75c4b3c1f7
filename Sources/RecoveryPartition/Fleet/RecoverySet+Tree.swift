// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
internal import BootAssembly
internal import HostSystem
internal import SystemPackage

extension RecoverySet {
  /// Lays the files of a partition with one version out in a folder, for whoever makes its file system elsewhere.
  ///
  /// The place of `lifeboat/state` is not known there: the menus say 0, where no state is, and nothing is ever noted.
  /// - Parameter serial: stands for the file system's serial number in the menus.
  /// - Throws: `Site.Failure`, `OperationFailure`, `ExternalCommand.Failure`.
  func layOut(in folder: FilePath, serial: String) async throws {
    let place = PartitionMenu.Place(serial: serial, stateOffset: 0)
    let state = File(SlotState.path, SlotState(current: identifier).block)
    let entrance = try await FileTree.withPrivateFolder {
      try await self.entrance(serial: serial, hotkeyDelay: nil, scratch: $0)
    }
    for file in try [state] + entrance + files(startedFrom: place) {
      let target = folder.pushing(FilePath(file.path))
      try FileTree.makeFolder(target.removingLastComponent())
      try write(file, to: target)
    }
  }

  /// What such a folder takes on a partition.
  func treeSize() throws -> ByteCount {
    room(try files(startedFrom: PartitionMenu.Place(serial: FleetPackage.serial, stateOffset: 0)) + look)
      + systemPartitionSize
  }

  /// Copies the ISO file that the set was read from.
  func copyMedium(_ medium: FilePath, to target: FileDescriptor, _ name: FilePath) throws {
    let file = try OperationFailure.wrap("open", medium) {
      try FileDescriptor.open(medium, .readOnly, options: .closeOnExec)
    }
    defer { try? file.close() }
    let size = FileTree.status(of: medium)?.size ?? 0
    for start in stride(from: 0, to: size, by: 1 << 20) {
      let bytes = try readBytes(file, start..<min(size, start + 1 << 20), medium)
      try OperationFailure.wrap("write", name) { _ = try target.writeAll(bytes) }
    }
  }
}
