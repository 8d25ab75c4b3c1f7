// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
public import HostSystem
internal import Synchronization
public import SystemPackage

/// How fast a drive reads, measured past the page cache, as reading back does it. Changes nothing on the drive, which
/// may be mounted meanwhile.
public struct ReadBenchmark: Sendable, Hashable, Codable {
  /// The whole device's bytes.
  public var size: ByteCount
  /// What the kernel knows about its commands.
  public var limits: Limits
  /// Reading in order: at the start, in the middle, at the end; fewer on a small drive.
  public var stretches: [Stretch]
  /// Reading 4 KiB here and there.
  public var scattered: Scattered

  /// The limits of a drive's queue (`/sys/dev/block/*/queue`, Linux's Documentation/ABI/stable/sysfs-block).
  public struct Limits: Sendable, Hashable, Codable {
    /// Bytes of a logical block.
    public var logicalBlock: Int
    /// Bytes that the drive itself says it writes at once.
    public var physicalBlock: Int
    /// Bytes of the largest command that the kernel sends it.
    public var largestCommand: Int64
    /// Bytes that one command can discard; 0 where the drive takes no such command.
    public var discard: Int64
    /// Bytes that one command can set to zero; 0 where the drive takes no such command, and zeros are written.
    public var zeroing: Int64
  }

  /// One run of reading in order.
  public struct Stretch: Sendable, Hashable, Codable {
    /// Its first byte.
    public var start: Int64
    /// How much was read.
    public var bytes: Int64
    /// In how long.
    public var seconds: Double
    /// Bytes a second.
    public var rate: ByteCount { ByteCount(Int64(Double(bytes) / max(seconds, 1e-9))) }
  }

  /// How long reading one block takes.
  public struct Scattered: Sendable, Hashable, Codable {
    /// How many were read.
    public var count: Int
    /// Milliseconds: half of them took no longer.
    public var median: Double
    /// Milliseconds: 99 of 100 took no longer.
    public var percentile99: Double
    /// Milliseconds of the slowest.
    public var slowest: Double
  }

  /// Measures a drive, for about ten seconds at most if it answers at all. A cancelled task ends it at once.
  /// - Throws: `FlashMediaFailure.refused`, `.gone`, `.read`.
  public static func run(on path: FilePath) async throws -> ReadBenchmark {
    let progress = Monitor(Progress())
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do {
          // A drive that hangs keeps its thread; nobody waits for that one.
          try DedicatedThread.start {
            let result = Result { try ReadRun(path) { progress.read { $0.isCancelled } }.measure() }
            progress.change { $0.result = result }
          }
          try DedicatedThread.start { continuation.resume(with: progress.wait { $0.outcome }) }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      progress.change { $0.isCancelled = true }
    }
  }

  private struct Progress: Sendable {
    var isCancelled = false
    var result: Result<ReadBenchmark, any Error>?
    var outcome: Result<ReadBenchmark, any Error>? { isCancelled ? .failure(CancellationError()) : result }
  }
}

/// The reading itself, in a thread that may block.
private final class ReadRun {
  private let path: FilePath
  private let descriptor: FileDescriptor
  private let isCancelled: () -> Bool
  private let buffer = AlignedBuffer(count: PiecePlan.size)

  /// What one stretch reads at most, in bytes and in time.
  private static let most = (bytes: Int64(256) << 20, time: Duration.seconds(2))
  private static let scattered = (count: 200, time: Duration.seconds(3), block: 4096)

  init(_ path: FilePath, isCancelled: @escaping () -> Bool) throws(FlashMediaFailure) {
    self.path = path
    self.isCancelled = isCancelled
    let opened = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | linux_o_direct)
    guard opened >= 0 else {
      switch Errno(rawValue: errno) {
      case .noSuchAddressOrDevice, Errno(rawValue: ENODEV), Errno(rawValue: ENOMEDIUM): throw .gone(path)
      case .invalidArgument: throw .refused(path, .noDirectAccess)
      case let other: throw .refused(path, .cannotOpen(other))
      }
    }
    descriptor = FileDescriptor(rawValue: opened)
  }

  deinit { try? descriptor.close() }

  func measure() throws -> ReadBenchmark {
    var bytes: UInt64 = 0
    guard linux_block_size(descriptor.rawValue, &bytes) == 0 else {
      throw FlashMediaFailure.refused(path, .notADevice)
    }
    // Whole pages: the last bytes of an odd drive are of no interest here.
    let size = Int64(bytes) / Int64(Self.scattered.block) * Int64(Self.scattered.block)
    guard size > 0 else { throw FlashMediaFailure.gone(path) }
    return ReadBenchmark(
      size: ByteCount(Int64(bytes)), limits: try limits(),
      stretches: try Self.starts(size: size).map { try read(from: $0, size: size) },
      scattered: try readScattered(size: size))
  }

  /// Start, middle and end, as far as they do not overlap.
  private static func starts(size: Int64) -> [Int64] {
    let grain = Int64(PiecePlan.size)
    let last = max(0, (size - most.bytes) / grain * grain)
    let middle = last / 2 / grain * grain
    return middle >= most.bytes ? [0, middle, last] : last >= most.bytes ? [0, last] : [0]
  }

  private func read(from start: Int64, size: Int64) throws -> ReadBenchmark.Stretch {
    let begin = ContinuousClock.now
    var position = start
    let end = min(size, start + Self.most.bytes)
    while position < end, begin.duration(to: .now) < Self.most.time {
      let count = Int(min(Int64(buffer.count), end - position))
      try read(count, at: position)
      position += Int64(count)
    }
    return .init(start: start, bytes: position - start, seconds: begin.duration(to: .now) / .seconds(1))
  }

  private func readScattered(size: Int64) throws -> ReadBenchmark.Scattered {
    let begin = ContinuousClock.now
    var times: [Double] = []
    while times.count < Self.scattered.count, begin.duration(to: .now) < Self.scattered.time {
      let place = Int64.random(in: 0..<size / Int64(Self.scattered.block)) * Int64(Self.scattered.block)
      let time = try ContinuousClock().measure { try read(Self.scattered.block, at: place) }
      times.append(time / .milliseconds(1))
    }
    times.sort()
    func within(_ share: Double) -> Double { times[min(times.count - 1, Int(Double(times.count) * share))] }
    return .init(count: times.count, median: within(0.5), percentile99: within(0.99), slowest: within(1))
  }

  private func read(_ count: Int, at offset: Int64) throws {
    guard !isCancelled() else { throw CancellationError() }
    do {
      guard try buffer.read(0..<count, from: descriptor, at: offset) == count else { throw Errno.ioError }
    } catch let error as Errno {
      let isGone = [ENODEV, ENXIO, ENOMEDIUM].contains(error.rawValue)
      throw isGone ? FlashMediaFailure.gone(path) : .read(path, offset: ByteCount(offset), error)
    }
  }

  private func limits() throws -> ReadBenchmark.Limits {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      throw FlashMediaFailure.refused(path, .cannotOpen(Errno(rawValue: errno)))
    }
    let queue = DeviceFacts.folder(UInt64(status.st_rdev)).appending("queue")
    func number(_ name: String) throws -> Int64 {
      Int64(try FileTree.text(of: queue.appending(name)).filter(\.isNumber)) ?? 0
    }
    return .init(
      logicalBlock: Int(try number("logical_block_size")), physicalBlock: Int(try number("physical_block_size")),
      largestCommand: try number("max_sectors_kb") << 10, discard: try number("discard_max_bytes"),
      zeroing: try number("write_zeroes_max_bytes"))
  }
}
