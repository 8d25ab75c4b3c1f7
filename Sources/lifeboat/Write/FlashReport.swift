// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// What was done to each drive.
struct FlashReport: Encodable {
  var event = "result"
  var image: String
  var targets: [Target]

  /// One drive.
  struct Target: Encodable {
    var path: String
    var serial: String?
    var model: String
    var state: StickState
    var written: ByteCount
    var skipped: ByteCount
    var zeroed: ByteCount
    var repaired: [FlashRange]
    var seconds: Double
    var data: DataReport?
    var code: String?
    var error: String?
    var remedy: String?
    /// How a process would end that had this drive alone.
    var status: ExitStatus

    private enum CodingKeys: CodingKey {
      case path, serial, model, state, written, skipped, zeroed, repaired, seconds, data, code, error, remedy
    }

    init(_ drive: Drive, _ outcome: FlashOutcome) {
      self.init(
        drive, state: outcome.state, written: outcome.written, skipped: outcome.skipped, zeroed: outcome.zeroed,
        repaired: outcome.repaired, seconds: outcome.seconds)
      data = outcome.data.map { DataReport($0, on: drive) }
      if let failure = outcome.failure {
        fail(with: failure)
      } else if outcome.wasCancelled {
        (code, error, status) = ("interrupted", "interrupted", .interrupted)
      }
    }

    /// A drive that could not be had.
    init(_ drive: Drive, notOpened error: any Error) {
      self.init(drive, state: .untouched, written: .zero, skipped: .zero, zeroed: .zero, repaired: [], seconds: 0)
      fail(with: error)
    }

    private init(
      _ drive: Drive, state: StickState, written: ByteCount, skipped: ByteCount, zeroed: ByteCount,
      repaired: [FlashRange], seconds: Double
    ) {
      path = drive.path
      serial = drive.identity.serial
      model = drive.identity.model
      self.state = state
      self.written = written
      self.skipped = skipped
      self.zeroed = zeroed
      self.repaired = repaired
      self.seconds = seconds
      status = .success
    }

    private mutating func fail(with error: any Error) {
      let report = ErrorReport(error)
      (code, self.error, remedy, status) = (report.code, report.message, report.remedy, report.status)
    }

    /// Its path, with what tells it from others.
    var name: String {
      let words = [model, serial ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
      return words.isEmpty ? path : "\(path) (\(words))"
    }

    /// The drive's part of the summary.
    var lines: [String] {
      guard let error else {
        var done = "\(name): \(state.word), \(written) written"
        if skipped > .zero { done += ", \(skipped) were equal" }
        if zeroed > .zero { done += ", \(zeroed) set to zero" }
        done += " in \(Duration.seconds(seconds).forPeople)"
        return [done] + [data?.line].compactMap { $0 } + repairs
      }
      let words = [remedy, state.sentence, state == .incompleteNotBootable ? data?.consolation : nil]
      return ["\(name): \(error)"] + words.compactMap { $0.map { "  " + $0 } } + repairs
    }

    private var repairs: [String] {
      guard !repaired.isEmpty else { return [] }
      let ranges = repaired.prefix(5).map(\.description).joined(separator: ", ")
      let more = repaired.count > 5 ? " and \(repaired.count - 5) more" : ""
      return [
        "  written a second time, because they read back wrong: bytes \(ranges)\(more). Do not trust this drive for long."
      ]
    }
  }

  /// Where all failed for one kind of reason, that reason's status says more than `partial`.
  var status: ExitStatus {
    let statuses = Set(targets.map(\.status))
    return statuses.count == 1 ? statuses.first ?? .success : .partial
  }

  /// Shows the outcome: a line for each drive, or the last of the JSON lines.
  func show(on console: Console, json: Bool) throws {
    if json { return try console.printJSONLine(self) }
    for target in targets {
      for line in target.lines { console.print(line) }
    }
  }
}

/// The data partition of a drive.
struct DataReport: Encodable {
  var partition: FlashRange
  /// Known of one that was made; of one that was there, as far as it could be read.
  var fileSystem: String?
  var label: String?
  var kept: Bool

  init(_ placed: DataPartition.Placed, on drive: Drive) {
    partition = placed.range
    kept = placed.made == nil
    let there = drive.contents.partitions.first { $0.start == placed.range.offset }?.signatures.first
    fileSystem = placed.made?.fileSystem.rawValue ?? there?.type
    label = placed.made?.label ?? there?.label
  }

  fileprivate var line: String {
    let words = [fileSystem, label.map { "\"\($0)\"" }].compactMap { $0 }.joined(separator: " ")
    return "  data partition: \(partition.length) \(words)\(kept ? ", as it was" : "")"
  }

  /// What has to be said besides where a drive was left unfinished.
  fileprivate var consolation: String? {
    kept ? "Its data partition was not touched: run the same --update again." : nil
  }
}

extension StickState {
  /// For a drive that did what was asked.
  fileprivate var word: String {
    switch self {
    case .untouched: "untouched"
    case .incompleteNotBootable: "incomplete"
    case .writtenNotVerified: "not verified"
    case .complete: "verified"
    }
  }
}
