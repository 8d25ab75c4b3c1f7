// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import CISOBurn
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// One burn, from the blank disc to the compared one; lives on the thread of libburn.
final class BurnJob {
  private let image: BurnImage
  private let plan: BurnPlan
  private let request: BurnRequest
  private let progress: ProgressEvent.Handler
  private let isCancelled: () -> Bool
  private let name: String
  private var stage = BurnPlan.Stage.untouched

  /// How often the drive is asked how far it is.
  private static let interval: UInt32 = 50_000
  /// How often a failed writer is waited for, one interval each: half a minute.
  private static let mostRounds = 600

  init(
    _ image: BurnImage, _ plan: BurnPlan, _ request: BurnRequest, progress: @escaping ProgressEvent.Handler,
    isCancelled: @escaping () -> Bool
  ) {
    self.image = image
    self.plan = plan
    self.request = request
    self.progress = progress
    self.isCancelled = isCancelled
    name = image.path.lastComponent?.string ?? image.path.string
  }

  /// Does all of it.
  func run() throws -> DiscBurner.Report {
    try BurnLibrary.session {
      do { return try work() } catch is CancellationError {
        throw DiscBurner.Failure.interrupted(state: plan.discState(at: stage))
      }
    }
  }

  private func work() throws -> DiscBurner.Report {
    let isNewFile = plan.drive.address.hasPrefix(DriveSearch.filePrefix) && !DriveSearch.exists(plan.drive.address)
    // A simulation on a `stdio:` file that is not there makes an empty one.
    defer { if plan.isSimulation, isNewFile { DriveSearch.removeEmptyFile(plan.drive.address) } }
    var drive = try GrabbedDrive(plan.drive.address)
    try prepare(drive)
    let mode = try write(drive)
    try image.checkUnchanged()
    var digest: Digest?
    if request.verifies, !plan.isSimulation {
      // Only a drive that was given back and taken again looks at what is on its disc now.
      drive.release(ejecting: false)
      stage = .verifying
      drive = try GrabbedDrive(plan.drive.address)
      digest = try DiscComparison(image, drive, label: plan.drive.label, isCancelled: isCancelled)
        .run(progress: progress)
    }
    drive.release(ejecting: request.ejects)
    return DiscBurner.Report(plan: plan, image: image, mode: mode, sha256: digest)
  }

  /// Blanks or formats; looks first whether the disc is the one that the plan is about.
  private func prepare(_ drive: GrabbedDrive) throws {
    let now = try BurnPlan(size: image.size, drive: drive.describe(), request: request)
    guard now.isStillRight(for: plan) else { throw DiscBurner.Failure.otherMedium(drive: plan.drive.label) }
    if isCancelled() { throw CancellationError() }
    guard plan.preparation == .blank || plan.preparation == .format else { return }
    let step = plan.preparation == .blank ? "blank" : "format"
    stage = .preparing
    progress(.started(step: step, total: nil))
    if plan.preparation == .blank {
      burn_disc_erase(drive.handle, 1)
    } else {
      // Default size (bits 1 and 2), without certification (bit 6), which takes as long as writing it all.
      burn_disc_format(drive.handle, 0, 6 | 1 << 6)
    }
    // Neither can be broken off safely: the drive does it alone.
    let said = wait(for: drive, cancelling: false) { _, _ in }
    let isBlank = burn_drive_wrote_well(drive.handle) == 1 && burn_drive_re_assess(drive.handle, 0) > 0
    guard isBlank else {
      throw DiscBurner.Failure.preparationFailed(
        drive: plan.drive.label, said: said, state: plan.discState(at: .preparing))
    }
    progress(.finished(step: step, produced: nil))
    stage = .prepared
    let medium = drive.describe().medium
    if let capacity = medium?.capacity, capacity < plan.size {
      throw DiscBurner.Failure.tooSmall(
        drive: plan.drive.label, medium: plan.medium.profile.name, needed: plan.size, capacity: capacity)
    }
    if isCancelled() { throw CancellationError() }
  }

  private func write(_ drive: GrabbedDrive) throws -> String {
    _ = BurnLibrary.messages()
    let track = try track(on: drive)
    let speed = request.speed?.kilobytesPerSecond(plan.medium.profile.family) ?? 0
    burn_drive_set_speed(drive.handle, 0, Int32(speed))
    let step = (plan.isSimulation ? "simulate " : "burn ") + name
    progress(.started(step: step, total: plan.size))
    var done = ByteCount.zero
    stage = .writing(.zero)
    track.start()
    let said = wait(for: drive, cancelling: true) { state, position in
      done = max(done, min(plan.size, position.done))
      stage = .writing(done)
      progress(.advanced(step: step, done: done, total: plan.size))
      progress(.detail(step: step, line: Self.text(state, position)))
    }
    let isWell = burn_drive_wrote_well(drive.handle) == 1
    // A disc that was complete in time is a success; of a simulation nothing remains.
    if isCancelled(), !isWell || plan.isSimulation { throw CancellationError() }
    guard !track.hasLostItsSource else { throw OperationFailure("read", image.path, .ioError) }
    guard isWell else { throw failure(said, done) }
    progress(.finished(step: step, produced: plan.size))
    return track.mode
  }

  private func track(on drive: GrabbedDrive) throws -> BurnTrack {
    do {
      return try BurnTrack(
        image, on: drive, plan.medium.profile, tail: tail(drive), isSimulation: plan.isSimulation)
    } catch let error as BurnTrack.Unwritable { throw failure(error.reasons, .zero) }
  }

  private func failure(_ said: [String], _ done: ByteCount) -> DiscBurner.Failure {
    // SCSI sense 7 27 00 is "write protected" in libburn's words.
    if said.contains(where: { $0.lowercased().contains("write protect") }) {
      return .writeProtected(drive: plan.drive.label)
    }
    return .writeFailed(
      drive: plan.drive.label, done: done, size: plan.size, said: said, state: plan.discState(at: stage))
  }

  /// CD drives read ahead past the end of what was written track at once: 150 sectors of zeros keep them from it.
  private func tail(_ drive: GrabbedDrive) -> Int {
    guard plan.medium.profile.family == .cd else { return 0 }
    let tail = 150 * GrabbedDrive.sector
    let free = Int64(burn_disc_available_space(drive.handle, nil))
    return plan.size.bytes + Int64(tail) <= free ? tail : 0
  }

  /// How far a drive is.
  private struct Position {
    var done = ByteCount.zero
    /// Of the drive's buffer, in percent.
    var buffer: Int?

    init(_ progress: burn_progress) {
      done = ByteCount(Int64(max(0, progress.sector)) * Int64(GrabbedDrive.sector))
      guard progress.buffer_capacity > 0 else { return }
      let used = Int(progress.buffer_capacity) - Int(progress.buffer_available)
      buffer = max(0, used * 100 / Int(progress.buffer_capacity))
    }
  }

  /// Waits until the drive is idle; returns what went wrong meanwhile, as libburn says it.
  private func wait(
    for drive: GrabbedDrive, cancelling: Bool, _ report: (burn_drive_status, Position) -> Void
  ) -> [String] {
    var said: [BurnLibrary.Message] = []
    var hasBegun = false
    while true {
      var progress = burn_progress()
      let state = burn_drive_get_status(drive.handle, &progress)
      said += BurnLibrary.messages()
      if state == BURN_DRIVE_IDLE {
        // Only a writer fails with that last message.
        if cancelling, hasBegun, burn_drive_wrote_well(drive.handle) != 1 { awaitEndOfWriter(&said) }
        return said.filter(\.isProblem).map(\.text)
      }
      hasBegun = true
      // Asked for every time: what is said while the writer starts is forgotten.
      if cancelling, isCancelled() { burn_drive_cancel(drive.handle) }
      if state != BURN_DRIVE_SPAWNING { report(state, Position(progress)) }
      usleep(Self.interval)
    }
  }

  /// A burn that failed leaves its drive idle before its thread is through with it (burn_drive_mark_unready, then a
  /// flush of the drive's cache and half a second's sleep): to give the drive back earlier frees it under that thread.
  private func awaitEndOfWriter(_ said: inout [BurnLibrary.Message]) {
    var rounds = 0
    while !said.contains(where: \.endsFailedBurn), rounds < Self.mostRounds {
      usleep(Self.interval)
      said += BurnLibrary.messages()
      rounds += 1
    }
  }

  private static func text(_ state: burn_drive_status, _ position: Position) -> String {
    switch state {
    case BURN_DRIVE_WRITING_LEADIN: "lead-in"
    case BURN_DRIVE_WRITING_LEADOUT: "lead-out"
    case BURN_DRIVE_WRITING_PREGAP: "pregap"
    case BURN_DRIVE_CLOSING_TRACK: "closing track"
    case BURN_DRIVE_CLOSING_SESSION: "closing disc"
    case BURN_DRIVE_FORMATTING: "formatting"
    default: position.buffer.map { "buffer \($0) %" } ?? ""
    }
  }
}
