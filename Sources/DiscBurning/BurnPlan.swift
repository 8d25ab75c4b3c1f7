// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import SystemPackage

/// What somebody wants of a burn.
public struct BurnRequest: Sendable, Equatable {
  /// What is on the disc may be lost.
  public var mayBlank: Bool
  /// With the laser off.
  public var isSimulation: Bool
  /// How fast; nil leaves it to drive and disc.
  public var speed: BurnSpeed?
  /// Read back and compare.
  public var verifies: Bool
  /// Open the tray at the end.
  public var ejects: Bool

  /// The defaults burn a blank disc and verify it.
  public init(
    mayBlank: Bool = false, isSimulation: Bool = false, speed: BurnSpeed? = nil, verifies: Bool = true,
    ejects: Bool = false
  ) {
    self.mayBlank = mayBlank
    self.isSimulation = isSimulation
    self.speed = speed
    self.verifies = verifies
    self.ejects = ejects
  }
}

/// What a burn would do, decided from descriptions alone: no drive is asked.
public struct BurnPlan: Sendable, Equatable, Encodable {
  /// The drive with its disc.
  public let drive: OpticalDrive
  /// The disc.
  public let medium: OpticalMedium
  /// What the image takes on the disc: whole sectors.
  public let size: ByteCount
  /// What is done to the disc first.
  public let preparation: Preparation
  /// With the laser off.
  public let isSimulation: Bool

  /// What a disc needs before it can be written.
  public enum Preparation: String, Sendable, Encodable {
    case nothing
    /// Blanking, which takes what is on it.
    case blank
    /// None, but writing takes what is on it.
    case overwrite
    /// Formatting of a new disc.
    case format
  }

  /// Decides whether and how an image may be burnt.
  /// - Throws: the reason why not.
  public init(size: ByteCount, drive: OpticalDrive, request: BurnRequest) throws(DiscBurner.Failure) {
    medium = try Self.usableMedium(of: drive)
    self.drive = drive
    self.size = ByteCount((size.bytes + 2047) / 2048 * 2048)
    isSimulation = request.isSimulation
    preparation = try Self.preparation(drive, medium, request)
    if let capacity = medium.capacity, capacity < self.size {
      throw .tooSmall(drive: drive.label, medium: medium.profile.name, needed: self.size, capacity: capacity)
    }
    if isSimulation, !medium.canSimulate {
      throw .cannotSimulate(drive: drive.label, medium: medium.profile.name)
    }
  }

  /// Whether something on the disc is lost.
  public var destroys: Bool { preparation == .blank || preparation == .overwrite }

  /// Whether the drive that was opened holds what the plan was made for.
  func isStillRight(for now: BurnPlan) -> Bool {
    drive.vendor == now.drive.vendor && drive.model == now.drive.model && medium.profile == now.medium.profile
      && medium.state == now.medium.state && preparation == now.preparation
  }

  private static func usableMedium(of drive: OpticalDrive) throws(DiscBurner.Failure) -> OpticalMedium {
    switch drive.obstacle {
    case .busy(let place): throw .busy(drive: drive.label, mountedAt: place)
    case .noPermission: throw .permission(drive: drive.address)
    case .silent(let said): throw .silent(drive: drive.label, said: said)
    case nil: break
    }
    guard drive.writes.contains(where: { $0.nature != .readOnly }) else { throw .cannotWrite(drive: drive.label) }
    guard let medium = drive.medium else { throw .noMedium(drive: drive.label) }
    let name = medium.profile.name
    switch medium.state {
    case .protected: throw .writeProtected(drive: drive.label)
    case .unusable: throw .unusableMedium(drive: drive.label, medium: name)
    case .blank, .appendable, .closed: break
    }
    guard medium.profile.nature != .readOnly else { throw .readOnlyMedium(drive: drive.label, medium: name) }
    guard drive.writes.contains(medium.profile) else { throw .wrongMedium(drive: drive.label, medium: name) }
    return medium
  }

  private static func preparation(
    _ drive: OpticalDrive, _ medium: OpticalMedium, _ request: BurnRequest
  ) throws(DiscBurner.Failure) -> Preparation {
    if !medium.isFormatted, medium.profile.needsFormatting { return .format }
    let needed: Preparation
    switch (medium.state, medium.profile.nature) {
    case (.blank, .overwriteable): needed = medium.holdsData ? .overwrite : .nothing
    case (.blank, _): needed = .nothing
    case (_, .erasable): needed = .blank
    default:
      throw .notBlank(drive: drive.label, medium: medium.profile.name, state: medium.stateText, canBeBlanked: false)
    }
    guard needed == .nothing || (request.mayBlank && !request.isSimulation) else {
      throw .notBlank(drive: drive.label, medium: medium.profile.name, state: medium.stateText, canBeBlanked: true)
    }
    return needed
  }
}

extension BurnPlan {
  /// The plan for the only drive that an image can be burnt with.
  /// - Throws: the one drive's reason, or a list of the drives.
  public static func choose(
    among drives: [OpticalDrive], size: ByteCount, request: BurnRequest
  ) throws(DiscBurner.Failure) -> BurnPlan {
    var plans: [BurnPlan] = []
    var reasons: [DiscBurner.Failure] = []
    for drive in drives {
      do throws(DiscBurner.Failure) {
        plans.append(try BurnPlan(size: size, drive: drive, request: request))
      } catch { reasons.append(error) }
    }
    if let plan = plans.first {
      guard plans.count == 1 else {
        throw .severalDrives(plans.map { "\($0.drive.label): \($0.medium.profile.name), \($0.medium.stateText)" })
      }
      return plan
    }
    guard let reason = reasons.first else { throw .noDrive }
    guard reasons.count == 1 else { throw .noSuitableDrive(reasons.map(\.message)) }
    throw reason
  }

  /// How far a burn had come when it ended before its time.
  public enum Stage: Sendable, Equatable {
    /// Nothing had been done to the disc.
    case untouched
    /// The disc was being blanked or formatted.
    case preparing
    /// The disc was ready; nothing had been written.
    case prepared
    /// So much had been given to the drive.
    case writing(ByteCount)
    /// The disc was complete; reading it back had begun.
    case verifying
  }

  /// What a person holds in the hand after a burn that ended before its time.
  public func discState(at stage: Stage) -> String {
    let name = medium.profile.name
    switch stage {
    case _ where isSimulation: return "The \(name) is unchanged: nothing was burnt."
    case .untouched: return "The \(name) is unchanged."
    case .preparing: return "The \(name) was being blanked, and may be unusable until it is blanked again."
    case .prepared: return "The \(name) is blank; nothing was burnt to it."
    case .verifying: return "The \(name) is burnt to its end, but not verified."
    case .writing(.zero):
      // The drive has been told to write and has not said that it did.
      let loss = preparation == .overwrite ? "may have lost what was on it" : "may still be blank"
      return "The \(name) \(loss): look at it again before you use it."
    case .writing(let done):
      let amount = "about \(done) of \(size) were burnt"
      switch medium.profile.nature {
      case .writeOnce, .readOnly: return "The \(name) is spoilt, \(amount): use another one."
      case .erasable, .overwriteable:
        return "The \(name) does not hold the whole image, \(amount): blank it, and burn it again."
      }
    }
  }
}
