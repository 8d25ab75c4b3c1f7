// SPDX-License-Identifier: GPL-3.0-or-later
import Disks
import BootEntries
import DriveDiscovery
import HostSystem
import RecoveryPartition
import SystemPackage

/// The disk that was named: a drive of this computer, or an image file.
struct DiskTarget {
  let path: FilePath
  /// Nil for a file.
  let selection: TargetSelection?
  /// Where partitions of it are mounted, by the partition's first byte.
  private let survey: DriveSurvey?

  /// Finds it, and refuses what is no disk.
  /// - Throws: `DriveDiscoveryFailure`, `InstallFailure.notADisk`.
  init(_ name: String, allowsLoopDevices: Bool) async throws {
    if FileTree.kind(of: FileTree.resolved(FilePath(name)) ?? FilePath(name)) == .file {
      (path, selection, survey) = (FilePath(name), nil, nil)
      return
    }
    let survey = await DriveSurvey.current()
    let selection = try survey.select(name)
    (path, self.selection, self.survey) = (FilePath(selection.drive.path), selection, survey)
    switch selection.drive.kind {
    case .disk, .card, .embedded: break
    case .loop where allowsLoopDevices: break
    case .loop, .optical, .floppy, .memory, .mapping, .raid, .network, .software:
      throw InstallFailure.notADisk(selection.drive.path)
    }
  }

  /// Opens it, and makes sure that it is the one that was named.
  func open(forWriting isWriting: Bool) throws -> Disk {
    try Disk(path, isWriting: isWriting, expected: selection?.drive.identity)
  }

  /// A script has to name it by what no other is called.
  func requireIdentity() throws { try selection?.requireIdentity() }

  /// A person types its serial number or model; of a file, its name.
  func confirm(on console: Console) async throws {
    if let drive = selection?.drive { return try await Confirmation.ask(for: drive, on: console) }
    let name = path.lastComponent?.string ?? path.string
    try await Confirmation.ask("Type the name of the file, \(name), to go on:", expected: name, on: console) {
      $0 == name
    }
  }

  /// Refuses a recovery partition that is mounted: two would write to one file system.
  func requireUnmounted(_ partition: InstalledPartition) throws {
    guard let survey, let drive = selection?.drive,
      let device = survey.machine.devices.first(where: { device in
        device.partition.map { "/dev/\($0.disk)" == drive.path && $0.start == partition.start } == true
      })
    else { return }
    if let mount = survey.machine.mounts.first(where: { $0.source == device.path }) {
      throw RecoveryPartitionFailure.mounted(path, number: partition.number, at: mount.point)
    }
  }

  /// The other disks of the computer; none where an image file was named.
  var otherDisks: [Drive] { survey?.drives.filter { $0.path != selection?.drive.path } ?? [] }

  /// The disk for a person: path, model, serial number, size.
  var words: String {
    guard let drive = selection?.drive else { return "\(path) (a disk's image file)" }
    return [drive.path, drive.identity.model, drive.identity.serial ?? "no serial number", drive.size.description]
      .filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

extension Drive {
  /// Whether something of it is encrypted by BitLocker, which measures what starts the computer from whichever disk.
  var hasBitLocker: Bool {
    (contents.signatures + contents.partitions.flatMap(\.signatures)).contains { $0.type == "BitLocker" }
  }
}

/// What the command itself refuses.
enum InstallFailure: Diagnosable, Equatable {
  /// Something else than a disk of this computer.
  case notADisk(String)
  /// A timer could not tell the disk from others.
  case noStableName(String)

  var code: String {
    switch self {
    case .notADisk: "not-a-disk"
    case .noStableName: "no-stable-name"
    }
  }
  var message: String {
    switch self {
    case .notADisk(let path): "\(path) is not a disk that can hold a recovery partition"
    case .noStableName(let path):
      "\(path) has no name below /dev/disk/by-id, by which a timer would find this disk and no other"
    }
  }
  var remedy: String? {
    switch self {
    case .notADisk: "Name a disk of this computer; \"lifeboat devices --all\" lists them."
    case .noStableName: "Give the disk a serial number, in the settings of the virtual machine for instance."
    }
  }
  var kind: FailureKind { .refusedTarget }
}
