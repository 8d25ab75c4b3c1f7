// SPDX-License-Identifier: GPL-3.0-or-later

/// Follows drives as they come and go.
///
/// It looks twice a second at the names, sizes and counters that sysfs gives drives, and at what is mounted; that needs
/// no permission, no udev and works in a container, and costs about a millisecond. Only when these have changed, and
/// stand still again, are the drives themselves looked at.
public struct DriveWatch: Sendable {
  private let reader: MachineReader
  private let interval: Duration

  /// Describes a watch; nothing runs before `follow` is called.
  public init(reader: MachineReader = MachineReader(), interval: Duration = .milliseconds(500)) {
    self.reader = reader
    self.interval = interval
  }

  /// Calls `body` with the drives as they are now and no changes, then with every change, until `body` says no more.
  /// - Throws: what `body` throws; `CancellationError` when the task is cancelled.
  public func follow(_ body: (DriveSurvey, [DriveChange]) async throws -> Bool) async throws {
    var seen = reader.fingerprint()
    var survey = DriveSurvey(await reader.read())
    guard try await body(survey, []) else { return }
    while true {
      try await Task.sleep(for: interval)
      var now = reader.fingerprint()
      guard now != seen else { continue }
      // A stick that was just plugged in has its partitions, its nodes and udev's names a moment later.
      repeat {
        seen = now
        try await Task.sleep(for: interval)
        now = reader.fingerprint()
      } while now != seen
      let next = DriveSurvey(await reader.read())
      let changes = DriveChange.between(survey, and: next)
      survey = next
      if !changes.isEmpty, try await !body(survey, changes) { return }
    }
  }
}
