// SPDX-License-Identifier: GPL-3.0-or-later

/// All that is known about the block devices of a machine at one moment; every decision is made from such a value.
///
///     /sys /proc /run/udev ──▶ MachineReader ──▶ MachineDescription ──▶ Drive.all ──▶ Drive ──▶ Verdict
///     libblkid ───────────────────┘                (a fixture in tests)                  │
///                                              what a person types ──▶ TargetSelection ──┘
public struct MachineDescription: Hashable, Sendable, Codable {
  /// Whole devices and partitions, ordered by name.
  public var devices: [BlockDevice]
  /// What is mounted.
  public var mounts: [Mount]
  /// What is swapped to.
  public var swaps: [Swap]
  /// File systems that lie on more than one device.
  public var pools: [FileSystemPool]

  /// Puts a description together.
  public init(
    devices: [BlockDevice] = [], mounts: [Mount] = [], swaps: [Swap] = [], pools: [FileSystemPool] = []
  ) {
    self.devices = devices
    self.mounts = mounts
    self.swaps = swaps
    self.pools = pools
  }

  /// Reads JSON; lists that are not there are empty.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    devices = try container.decodeIfPresent([BlockDevice].self, forKey: .devices) ?? []
    mounts = try container.decodeIfPresent([Mount].self, forKey: .mounts) ?? []
    swaps = try container.decodeIfPresent([Swap].self, forKey: .swaps) ?? []
    pools = try container.decodeIfPresent([FileSystemPool].self, forKey: .pools) ?? []
  }
}

/// A line of `/proc/swaps`.
public struct Swap: Hashable, Sendable, Codable {
  /// The device's node or the file.
  public var path: String
  /// Whether it is a file.
  public var isFile: Bool

  /// Describes one.
  public init(path: String, isFile: Bool) {
    self.path = path
    self.isFile = isFile
  }
}

/// A mounted file system over several devices, of which `mountinfo` names at most one (btrfs).
public struct FileSystemPool: Hashable, Sendable, Codable {
  /// The file system's UUID.
  public var uuid: String
  /// Kernel names of its devices.
  public var devices: [String]

  /// Describes one.
  public init(uuid: String, devices: [String]) {
    self.uuid = uuid
    self.devices = devices
  }
}
