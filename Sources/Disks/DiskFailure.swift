// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

/// Why a disk is not opened, or its table or a volume on it is not read or written.
package enum DiskFailure: Diagnosable, Equatable {
  /// Neither a disk nor a file.
  case noDisk(FilePath)
  /// The kernel refuses writes.
  case writeProtected(FilePath)
  /// Another Lifeboat, or another careful program, holds the disk.
  case busy(FilePath)
  /// Another disk than the one that was chosen has its name.
  case otherDisk(FilePath, field: String, expected: String, found: String)
  /// The name of the disk that is held leads to something else by now.
  case nameTaken(FilePath)
  /// No GPT and no MBR.
  case noTable(FilePath)
  /// What libfdisk finds wrong with the table.
  case tableDamaged(FilePath, [String])
  /// A GPT with a second description of the disk in its MBR.
  case hybrid(FilePath)
  /// No entry is free, or none for this place.
  case noEntry(FilePath, [String])
  /// Somebody has changed the partitions meanwhile.
  case changed(FilePath)
  /// Temporary files do not fit.
  case noTemporarySpace(FilePath, needed: ByteCount, free: ByteCount)
  /// The partition's file system is not as Lifeboat left it.
  case volumeDamaged(reason: String)
  /// Writing failed.
  case write(FilePath, offset: ByteCount, Errno)
  /// What was written is not what is read.
  case verify(FilePath, offset: ByteCount)
  /// The kernel has a partition where the table on the disk has none.
  case kernelDiffers(FilePath, device: FilePath)
  /// Another program holds the partition's device.
  case inUse(FilePath, number: Int)

  /// Stable identifier.
  package var code: String {
    switch self {
    case .noDisk: "not-a-disk"
    case .writeProtected: "write-protected"
    case .busy: "locked"
    case .otherDisk, .nameTaken: "other-device"
    case .noTable: "no-partition-table"
    case .tableDamaged: "partition-table-damaged"
    case .hybrid: "hybrid-mbr"
    case .noEntry: "no-partition-entry"
    case .changed: "partitions-changed"
    case .noTemporarySpace: "no-temporary-space"
    case .volumeDamaged: "volume-damaged"
    case .write: "write-failed"
    case .verify: "verify-failed"
    case .kernelDiffers: "kernel-table-differs"
    case .inUse: "in-use"
    }
  }

  /// What happened, and where.
  package var message: String {
    switch self {
    case .noDisk(let disk): "\(disk) is neither a disk nor a disk's image file"
    case .writeProtected(let disk): "\(disk) is write-protected"
    case .busy(let disk): "another program is changing \(disk)"
    case .otherDisk(let disk, let field, let expected, let found):
      "\(disk) is not the disk that was chosen: its \(field) is \(found), not \(expected)"
    case .nameTaken(let disk): "\(disk) no longer leads to the disk that was chosen"
    case .noTable(let disk): "\(disk) has no partition table that Lifeboat knows (GPT or MBR)"
    case .tableDamaged(let disk, let lines): "the partition table of \(disk) is not in order" + listed(lines)
    case .hybrid(let disk): "\(disk) has a hybrid MBR: two tables that describe its partitions"
    case .noEntry(let disk, let lines): "the partition table of \(disk) takes no further partition" + listed(lines)
    case .changed(let disk): "another program changed the partitions of \(disk) in the meantime"
    case .noTemporarySpace(let folder, let needed, let free):
      "\(folder) has no room for temporary files: it needs \(needed), and has \(free) free"
    case .volumeDamaged(let reason): "the file system of the recovery partition is damaged: \(reason)"
    case .write(let disk, let offset, let error): "writing to \(disk) failed at byte \(offset.exact): \(error)"
    case .verify(let disk, let offset): "\(disk) does not hold what was written to it, at byte \(offset.exact)"
    case .kernelDiffers(let disk, let device):
      "the kernel still has \(device) where the table of \(disk) has free space: it may be in use"
    case .inUse(let disk, let number): "partition \(number) of \(disk) is used by another program, or mounted elsewhere"
    }
  }

  /// What helps.
  package var remedy: String? {
    switch self {
    case .noDisk: "Name a whole disk; \"lifeboat devices --all\" lists them."
    case .writeProtected: "Remove the write protection, or choose another disk."
    case .busy: "Wait until it has finished, then start again."
    case .otherDisk, .nameTaken: "Look which disk is which (lifeboat devices --all), then start again."
    case .noTable(let disk): "Make a partition table first, for instance with fdisk \(disk), if the disk is empty."
    case .tableDamaged(let disk, _):
      """
      Save the table (sgdisk --backup=table \(disk)), look at it with gdisk \(disk) or fdisk \(disk), and repair it. Where \
      one of a GPT's two tables is whole, sgdisk -e \(disk) writes the other one anew.
      """
    case .hybrid(let disk):
      "Decide for the GPT with gdisk \(disk) (expert menu, n: a fresh protective MBR) if no system needs the other one."
    case .noEntry: "Remove a partition that is not needed, or convert the disk to GPT (Windows: mbr2gpt)."
    case .changed: "Start again; the disk is as that program left it."
    case .noTemporarySpace: "Make room there, or name a folder on another disk: TMPDIR=/folder lifeboat install …"
    case .volumeDamaged: "Install it again: lifeboat install --remove, then lifeboat install."
    case .write, .verify: "Check the disk's health (smartctl -a); if it happens again, replace the disk."
    case .kernelDiffers(let disk, let device):
      "Unmount \(device) if it is mounted, let the kernel read the table (partprobe \(disk)) or restart, then start again."
    case .inUse: "Unmount it, or end that program (lsblk and fuser -v show which), then start again."
    }
  }

  /// The exit status of a process that this ends.
  package var kind: FailureKind {
    switch self {
    case .noDisk, .otherDisk, .nameTaken, .noTable, .tableDamaged, .hybrid, .noEntry, .kernelDiffers, .inUse:
      .refusedTarget
    case .noTemporarySpace: .cannotCreate
    case .writeProtected: .writeProtected
    case .busy, .changed: .busy
    case .volumeDamaged: .notAsPromised
    case .write: .writeFailed
    case .verify: .verifyFailed
    }
  }

  private func listed(_ lines: [String]) -> String { lines.isEmpty ? "" : ":\n  " + lines.joined(separator: "\n  ") }
}
