// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import SystemPackage

/// Burning an image to a CD, DVD or BD.
///
///     DriveSearch ─ OpticalDrive ─┐
///     (sysfs)       (libburn)     ├─ BurnPlan ─ BurnJob: blank ─ write ─ take the drive anew ─ compare
///     ISO file ──── BurnImage ────┘  (pure)     (libburn, one thread)
///
/// A plan is decided from values alone, shown, and held against the drive again once that is ours. Addresses that
/// begin with `stdio:` name a file or block device in a drive's place, which libburn treats like an overwriteable disc:
/// they are for tests.
public enum DiscBurner {
  /// A disc that was burnt.
  public struct Report: Sendable, Equatable, Encodable {
    /// The drive's address.
    public var drive: String
    /// Vendor and model.
    public var model: String
    /// The kind of disc.
    public var medium: String
    /// The image.
    public var image: String
    /// How much the image has.
    public var size: ByteCount
    /// `SAO` (session or disc at once) or `TAO` (track at once, incremental, or at random).
    public var mode: String
    /// Whether the laser was off.
    public var simulated: Bool
    /// What was done to the disc first.
    public var preparation: BurnPlan.Preparation
    /// Whether the disc was read back and is the image.
    public var verified: Bool
    /// The SHA-256 of what was read back; nil when nothing was.
    public var sha256: Digest?

    init(plan: BurnPlan, image: BurnImage, mode: String, sha256: Digest?) {
      drive = plan.drive.address
      model = plan.drive.name
      medium = plan.medium.profile.name
      self.image = image.path.string
      size = image.size
      self.mode = mode
      simulated = plan.isSimulation
      preparation = plan.preparation
      verified = sha256 != nil
      self.sha256 = sha256
    }
  }

  /// All drives, with the discs in them. A drive that somebody else uses is listed with that as its obstacle.
  public static func drives() async throws -> [OpticalDrive] { try await drives(DriveSearch()) }

  package static func drives(_ search: DriveSearch) async throws -> [OpticalDrive] {
    try await BlockingThread.burn.run { _ in
      // Without a drive libburn need not be started.
      let addresses = search.addresses()
      return addresses.isEmpty ? [] : try BurnLibrary.session { addresses.map { describe($0, search) } }
    }
  }

  /// One drive: `/dev/sr0`, a link to it such as `/dev/cdrom`, or `stdio:PATH`.
  /// - Throws: `Failure.noSuchDrive`.
  public static func drive(_ name: String) async throws -> OpticalDrive {
    let search = DriveSearch()
    return try await BlockingThread.burn.run { _ in
      let address = try search.resolve(name)
      return try BurnLibrary.session { describe(address, search) }
    }
  }

  /// Burns an image as planned. One image is burnt at a time in a process (libburn has one state); a second call waits.
  /// - Parameters:
  ///   - image: what to burn.
  ///   - plan: what was shown to a person; the drive and its disc must still be what it says.
  ///   - request: what the plan was made with.
  ///   - progress: steps are named `blank`, `format`, `burn NAME`, `simulate NAME` and `verify NAME`; the details of
  ///     burning say how full the drive's buffer is.
  /// - Throws: `Failure`, `OperationFailure`. A cancelled task ends with `Failure.interrupted`, which says what has
  ///   become of the disc; blanking is not broken off.
  public static func burn(
    _ image: BurnImage, plan: BurnPlan, request: BurnRequest, progress: ProgressEvent.Handler? = nil
  ) async throws -> Report {
    try await BlockingThread.burn.run { isCancelled in
      try BurnJob(image, plan, request, progress: progress ?? { _ in }, isCancelled: isCancelled).run()
    }
  }

  private static func describe(_ address: String, _ search: DriveSearch) -> OpticalDrive {
    if let obstacle = search.obstacle(address) { return search.describe(address, obstacle) }
    do { return try GrabbedDrive(address).describe() } catch DiscBurner.Failure.silent(_, let said) {
      return search.describe(address, .silent(said: said))
    } catch { return search.describe(address, .silent(said: "\(error)")) }
  }
}
