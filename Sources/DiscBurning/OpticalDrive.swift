// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// A drive for discs and the disc in it, as they were when they were asked.
public struct OpticalDrive: Sendable, Equatable, Encodable {
  /// `/dev/sr0`, or `stdio:PATH` for a file in a drive's place.
  public var address: String
  /// Who made it.
  public var vendor: String
  /// What it is called.
  public var model: String
  /// Its firmware.
  public var revision: String
  /// The kinds of disc that it can write; empty also when it could not be asked.
  public var writes: [DiscProfile]
  /// The disc; nil when there is none or when it could not be asked.
  public var medium: OpticalMedium?
  /// Why it could not be asked.
  public var obstacle: Obstacle?

  /// Why a drive cannot be used at the moment.
  public enum Obstacle: Sendable, Hashable, Encodable {
    /// Another program holds it, or its disc is mounted.
    case busy(mountedAt: String?)
    /// The user may not write to it.
    case noPermission
    /// It did not answer; with what libburn says.
    case silent(said: String)
  }

  /// Describes a drive.
  public init(
    address: String, vendor: String, model: String, revision: String = "", writes: [DiscProfile] = [],
    medium: OpticalMedium? = nil, obstacle: Obstacle? = nil
  ) {
    self.address = address
    self.vendor = vendor
    self.model = model
    self.revision = revision
    self.writes = writes
    self.medium = medium
    self.obstacle = obstacle
  }

  /// Vendor and model.
  public var name: String { [vendor, model].filter { !$0.isEmpty }.joined(separator: " ") }
  /// `/dev/sr0 (ASUS DRW-24D5MT)`.
  var label: String { name.isEmpty ? address : "\(address) (\(name))" }
}

/// A disc in a drive.
public struct OpticalMedium: Sendable, Equatable, Encodable {
  /// Its kind.
  public var profile: DiscProfile
  /// What the drive says is on it; an overwriteable disc is always `blank` to it.
  public var state: State
  /// Whether there is something on an overwriteable disc.
  public var holdsData: Bool
  /// False for a DVD-RAM or BD-RE that must be formatted before it can be written.
  public var isFormatted: Bool
  /// How much it takes, from its start; nil when it does not say before it is blanked.
  public var capacity: ByteCount?
  /// Whether the drive can burn this kind of disc with the laser off.
  public var canSimulate: Bool
  /// Write speeds that the drive offers for it, in kB/s (1000 bytes), ascending.
  public var speeds: [Int]

  /// What a drive says is on a disc.
  public enum State: String, Sendable, Encodable {
    case blank, appendable, closed
    /// It can be neither read nor written.
    case unusable
    /// It is protected against writing.
    case protected
  }

  /// Describes a disc.
  public init(
    profile: DiscProfile, state: State, holdsData: Bool = false, isFormatted: Bool = true, capacity: ByteCount?,
    canSimulate: Bool = false, speeds: [Int] = []
  ) {
    self.profile = profile
    self.state = state
    self.holdsData = holdsData
    self.isFormatted = isFormatted
    self.capacity = capacity
    self.canSimulate = canSimulate
    self.speeds = speeds
  }

  /// `blank`, `used, can be blanked`, as a person would say it.
  public var stateText: String {
    switch (state, profile.nature) {
    case (.unusable, _): "unusable"
    case (.protected, _): "write-protected"
    case (_, .readOnly): "read-only"
    case (.blank, .overwriteable) where holdsData: "used, can be overwritten"
    case (.blank, _): isFormatted ? "blank" : "blank, to be formatted"
    case (_, .erasable), (_, .overwriteable): "used, can be blanked"
    case (.appendable, _): "used, not closed"
    case (.closed, _): "closed"
    }
  }
}
