// SPDX-License-Identifier: GPL-3.0-or-later
public import DriveDiscovery
@preconcurrency internal import Glibc
internal import HostSystem
internal import Synchronization
public import SystemPackage

/// How a drive is opened: by this process itself or, where its user may not open it, by UDisks2, which asks polkit.
/// The descriptor that UDisks2 hands over goes through the same checks as one's own.
///
/// ```
///   open(2) ──EACCES──▶ UDisks2: OpenDevice ──password needed──▶ the same again, with polkit's agent on the terminal
///      │                       │ descriptor: O_EXCL, O_DIRECT
///      └──────────▶ identity, size, content ◀──┘
/// ```
public struct TargetOpening: Sendable {
  /// A block device.
  public var path: FilePath
  /// What the plan was made for; nil accepts any.
  public var expected: DriveIdentity?
  /// Whether there is a person at a terminal, whom polkit may ask for a password.
  public var mayAsk: Bool
  /// Asks what stands behind a device number now.
  public var identify: FlashTarget.Identify = FlashTarget.identity
  /// Judges what is on the opened drive, which its user could perhaps not read before.
  public var inspect: (@Sendable (Probe) throws -> Void)?
  /// The bus that has UDisks2; nil is the system's.
  var busAddress: String?
  /// Whether `open(2)` is tried; an administrator's tests leave it out.
  var isDirect = true

  /// Describes an opening; opens nothing.
  public init(_ path: FilePath, expected: DriveIdentity?, mayAsk: Bool) {
    self.path = path
    self.expected = expected
    self.mayAsk = mayAsk
  }

  /// How often, and in microseconds how far apart, is asked again until polkit's agent is there: it does not say when.
  private static let patience = (attempts: 50, pause: UInt32(200_000))

  /// Opens the drive and holds it.
  /// - Throws: `FlashMediaFailure.refused`, `.noAccess`, `.writeProtected`, `.gone`; what `identify` and `inspect`
  ///   throw; `CancellationError`.
  public func target() async throws -> FlashTarget {
    do {
      return try await onThread { isCancelled in try checked(try opened(isCancelled)) }
    } catch FlashMediaFailure.noAccess(_, .passwordNeeded) where mayAsk {
      // No desktop asks for passwords here; on a terminal, polkit's own agent does.
      return try await PolkitAgent.beside {
        try await onThread { isCancelled in try checked(try lentWhenAsked(isCancelled)) }
      }
    }
  }

  private func opened(_ isCancelled: @escaping () -> Bool) throws -> FlashTarget {
    guard isDirect else { return try lent(isCancelled) }
    do {
      return try FlashTarget(path, expected: expected, identify: identify)
    } catch FlashMediaFailure.refused(_, .cannotOpen(let errno))
      where [.permissionDenied, .notPermitted].contains(errno)
    {
      return try lent(isCancelled)
    }
  }

  private func lent(_ isCancelled: @escaping () -> Bool) throws -> FlashTarget {
    let bus: SystemBus
    do throws(SystemBus.Failure) { bus = try SystemBus(busAddress) } catch { throw UDisks.failure(error, path) }
    return try FlashTarget(
      try UDisks(bus, isCancelled: isCancelled).open(path, mayAsk: mayAsk), path, expected, identify)
  }

  private func lentWhenAsked(_ isCancelled: @escaping () -> Bool) throws -> FlashTarget {
    for _ in 1..<Self.patience.attempts {
      do { return try lent(isCancelled) } catch FlashMediaFailure.noAccess(_, .passwordNeeded) {
        if isCancelled() { throw CancellationError() }
        usleep(Self.patience.pause)
      }
    }
    return try lent(isCancelled)
  }

  private func checked(_ target: FlashTarget) throws -> FlashTarget {
    // libblkid reads pieces that O_DIRECT does not allow; nothing is written before it has ended.
    if let inspect { try inspect(try target.withPageCache { Probe(of: $0) }) }
    return target
  }

  /// Drives and the bus are waited for on a thread of their own, which looks whether it is cancelled.
  private func onThread(_ body: @escaping @Sendable (@escaping () -> Bool) throws -> FlashTarget) async throws
    -> FlashTarget
  {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do throws(DedicatedThread.OutOfThreads) {
          try DedicatedThread.start {
            continuation.resume(with: Result { try body { cancellation.hasHappened } })
          }
        } catch {
          continuation.resume(throwing: FlashMediaFailure.refused(path, .cannotOpen(Errno(rawValue: error.code))))
        }
      }
    } onCancel: {
      cancellation.happen()
    }
  }

  private final class Cancellation: Sendable {
    private let value = Mutex(false)
    var hasHappened: Bool { value.withLock { $0 } }
    func happen() { value.withLock { $0 = true } }
  }
}
