// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// The drives that were there before somebody said that whatever comes is overwritten.
///
/// A hub that resets, a stick that falls back from USB 3 to USB 2 and a laptop that wakes up make a drive vanish and
/// come back under another name and another `diskseq`, as if a hand had plugged it in. So what comes is compared with
/// everything that was there, for as long as the station runs:
///
/// - the same serial number or World Wide Name: it is the same drive, on whatever port it appears and whatever its size,
///   for a stick with a lock has two;
/// - neither of them: a drive on the port of an earlier one, or one that cannot be told from it (model and size, the
///   earlier one without a serial number too), counts as that one.
///
/// A drive that stands where it stood cannot have come: of ten sticks with the same serial number, nine may be written
/// while the tenth stays plugged in. When in doubt, nothing is written.
package struct EarlierDrives: Sendable {
  private var drives: [DriveIdentity] = []

  /// Knows no drive.
  package init() {}

  /// By what a drive is taken for one that was there.
  package enum Mark: String, Sendable, Hashable {
    case serial, wwn, port, model
  }

  /// Remembers all drives of a survey. A slot without a medium is none.
  package mutating func remember(_ survey: DriveSurvey) {
    for drive in survey.drives where drive.size > .zero && !drives.contains(drive.identity) {
      drives.append(drive.identity)
    }
  }

  /// Whether a drive that has appeared was there earlier; then it is remembered as it is now, too.
  /// - Returns: by what it is known again; nil if it has truly come.
  package mutating func mark(of drive: Drive, in survey: DriveSurvey) -> Mark? {
    let others = survey.drives.filter { $0.path != drive.path }.map(\.identity)
    let absent = drives.filter { earlier in !others.contains { $0.differences(from: earlier).isEmpty } }
    guard
      let (index, mark) = absent.indices.lazy.compactMap({ index in
        drive.identity.mark(of: absent[index]).map { (index, $0) }
      }).first
    else { return nil }
    drives.removeAll { $0 == absent[index] }
    drives.append(drive.identity)
    return mark
  }
}

extension DriveIdentity {
  /// By what this drive may be one that was there earlier.
  fileprivate func mark(of earlier: DriveIdentity) -> EarlierDrives.Mark? {
    if let serial, serial == earlier.serial { return .serial }
    if let wwn, wwn == earlier.wwn { return .wwn }
    let looksAlike = model == earlier.model && size == earlier.size
    if isNamed {
      // Not every stick tells its number each time.
      return port == earlier.port && looksAlike && !earlier.isNamed ? .port : nil
    }
    if port == earlier.port { return .port }
    return looksAlike && !earlier.isNamed ? .model : nil
  }

  /// Whether it has a name that no other drive should have.
  private var isNamed: Bool { serial != nil || wwn != nil }
}
