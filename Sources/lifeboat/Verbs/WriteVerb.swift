// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// `lifeboat write`.
struct WriteVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "write",
    abstract: "Write an image to USB sticks and SD cards, and verify each.",
    discussion: """
      TARGET is a drive's serial number, its World Wide Name, a name under /dev/disk/by-id, its model if no other \
      drive has the same, or its path. "lifeboat devices" lists the drives. Lifeboat shows the plan first, and you \
      confirm by typing each drive's model or serial number. --yes skips that, and then accepts no path and no model, \
      because the next drive may have the same.

      IMAGE is any raw image, also compressed (gzip, xz, zstd, bzip2, lz4, lzma, lzip) or alone in a zip, 7z or tar \
      archive. Lifeboat goes by its bytes, not by its name. An X.sha256 or X.bmap beside it is checked. Everything on \
      the drive is lost. The first block is written last, so that a drive that failed does not start a computer.

      --data adds a partition behind the image for what people save. It leaves some room for a larger image. --update \
      keeps it and everything in it, whether or not you give --data again; a full write removes it.

        lifeboat write output/tier1.iso 4C530001230607115463
        lifeboat write output/tier1.iso --all-removable
        lifeboat write output/tier1.iso 4C530001230607115463 --update --yes
        lifeboat write output/tier1.iso --station --count 50
        lifeboat write output/tier1.iso 4C530001230607115463 --data
      """)

  @Argument(help: "The image.", completion: .file()) var image: String
  @Argument(help: "The drives.") var targets: [String] = []
  @Flag(help: "Every drive that \"lifeboat devices\" lists as writable.") var allRemovable = false
  @Flag(help: "Keep running, and write every stick that is plugged in.") var station = false
  @Option(help: ArgumentHelp("With --station: end after this many sticks.", valueName: "number")) var count: Int?
  @Flag(help: "Write only the blocks that differ.") var update = false
  @Flag(help: "Compare, and write nothing.") var verifyOnly = false
  @Flag(name: .customLong("no-verify"), help: "Do not read back what was written.") var isNotVerified = false
  @Flag(help: "Add a partition for data behind the image.") var data = false
  @Option(
    help: ArgumentHelp("With --data: exfat, which every computer reads (default), or ext4.", valueName: "file-system"))
  var dataFileSystem: DataPartition.FileSystem?
  @Option(
    help: ArgumentHelp("With --data: the name under which it appears (default: LIFEBOAT).", valueName: "name"))
  var dataLabel: String?
  @Option(help: "How to test a drive's capacity before writing: quick takes seconds, full takes hours.")
  var probe = FlashSession.Probe.quick
  @Flag(help: "Accept drives of more than 256 GB.") var allowLarge = false
  @Flag(help: .hidden) var allowLoop = false
  @Flag(help: "Do not ask; TARGET must be an identity.") var yes = false
  @Flag(help: "JSON lines: progress, and the outcome as the last one.") var json = false

  func validate() throws {
    if [update, verifyOnly, isNotVerified].filter(\.self).count > 1 {
      throw ValidationError("Use only one of --update, --verify-only and --no-verify.")
    }
    if data, verifyOnly { throw ValidationError("--verify-only writes nothing: leave --data out.") }
    if !data, dataFileSystem != nil || dataLabel != nil {
      throw ValidationError("--data-file-system and --data-label belong to --data.")
    }
    if station {
      guard targets.isEmpty, !allRemovable else {
        throw ValidationError("--station takes no targets: they are plugged in.")
      }
      guard count ?? 1 > 0 else { throw ValidationError("--count is a number of sticks, from 1.") }
      return
    }
    guard count == nil else { throw ValidationError("--count belongs to --station.") }
    guard allRemovable != !targets.isEmpty else {
      throw ValidationError("Name the drives, or use --all-removable; \"lifeboat devices\" lists them.")
    }
    if yes, allRemovable { throw ValidationError("--yes needs each drive named by its identity.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let options = try options
    let source = try await FlashSource(FilePath(image)).open()
    try await options.data?.check(source)
    let job = FlashJob(
      source: source, options: options, requirement: requirement(source, options), json: json, console: console)
    if station { return try await FlashStation(job: job, count: count, asks: !yes).run() }
    let survey = await DriveSurvey.current()
    let plan = try allRemovable ? job.plan(everythingIn: survey) : job.plan(targets, in: survey)
    console.note(plan.text)
    if yes {
      try plan.requireIdentities()
    } else if options.mode != .verifyOnly {
      for drive in plan.drives { try await Confirmation.ask(for: drive, on: console) }
    }
    let report = try await job.write(plan.drives)
    try report.show(on: console, json: json)
    return report.status
  }

  private var options: FlashSession.Options {
    get throws {
      var options = FlashSession.Options()
      options.mode = update ? .update : verifyOnly ? .verifyOnly : isNotVerified ? .writeWithoutVerifying : .write
      options.probe = probe
      if data {
        options.data = try DataPartition(dataFileSystem ?? .exfat, label: dataLabel ?? DataPartition.usualLabel)
      }
      return options
    }
  }

  private func requirement(_ source: OpenedSource, _ options: FlashSession.Options) -> Requirement {
    // A drive that is updated may have its data partition already.
    let needed = options.data != nil && !update ? source.size.map { DataPartition.needed(for: $0) } : source.least
    return Requirement(
      needed: needed, imagePath: FileTree.resolved(FilePath(image))?.string,
      largest: allowLarge ? nil : Requirement.usualLargest,
      // Comparing harms no drive.
      blockSize: options.mode == .verifyOnly ? nil : source.tableBlockSize, allowsLoopDevices: allowLoop)
  }
}
