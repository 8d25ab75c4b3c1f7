// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import DiscBurning
import HostSystem
import SystemPackage

/// `lifeboat burn`.
struct BurnVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "burn",
    abstract: "Burn an ISO image to a CD, DVD or BD, and verify it.",
    discussion: """
      Without DRIVE, burns in the only drive that holds a suitable disc. The disc must be blank; --blank blanks a \
      re-writable one first, or overwrites it, once you have typed the drive's model. Afterwards Lifeboat reads the \
      disc back and compares it with the image. After an interruption it says what has become of the disc.

        lifeboat burn --list
        lifeboat burn output/tier1-x64.iso
        lifeboat burn output/tier1-x64.iso /dev/sr0 --blank --yes
        lifeboat burn output/tier1-x64.iso --simulate --speed 4
      """)

  @Argument(help: "The ISO file.", completion: .file(extensions: ["iso"])) var image: String?
  @Argument(help: "The drive, such as /dev/sr0 or /dev/cdrom.", completion: .file()) var drive: String?
  @Flag(help: "List the drives and the discs in them; burn nothing.") var list = false
  @Flag(help: "Blank a re-writable disc first; what is on it is lost.") var blank = false
  @Flag(help: "Do not ask before blanking; only with DRIVE.") var yes = false
  @Flag(help: "Burn with the laser off, where drive and disc can do that.") var simulate = false
  @Option(help: ArgumentHelp("The speed: 4, 2.4, min, max. Without it, drive and disc decide.", valueName: "times"))
  var speed: String?
  @Flag(help: "Open the tray at the end.") var eject = false
  @Flag(name: .customLong("no-verify"), help: "Do not read the disc back.") var isNotVerified = false
  @Flag(help: "One JSON document on standard output.") var json = false

  func validate() throws {
    if list {
      if image != nil { throw ValidationError("--list takes no image: it burns nothing.") }
      return
    }
    guard image != nil else { throw ValidationError("Name an ISO file, or use --list.") }
    if simulate, blank { throw ValidationError("Use --simulate or --blank, not both: blanking is real.") }
    if yes, drive == nil { throw ValidationError("--yes needs the drive's name after the image.") }
    if let speed, BurnSpeed(speed) == nil { throw ValidationError("--speed is a number such as 4, or min or max.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    guard let path = image else {
      try show(try await DiscBurner.drives(), on: console)
      return .success
    }
    let image = try await BurnImage(FilePath(path))
    let request = BurnRequest(
      mayBlank: blank, isSimulation: simulate, speed: speed.flatMap(BurnSpeed.init), verifies: !isNotVerified,
      ejects: eject)
    let plan = try await plan(image, request)
    console.note(Self.text(plan, image))
    if plan.destroys, !yes { try await confirm(plan, on: console) }
    let report = try await console.withProgress {
      try await DiscBurner.burn(image, plan: plan, request: request, progress: $0)
    }
    if json { try console.printJSON(report) } else { console.print(Self.text(report)) }
    return .success
  }

  private func confirm(_ plan: BurnPlan, on console: Console) async throws {
    let model = plan.drive.model
    try await Confirmation.ask(
      "What is on the \(plan.medium.profile.name) in \(plan.drive.address) will be lost. Type the drive's model, "
        + "\(model), to go on:", expected: model, on: console
    ) { Confirmation.matches($0, model) }
  }

  private func plan(_ image: BurnImage, _ request: BurnRequest) async throws -> BurnPlan {
    if let drive {
      return try BurnPlan(size: image.size, drive: try await DiscBurner.drive(drive), request: request)
    }
    return try BurnPlan.choose(among: try await DiscBurner.drives(), size: image.size, request: request)
  }

  private func show(_ drives: [OpticalDrive], on console: Console) throws {
    if json { return try console.printJSON(DriveList(drives: drives)) }
    // An empty list is an answer; only burning needs a drive.
    guard !drives.isEmpty else { return console.note(DiscBurner.Failure.noDrive.message) }
    console.print(Columns.text([["DRIVE", "MODEL", "DISC", "STATE", "ROOM", "SPEEDS"]] + drives.map(Self.row)))
  }

  /// A line of the list.
  static func row(_ drive: OpticalDrive) -> [String] {
    guard let medium = drive.medium else {
      return [drive.address, drive.name, "-", drive.obstacle?.text ?? "no disc", "", ""]
    }
    let speeds = medium.speeds.map { BurnSpeed.text($0, medium.profile.family) }
    return [
      drive.address, drive.name, medium.profile.name, medium.stateText, medium.capacity?.description ?? "",
      speeds.joined(separator: " "),
    ]
  }

  /// What will be done, before it is done.
  static func text(_ plan: BurnPlan, _ image: BurnImage) -> String {
    let room = plan.medium.capacity.map { ", room for \($0)" } ?? ""
    let verb = plan.isSimulation ? "simulate burning" : "burn"
    let disc = "\(plan.medium.profile.name), \(plan.medium.stateText)\(room)"
    return
      "\(verb) \(image.path) (\(image.volume), \(image.size)) to \(plan.drive.address), \(plan.drive.name): \(disc)"
  }

  /// What was done.
  static func text(_ report: DiscBurner.Report) -> String {
    let place = "\(report.drive) (\(report.medium), \(report.mode))"
    if report.simulated { return "\(report.image): simulated burning to \(place); the disc is unchanged" }
    let proof = report.sha256.map { "verified, SHA-256 \($0)" } ?? "not verified"
    return "\(report.image): \(report.size) burnt to \(place), \(proof)"
  }
}

/// The drives as they are listed.
struct DriveList: Encodable {
  var drives: [OpticalDrive]
}

extension OpticalDrive.Obstacle {
  /// For the list.
  var text: String {
    switch self {
    case .busy(let place): place.map { "in use: mounted on \($0)" } ?? "in use"
    case .noPermission: "no permission (group cdrom)"
    case .silent: "does not answer"
    }
  }
}
