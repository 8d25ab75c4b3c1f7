// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// Why a drive may not be written.
public enum Refusal: Hashable, Sendable {
  /// The running system is on it.
  case systemDisk(drive: String, points: [String])
  /// The image that is to be written lies on it.
  case holdsImage(drive: String, image: String)
  /// It is no drive of its own, but made by software.
  case madeBySoftware(drive: String, kind: DriveKind, of: String?)
  /// It is a CD, DVD or BD drive.
  case optical(drive: String)
  /// It is a floppy drive.
  case floppy(drive: String)
  /// It is soldered to the board.
  case embedded(drive: String)
  /// It is built in.
  case builtIn(drive: String, bus: Bus, saysRemovable: Bool)
  /// Nobody can tell how it is attached, or what it is.
  case unknownDevice(drive: String)
  /// It is one of several paths to one drive.
  case multipath(drive: String, by: String)
  /// There is no medium in it.
  case noMedium(drive: String)
  /// It, or its slot, is write-protected.
  case writeProtected(drive: String)
  /// The image does not fit.
  case tooSmall(drive: String, size: ByteCount, needed: ByteCount)
  /// It is larger than what sticks are.
  case tooLarge(drive: String, size: ByteCount, largest: ByteCount)
  /// Its logical blocks are not those that the image's tables count in.
  case blockSize(drive: String, has: Int, needed: Int)
  /// A file system of it is in use.
  case mounted(device: String, points: [String])
  /// The system swaps to it.
  case swap(drive: String, path: String)
  /// Something that stands on it is in use.
  case held(device: String, by: String)
  /// It is a part of something larger.
  case member(device: String, type: String)
  /// What it holds contradicts itself.
  case ambivalent(device: String, types: [String])
  /// What is on it cannot be seen for lack of permission.
  case notPermitted(device: String)
  /// What is on it cannot be read.
  case unreadable(device: String, error: String?)
}

extension Refusal {
  /// A stable identifier.
  public var code: String {
    switch self {
    case .systemDisk: "system-disk"
    case .holdsImage: "holds-image"
    case .madeBySoftware(_, let kind, _): kind == .loop ? "loop-device" : "made-by-software"
    case .optical: "optical-drive"
    case .floppy: "floppy-drive"
    case .embedded: "embedded-storage"
    case .builtIn: "built-in"
    case .unknownDevice: "unknown-device"
    case .multipath: "multipath"
    case .noMedium: "no-medium"
    case .writeProtected: "write-protected"
    case .tooSmall: "too-small"
    case .tooLarge: "too-large"
    case .blockSize: "block-size"
    case .mounted: "mounted"
    case .swap: "swap"
    case .held: "in-use"
    case .member: "member"
    case .ambivalent: "ambivalent"
    case .notPermitted: "not-permitted"
    case .unreadable: "unreadable"
    }
  }

  /// Whether it is about marks that are left on the drive, which erasing them would end: nothing is in use.
  public var isAboutLeftovers: Bool {
    switch self {
    case .member, .ambivalent: true
    default: false
    }
  }

  /// Whether it is about what could not be looked at for lack of permission; that can be judged when the drive is open.
  public var isAboutPermission: Bool {
    if case .notPermitted = self { true } else { false }
  }
}
