// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem

/// A drive with its verdict, as `--json` shows it.
struct DriveReport: Encodable {
  /// A reason against writing it.
  struct Reason: Encodable, Equatable {
    var code: String
    var reason: String
    var remedy: String
  }

  var drive: Drive
  /// What Lifeboat medium the drive is, where that could be read.
  var medium: LifeboatMedium?
  var summary: String
  var remarks: [String]
  var writable: Bool
  var refusals: [Reason]

  /// - Parameter reading: how what a Lifeboat medium says about itself is read.
  init(
    _ drive: Drive, in survey: DriveSurvey, for requirement: Requirement,
    reading: (String) -> LifeboatMedium? = { LifeboatMedium(on: $0) }
  ) {
    self.drive = drive
    medium = drive.contents.lifeboat.flatMap { _ in reading(drive.path) }
    summary =
      medium.map { ([$0.summary] + drive.contents.dataSummaries).joined(separator: ", ") } ?? drive.contents.summary
    remarks = drive.remarks
    refusals = survey.verdict(on: drive, for: requirement).refusals.map {
      Reason(code: $0.code, reason: $0.reason, remedy: $0.remedy)
    }
    writable = refusals.isEmpty
  }

  /// The drive's own facts, and what is said about it, in one object.
  func encode(to encoder: any Encoder) throws {
    try drive.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(medium, forKey: .medium)
    try container.encode(summary, forKey: .summary)
    try container.encode(remarks, forKey: .remarks)
    try container.encode(writable, forKey: .writable)
    try container.encode(refusals, forKey: .refusals)
  }

  private enum CodingKeys: CodingKey { case medium, summary, remarks, writable, refusals }

  /// Its cells in the table.
  var cells: [String] {
    [
      drive.path, drive.identity.model.isEmpty ? "-" : drive.identity.model, drive.identity.serial ?? "-",
      "\(drive.size)", drive.busWords, drive.size > .zero ? summary : "-",
    ]
  }

  /// All in one line, for following changes.
  func line(isGone: Bool) -> String {
    let known = [drive.identity.model, drive.identity.serial ?? "", "\(drive.size)", drive.busWords]
    let who = "\(drive.path)  \(known.filter { !$0.isEmpty }.joined(separator: ", "))"
    guard !isGone else { return who }
    return who + "  \(summary)  " + (refusals.first?.reason ?? "may be written")
  }
}

extension Drive {
  /// How it is attached, and how fast.
  fileprivate var busWords: String {
    switch (kind, speed.flatMap { Double($0) }) {
    case (.card, _): "SD card"
    case (.embedded, _): "eMMC"
    case (_, let speed?) where bus == .usb: speed >= 5000 ? "USB \(Int(speed / 1000)) Gb/s" : "USB \(Int(speed)) Mb/s"
    default: bus == .virtual ? kind.rawValue : bus.rawValue
    }
  }
}

/// What happened to a drive, as a line of JSON.
struct DriveEvent: Encodable {
  var event: String
  var drive: DriveReport
}
