// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// Which drive is about to be made empty, and how.
struct ResetPlan {
  let selection: TargetSelection
  let reset: FlashReset

  var drive: Drive { selection.drive }

  /// Finds and judges a drive. Marks that nothing uses are what a reset is there to remove.
  /// - Throws: `DriveDiscoveryFailure`.
  init(
    _ name: String, in survey: DriveSurvey, reset: FlashReset, largest: ByteCount? = Requirement.usualLargest,
    allowsLoopDevices: Bool = false
  ) throws {
    self.reset = reset
    selection = try survey.select(name)
    let requirement = Requirement(
      needed: reset.fileSystem.smallest, largest: largest, blockSize: nil, allowsLoopDevices: allowsLoopDevices)
    try survey.requireWritable(selection.drive, for: requirement) {
      $0.isAboutLeftovers || $0.isAboutPermission
    }
  }

  /// The plan for a person to read.
  var text: String {
    let label = reset.label.map { " \"\($0)\"" } ?? ""
    return """
      make empty, with one partition of \(FlashReset.partition(of: drive.size).length) (\(reset.fileSystem.word)\(label))
      \(Columns.text([drive.planCells]))
      Everything on it will be lost.
      """
  }

  /// Does it.
  func carryOut(json: Bool, on console: Console) async throws -> ResetReport {
    let target: FlashReport.Target
    do {
      let held = try await drive.open()
      target = FlashReport.Target(
        drive, try await console.withProgress(of: [drive], json: json) { try await reset.run(on: held, progress: $0) })
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      target = FlashReport.Target(drive, notOpened: error)
    }
    return ResetReport(
      fileSystem: reset.fileSystem, label: reset.label, partition: FlashReset.partition(of: drive.size), target: target)
  }
}

/// What became of a drive that was to be made empty.
struct ResetReport: Encodable {
  var event = "result"
  var fileSystem: FlashReset.FileSystem
  var label: String?
  var partition: FlashRange
  var target: FlashReport.Target

  /// Shows it: as lines, or the last of the JSON lines.
  func show(on console: Console, json: Bool) throws {
    if json { return try console.printJSONLine(self) }
    guard target.error == nil else {
      for line in target.lines { console.print(line) }
      return
    }
    console.print(
      "\(target.name): empty, one partition of \(partition.length) (\(fileSystem.word)),"
        + " in \(Duration.seconds(target.seconds).forPeople)")
  }
}

extension FlashReset.FileSystem {
  /// As it is called.
  fileprivate var word: String {
    switch self {
    case .exfat: "exFAT"
    case .fat32: "FAT32"
    }
  }
}
