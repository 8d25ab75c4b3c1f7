// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import Synchronization
import SystemPackage

extension Console {
  /// Shows what happens to drives while `body` runs: as steps, and with `json` as lines too.
  func withProgress<Result: Sendable>(
    of drives: [Drive], json: Bool, _ body: (@escaping FlashProgress.Handler) async throws -> Result
  ) async throws -> Result {
    let names = Dictionary(uniqueKeysWithValues: drives.map { (FilePath($0.path), $0) })
    let lines = json ? FlashLines(console: self, drives: names) : nil
    return try await withProgress { handler in
      let board = FlashBoard(handler: handler)
      return try await body { progress in
        lines?.show(progress)
        board.show(progress)
      }
    }
  }
}

/// Progress of drives as steps of the console: one for each phase of each drive.
private final class FlashBoard: Sendable {
  private let handler: ProgressEvent.Handler
  private let phases = Mutex<[FilePath: FlashProgress.Phase]>([:])

  init(handler: @escaping ProgressEvent.Handler) { self.handler = handler }

  func show(_ progress: FlashProgress) {
    let before = phases.withLock { phases in
      defer { phases[progress.target] = progress.phase }
      return phases[progress.target]
    }
    if let before, before != progress.phase { handler(.finished(step: "\(progress.target) \(before)", produced: nil)) }
    guard progress.phase != .ended else { return }
    let step = "\(progress.target) \(progress.phase)"
    if before != progress.phase { handler(.started(step: step, total: progress.total)) }
    handler(.advanced(step: step, done: progress.done, total: progress.total))
  }
}

/// Progress as JSON lines on standard output.
private struct FlashLines: Sendable {
  let console: Console
  let drives: [FilePath: Drive]

  private struct Line: Encodable {
    var event = "progress"
    var target: String
    var serial: String?
    var phase: FlashProgress.Phase
    var done: ByteCount
    var total: ByteCount?
    var rate: ByteCount
  }

  func show(_ progress: FlashProgress) {
    try? console.printJSONLine(
      Line(
        target: progress.target.string, serial: drives[progress.target]?.identity.serial, phase: progress.phase,
        done: progress.done, total: progress.total, rate: progress.rate))
  }
}
