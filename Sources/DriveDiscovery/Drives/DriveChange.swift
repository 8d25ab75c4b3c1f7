// SPDX-License-Identifier: GPL-3.0-or-later

/// What happened to a drive between two looks at a machine.
public struct DriveChange: Hashable, Sendable, Codable {
  /// What happened.
  public var kind: Kind
  /// The drive; as it was, if it is gone.
  public var drive: Drive

  /// Describes what happened.
  public init(kind: Kind, drive: Drive) {
    self.kind = kind
    self.drive = drive
  }

  /// What can happen.
  public enum Kind: String, Hashable, Sendable, Codable {
    /// It was plugged in, or a medium was put in.
    case added
    /// It was pulled out.
    case removed
    /// It is the same drive with other content, mounts or state.
    case changed
  }

  /// The changes from one survey to another; what has gone comes first.
  public static func between(_ old: DriveSurvey, and new: DriveSurvey) -> [DriveChange] {
    let before = Dictionary(old.drives.map { ($0.path, $0) }) { first, _ in first }
    let after = Dictionary(new.drives.map { ($0.path, $0) }) { first, _ in first }
    func isSame(_ a: Drive, _ b: Drive) -> Bool { a.identity.differences(from: b.identity).isEmpty }
    let removed = old.drives.filter { drive in after[drive.path].map { !isSame($0, drive) } ?? true }
    let added = new.drives.filter { drive in before[drive.path].map { !isSame(drive, $0) } ?? true }
    let changed = new.drives.filter { drive in
      guard let earlier = before[drive.path], isSame(drive, earlier) else { return false }
      return earlier != drive || old.verdict(on: earlier) != new.verdict(on: drive)
    }
    return removed.map { DriveChange(kind: .removed, drive: $0) } + added.map { DriveChange(kind: .added, drive: $0) }
      + changed.map { DriveChange(kind: .changed, drive: $0) }
  }
}
