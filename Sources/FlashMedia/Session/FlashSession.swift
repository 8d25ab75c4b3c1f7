// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Writes one image to any number of drives at once and proves what they hold.
///
/// ```
///                         ┌─ window: 16 pieces of 2 MiB ─┐     ┌→ two threads, O_DIRECT → stick 1
///   image → one reader ───│ checks SHA-256, marks pieces │─────┼→ two threads, O_DIRECT → stick 2
///                         └──────────────────────────────┘     └→ …each at its own pace
/// ```
///
/// - The order on each drive: empty first piece and last blocks, probe the capacity, write all but the first piece,
///   flush, read all of it back, write bad ranges once more, and at last write and read back the first piece. At any
///   moment before that, the drive starts no computer.
/// - A drive that falls behind by the whole window while another waits goes on by itself: it opens the image anew and
///   holds nobody. For a compressed image that means a decoder of its own, started from the image's beginning.
/// - Memory: the window's 32 MiB and 8 MiB for each drive.
/// - An update reads the drive and writes what differs; what was equal has been verified by that. It removes no
///   signatures and probes nothing. It touches only the bytes of the image, and the tables where there is a data
///   partition.
/// - What a drive gets besides the image (`DataPartition`) is its own: it is made before the first write, written and
///   read back after the image, from a file of this machine.
public struct FlashSession: Sendable {
  /// The image.
  public let source: OpenedSource
  /// How it is written.
  public var options: Options

  /// What is done with the drives.
  public enum Mode: String, Sendable, Codable, CaseIterable {
    /// Write everything, read everything back.
    case write
    /// Write everything, read nothing back.
    case writeWithoutVerifying
    /// Write what differs; read back what was written.
    case update
    /// Write nothing; compare.
    case verifyOnly
  }

  /// How a drive's capacity is tested before it is written.
  public enum Probe: String, Sendable, Codable, CaseIterable {
    /// Not at all.
    case none
    /// In seconds; see `CapacityProbe`.
    case quick
    /// Every block is written and read.
    case full
  }

  /// How an image is written.
  public struct Options: Sendable, Hashable {
    /// What is done.
    public var mode = Mode.write
    /// How the capacity is tested; in the modes that write everything.
    public var probe = Probe.quick
    /// How long a drive may take to answer one command before it is given up. The kernel itself tries a command for
    /// 30 seconds, some times over.
    public var stallLimit = Duration.seconds(120)
    /// The partition that a drive gets behind the image: in the modes that write everything, and in an update where
    /// there is none yet. One that is there is kept by an update, whether or not this asks for one.
    public var data: DataPartition?
    /// Everything written, verified and probed quickly.
    public init() {}
  }

  /// Describes a session.
  public init(_ source: OpenedSource, options: Options = Options()) {
    self.source = source
    self.options = options
  }

  /// Does it. A cancelled task makes every target end within a second, with `wasCancelled` in its outcome.
  /// - Returns: one outcome for each target, in their order; a failing one never stops the others.
  public func run(
    on targets: [FlashTarget], progress: @escaping FlashProgress.Handler = { _ in }
  ) async -> [FlashOutcome] {
    await run(onBlocks: targets, progress: progress)
  }

  package func run(
    onBlocks targets: [any BlockTarget], progress: @escaping FlashProgress.Handler = { _ in }
  ) async -> [FlashOutcome] {
    guard !targets.isEmpty else { return [] }
    let supervisor = Supervisor(source, options, targets, progress)
    return await withTaskCancellationHandler {
      await withCheckedContinuation { supervisor.start($0) }
    } onCancel: {
      supervisor.cancel()
    }
  }
}
