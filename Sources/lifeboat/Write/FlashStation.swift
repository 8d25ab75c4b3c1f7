// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage
import Synchronization

/// Stick in, stick out: writes every drive that is plugged in while it runs, several at once, each on its own.
struct FlashStation {
  let job: FlashJob
  /// How many sticks there shall be, or nil for no end.
  let count: Int?
  /// Whether the person has to say once that what is plugged in may be written.
  let asks: Bool

  /// Runs until the count is reached or the person interrupts; then those under way are ended.
  /// - Returns: `success` if every stick that was plugged in was written, else `partial`.
  func run() async throws -> ExitStatus {
    let door = StationDoor(image: job.source.image)
    door.close(to: await DriveSurvey.current())
    let data = job.options.data.map { ", with a partition for data, \($0.words)" } ?? ""
    job.console.note("station: \(job.source.image)\(data); every stick that is plugged in from now on is overwritten.")
    if asks {
      try await Confirmation.ask("Type overwrite to go on:", expected: "overwrite", on: job.console) {
        Confirmation.matches($0, "overwrite")
      }
    }
    job.console.note("Plug in sticks; Ctrl-C ends.")
    let tally = Tally()
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        var isFirst = true
        repeat {
          try await DriveWatch().follow { survey, changes in
            // What was plugged in while the person read and typed is somebody's, too.
            if isFirst { door.close(to: survey) }
            isFirst = false
            let (come, words) = door.sort(changes, in: survey)
            for line in words { job.console.note(line) }
            for drive in come {
              guard tally.begin(count) else { break }
              group.addTask { try await write(drive, survey, tally) }
            }
            return !tally.isFull(count)
          }
          // The last ones are under way; if one of them fails, another stick is asked for.
          try await group.waitForAll()
        } while !tally.reached(count)
      }
    } catch is CancellationError {
      job.console.note("station: \(tally.text)")
      throw CancellationError()
    }
    job.console.note("station: \(tally.text)")
    return tally.failures == 0 ? .success : .partial
  }

  private func write(_ drive: Drive, _ survey: DriveSurvey, _ tally: Tally) async throws {
    let report: FlashReport
    do {
      try job.require(drive, in: survey)
      report = try await job.write([drive])
    } catch let refused as DriveDiscoveryFailure {
      report = FlashReport(image: job.source.image.string, targets: [.init(drive, notOpened: refused)])
    }
    tally.end(isSuccess: report.status == .success)
    try report.show(on: job.console, json: job.json)
    if report.status == .success { job.console.note("\(drive.path) may be taken out; \(tally.text)") }
    try Task.checkCancellation()
  }
}

/// Who may come in: what is plugged in already is somebody's, also when it vanishes and comes back; only what truly
/// comes is written.
final class StationDoor: Sendable {
  private let image: FilePath
  private let earlier = Mutex(EarlierDrives())

  init(image: FilePath) { self.image = image }

  /// Remembers what is there.
  func close(to survey: DriveSurvey) { earlier.withLock { $0.remember(survey) } }

  /// Sorts what has appeared.
  /// - Returns: the drives that may be written, and what is to be said about the others.
  func sort(_ changes: [DriveChange], in survey: DriveSurvey) -> (come: [Drive], words: [String]) {
    var (come, words): ([Drive], [String]) = ([], [])
    for change in changes where change.kind == .added && change.drive.size > .zero {
      let mark = earlier.withLock { $0.mark(of: change.drive, in: survey) }
      guard change.drive.isCandidate else { continue }
      if let mark { words += passedOver(change.drive, mark) } else { come.append(change.drive) }
    }
    return (come, words)
  }

  private func passedOver(_ drive: Drive, _ mark: EarlierDrives.Mark) -> [String] {
    let name = drive.identity.serial ?? drive.identity.wwn ?? drive.path
    return [
      "\(drive.label) was not written: it may have been plugged in before the station began, since \(mark.reason).",
      "  To write it, take it out, start the station again and plug it in; or end the station and name it:"
        + " lifeboat write \(image) \(name)",
    ]
  }
}

extension EarlierDrives.Mark {
  fileprivate var reason: String {
    switch self {
    case .serial: "a drive with its serial number was there"
    case .wwn: "a drive with its World Wide Name was there"
    case .port: "a drive was there on its port, and serial numbers do not tell the two apart"
    case .model: "a drive of its model and size was there, and neither has a serial number"
    }
  }
}

/// How many sticks are under way, done and failed.
private final class Tally: Sendable {
  private let counts = Mutex((running: 0, done: 0, failed: 0))

  /// Whether another one may begin: those that failed do not count.
  func begin(_ limit: Int?) -> Bool {
    counts.withLock {
      if let limit, $0.running + $0.done >= limit { return false }
      $0.running += 1
      return true
    }
  }

  /// Whether those under way would be enough.
  func isFull(_ limit: Int?) -> Bool {
    counts.withLock { counts in limit.map { counts.running + counts.done >= $0 } ?? false }
  }

  func end(isSuccess: Bool) {
    counts.withLock {
      $0.running -= 1
      if isSuccess { $0.done += 1 } else { $0.failed += 1 }
    }
  }

  func reached(_ limit: Int?) -> Bool { counts.withLock { counts in limit.map { counts.done >= $0 } ?? false } }

  var failures: Int { counts.withLock { $0.failed } }

  var text: String { counts.withLock { "\($0.done) written, \($0.failed) failed" } }
}
