// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// One image and how it is to be written: chooses drives and writes to them.
struct FlashJob: Sendable {
  let source: OpenedSource
  let options: FlashSession.Options
  let requirement: Requirement
  let json: Bool
  let console: Console

  /// The drives that were named; any one that may not be written stops all.
  func plan(_ names: [String], in survey: DriveSurvey) throws -> FlashPlan {
    let selections = try names.map { try survey.select($0) }
    for selection in selections { try require(selection.drive, in: survey) }
    var unique: [TargetSelection] = []
    for selection in selections where !unique.contains(where: { $0.drive == selection.drive }) {
      unique.append(selection)
    }
    return FlashPlan(image: source, mode: options.mode, data: options.data, selections: unique)
  }

  /// Refuses a drive that may not be written. What this user may not read is judged when it is open.
  func require(_ drive: Drive, in survey: DriveSurvey) throws(DriveDiscoveryFailure) {
    try survey.requireWritable(drive, for: requirement) { $0.isAboutPermission }
  }

  /// Every drive that may be written.
  func plan(everythingIn survey: DriveSurvey) throws -> FlashPlan {
    let drives = survey.drives.filter { $0.isCandidate && survey.verdict(on: $0, for: requirement).isWritable }
    guard !drives.isEmpty else { throw WriteFailure.nothingToWrite }
    return FlashPlan(
      image: source, mode: options.mode, data: options.data,
      selections: try drives.map { try survey.select($0.path) })
  }

  /// Writes to the drives, each at its own pace.
  func write(_ drives: [Drive]) async throws -> FlashReport {
    var outcomes = [FlashReport.Target?](repeating: nil, count: drives.count)
    var held: [(index: Int, target: FlashTarget)] = []
    for (index, drive) in drives.enumerated() {
      do {
        held.append((index, try await drive.open { try drive.requireNoMember(in: $0) }))
      } catch {
        outcomes[index] = FlashReport.Target(drive, notOpened: error)
      }
    }
    let session = FlashSession(source, options: options)
    let targets = held.map(\.target)
    let results = try await console.withProgress(of: drives, json: json) {
      await session.run(on: targets, progress: $0)
    }
    for ((index, _), result) in zip(held, results) { outcomes[index] = FlashReport.Target(drives[index], result) }
    return FlashReport(image: source.image.string, targets: outcomes.compactMap { $0 })
  }
}

/// Why nothing was written at all.
enum WriteFailure: Diagnosable, Equatable {
  /// No drive here may be written.
  case nothingToWrite
  /// With `--yes` a drive was named by what the next one may be called too.
  case notAnIdentity(path: String, name: String, identity: String?)

  var code: String {
    switch self {
    case .nothingToWrite: "no-target"
    case .notAnIdentity: "not-an-identity"
    }
  }

  var message: String {
    switch self {
    case .nothingToWrite: "no drive here may be written"
    case .notAnIdentity(let path, let name, _): "with --yes, the \(name) of \(path) is not enough to name it"
    }
  }

  var remedy: String? {
    switch self {
    case .nothingToWrite: "See \"lifeboat devices --all\" for the reasons."
    case .notAnIdentity(_, _, let identity?): "Name it by its identity: \(identity)"
    case .notAnIdentity: "Leave --yes out: this drive has neither a serial number nor a World Wide Name."
    }
  }

  var kind: FailureKind {
    switch self {
    case .nothingToWrite: .refusedTarget
    case .notAnIdentity: .badRequest
    }
  }
}
