// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import DriveDiscovery
import HostSystem

/// `lifeboat devices`.
struct DevicesVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "List the drives and say which may be written, or empty one.",
    discussion: """
      Lists USB sticks, USB disks and memory cards; --all lists every drive. A drive that may not be written comes \
      with the reason and what to do. Root sees what is on every drive.

        lifeboat devices
        lifeboat devices --watch
        lifeboat devices reset 4C530001230607115463
      """,
    subcommands: [List.self, Reset.self], defaultSubcommand: List.self)

  /// `lifeboat devices list`.
  struct List: Verb {
    static let configuration = CommandConfiguration(
      abstract: "List the drives (what devices does by itself).",
      discussion: """
        With --watch --json every line is a JSON document: first one for each drive that is there, then one for each \
        change. --benchmark lists nothing: it reads the drive here and there for some seconds, and writes nothing to \
        it.

          lifeboat devices list --all
          lifeboat devices list --json
          lifeboat devices --benchmark 4C530001230607115463
        """)

    @Flag(help: "List built-in and virtual drives too.") var all = false
    @Flag(help: "Keep running, and print a line for every drive that is plugged in, changed or pulled out.") var watch =
      false
    @Option(help: ArgumentHelp("Measure how fast a drive reads.", valueName: "target")) var benchmark: String?
    @Flag(help: ArgumentHelp("Take loop devices for drives.", visibility: .hidden)) var allowLoop = false
    @Flag(help: "One JSON document on standard output.") var json = false

    func validate() throws {
      if benchmark != nil, watch || all { throw ValidationError("--benchmark measures one drive; it lists none.") }
    }

    func run(on console: Console) async throws -> ExitStatus {
      if let benchmark {
        try await measure(benchmark, on: console)
      } else if watch {
        // Following ends when somebody has seen enough: that is no failure.
        do { try await follow(on: console) } catch is CancellationError { return .success }
      } else {
        try show(DriveListing(await DriveSurvey.current(), all: all, requirement: requirement), on: console)
      }
      return .success
    }

    private var requirement: Requirement { Requirement(allowsLoopDevices: allowLoop) }

    private func show(_ listing: DriveListing, on console: Console) throws {
      if json { return try console.printJSON(listing) }
      for line in listing.lines { console.print(line) }
    }

    private func measure(_ name: String, on console: Console) async throws {
      let report = try await BenchmarkReport(of: DriveSurvey.current().select(name).drive)
      if json { return try console.printJSON(report) }
      for line in report.lines { console.print(line) }
    }

    private func follow(on console: Console) async throws {
      var isFirst = true
      try await DriveWatch().follow { survey, changes in
        let changes = isFirst ? survey.drives.map { DriveChange(kind: .added, drive: $0) } : changes
        // A slot that has become empty shows by the card that is out.
        for change in changes where DriveListing.lists(change.drive, all: all, requirement) && change.drive.size > .zero
        {
          try show(change, survey, isFirst: isFirst, on: console)
        }
        isFirst = false
        return true
      }
    }

    private func show(_ change: DriveChange, _ survey: DriveSurvey, isFirst: Bool, on console: Console) throws {
      let report = DriveReport(change.drive, in: survey, for: requirement)
      if json {
        return try console.printJSONLine(DriveEvent(event: isFirst ? "present" : change.kind.rawValue, drive: report))
      }
      console.print("\(isFirst ? "here" : change.kind.word): \(report.line(isGone: change.kind == .removed).printable)")
    }
  }
}

extension DriveChange.Kind {
  fileprivate var word: String {
    switch self {
    case .added: "in"
    case .removed: "out"
    case .changed: "changed"
    }
  }
}
