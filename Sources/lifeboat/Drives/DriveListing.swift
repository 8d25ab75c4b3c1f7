// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem

/// The list of drives that `lifeboat devices` prints.
struct DriveListing: Encodable {
  var drives: [DriveReport]
  /// How many drives are not listed because nobody would write to them.
  var hidden: Int

  init(
    _ survey: DriveSurvey, all: Bool, requirement: Requirement = Requirement(),
    reading: (String) -> LifeboatMedium? = { LifeboatMedium(on: $0) }
  ) {
    let real = survey.drives.filter { !$0.isUnused }
    let shown = real.filter { Self.lists($0, all: all, requirement) }
    drives = shown.map { DriveReport($0, in: survey, for: requirement, reading: reading) }
    hidden = real.count - shown.count
  }

  /// Whether a drive is listed: what software makes only if it is set up for something.
  static func lists(_ drive: Drive, all: Bool, _ requirement: Requirement) -> Bool {
    !drive.isUnused && (all || drive.isCandidate || requirement.allowsLoopDevices && drive.kind == .loop)
  }

  /// A table, with the verdict of each drive below it.
  var lines: [StyledText] {
    let rest: [StyledText] = hidden == 0 ? [] : ["\(hidden) more, built in or virtual; --all lists them too."]
    guard !drives.isEmpty else { return ["No USB drive and no memory card is plugged in."] + rest }
    let table = Columns.text(
      [["DRIVE", "MODEL", "SERIAL", "SIZE", "BUS", "HOLDS"]] + drives.map { $0.cells.map(\.printable) }
    )
    .split(separator: "\n").map { StyledText(String($0)) }
    let rows = zip(drives, table.dropFirst()).flatMap { drive, row in [row] + verdict(drive) }
    return [table.first ?? ""] + rows + rest
  }

  private func verdict(_ report: DriveReport) -> [StyledText] {
    let remarks = report.remarks.map { StyledText("  note: \($0)") }
    guard let first = report.refusals.first else { return ["  " + StyledText("may be written", .good)] + remarks }
    let others = report.refusals.dropFirst().map { StyledText("  also: \($0.reason)") }
    return ["  " + StyledText("not to be written:", .caution) + " \(first.reason)", "    \(first.remedy)"] + others
      + remarks
  }
}
