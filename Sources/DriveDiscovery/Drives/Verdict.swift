// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// Whether a drive may be written.
public enum Verdict: Hashable, Sendable {
  /// It may.
  case writable
  /// It may not; the gravest reason comes first.
  case refused([Refusal])

  /// The reasons; none if it may be written.
  public var refusals: [Refusal] {
    switch self {
    case .writable: []
    case .refused(let refusals): refusals
    }
  }

  /// Whether it may be written.
  public var isWritable: Bool { self == .writable }
}

extension DriveSurvey {
  /// Judges a drive of this survey. The safe ones are few: what is unknown is refused.
  public func verdict(on drive: Drive, for requirement: Requirement = Requirement()) -> Verdict {
    let graph = DeviceGraph(machine)
    guard let device = graph.device(at: drive.path), device.number == drive.number else {
      return .refused([.unknownDevice(drive: drive.path)])
    }
    let refusals = Judgement(
      drive: drive, device: device, graph: graph, requirement: requirement, tower: graph.tower(on: device.name)
    ).refusals
    return refusals.isEmpty ? .writable : .refused(refusals)
  }

  /// Refuses a drive that may not be written.
  /// - Parameter ignored: reasons that do not count for what is to be done.
  /// - Throws: `DriveDiscoveryFailure.refused`.
  public func requireWritable(
    _ drive: Drive, for requirement: Requirement, ignoring ignored: (Refusal) -> Bool = { _ in false }
  ) throws(DriveDiscoveryFailure) {
    let refusals = verdict(on: drive, for: requirement).refusals.filter { !ignored($0) }
    guard refusals.isEmpty else { throw .refused(drive: drive.path, refusals: refusals) }
  }
}

extension Drive {
  /// Refuses a drive for what is on it, partitions included: a survey by a user who may not read drives knows only
  /// what udev has seen.
  /// - Throws: `DriveDiscoveryFailure.refused`.
  package func requireNoMember(in probe: Probe) throws(DriveDiscoveryFailure) {
    let refusals = probe.refusals(of: path) + probe.refusals(ofPartitionsOf: path)
    guard refusals.isEmpty else { throw .refused(drive: path, refusals: refusals) }
  }
}

extension Probe {
  /// What is against writing to the device that was looked at.
  fileprivate func refusals(of path: String) -> [Refusal] {
    switch source {
    case .denied: return [.notPermitted(device: path)]
    case .failed, .skipped: return [.unreadable(device: path, error: error)]
    case .device, .udev: break
    }
    let members = signatures.filter(MemberSignature.applies).map { Refusal.member(device: path, type: $0.type) }
    return isAmbivalent ? members + [.ambivalent(device: path, types: signatures.map(\.type))] : members
  }

  /// What is against it in the partitions that were looked at with it.
  fileprivate func refusals(ofPartitionsOf path: String) -> [Refusal] {
    let signatures = table?.entries.flatMap { $0.signatures ?? [] } ?? []
    return signatures.filter(MemberSignature.applies).map {
      .member(device: "a partition of \(path)", type: $0.type)
    }
  }
}

/// All questions about one drive.
private struct Judgement {
  let drive: Drive
  let device: BlockDevice
  let graph: DeviceGraph
  let requirement: Requirement
  /// The drive and everything on it.
  let tower: Set<String>

  var refusals: [Refusal] {
    if let software = madeBySoftware { return [software] }
    let system = self.system
    // What makes it the system's disk is not said twice.
    let uses = system.isEmpty ? self.uses : []
    return system + image + hardware + medium + size + blocks + uses + content
  }

  private var madeBySoftware: Refusal? {
    switch drive.kind {
    case .loop where requirement.allowsLoopDevices: nil
    case .loop, .memory, .mapping, .raid, .network, .software:
      .madeBySoftware(
        drive: drive.path, kind: drive.kind, of: device.backingFile ?? device.mapping?.name ?? device.raidLevel)
    case .disk, .card, .embedded, .optical, .floppy: nil
    }
  }

  private var mountsOnIt: [Mount] { graph.machine.mounts.filter { !graph.devices(of: $0).isDisjoint(with: tower) } }

  private var system: [Refusal] {
    let points = mountsOnIt.map(\.point).filter(SystemPlaces.contains)
    return points.isEmpty ? [] : [.systemDisk(drive: drive.path, points: unique(points))]
  }

  private var image: [Refusal] {
    guard let path = requirement.imagePath, !graph.devices(holding: path).isDisjoint(with: tower) else { return [] }
    return [.holdsImage(drive: drive.path, image: path)]
  }

  private var hardware: [Refusal] {
    switch drive.kind {
    case .optical: return [.optical(drive: drive.path)]
    case .floppy: return [.floppy(drive: drive.path)]
    case .embedded: return [.embedded(drive: drive.path)]
    case .card, .loop: return []
    case .disk, .memory, .mapping, .raid, .network, .software: break
    }
    switch drive.bus {
    // SCSI's type 0 is a disk, 14 one with fewer commands; others are scanners, tapes, enclosures.
    case .usb where ["0", "14", nil].contains(device.hardware.type): return []
    case .ata, .scsi, .nvme, .virtio:
      return [.builtIn(drive: drive.path, bus: drive.bus, saysRemovable: drive.isRemovable)]
    case .usb, .mmc, .virtual, .unknown: return [.unknownDevice(drive: drive.path)]
    }
  }

  private var medium: [Refusal] {
    if drive.size <= .zero { return [.noMedium(drive: drive.path)] }
    return device.isReadOnly ? [.writeProtected(drive: drive.path)] : []
  }

  private var size: [Refusal] {
    guard drive.size > .zero else { return [] }
    if let needed = requirement.needed, drive.size < needed {
      return [.tooSmall(drive: drive.path, size: drive.size, needed: needed)]
    }
    if let largest = requirement.largest, drive.size > largest {
      return [.tooLarge(drive: drive.path, size: drive.size, largest: largest)]
    }
    return []
  }

  private var blocks: [Refusal] {
    guard drive.size > .zero, let needed = requirement.blockSize, device.logicalBlockSize != needed,
      drive.kind != .optical, drive.kind != .floppy
    else { return [] }
    return [.blockSize(drive: drive.path, has: device.logicalBlockSize, needed: needed)]
  }

  /// The drive itself and its partitions.
  private var surfaces: [BlockDevice] {
    [device] + graph.machine.devices.filter { $0.partition?.disk == device.name }
  }

  private var uses: [Refusal] {
    let floors = graph.machine.devices.filter { tower.contains($0.name) }
    let mounted = floors.compactMap { floor -> Refusal? in
      let points = graph.machine.mounts.filter { graph.devices(of: $0).contains(floor.name) }.map(\.point)
      return points.isEmpty ? nil : .mounted(device: floor.path, points: unique(points))
    }
    let swaps = graph.machine.swaps.filter { !graph.devices(holding: $0.path).isDisjoint(with: tower) }
      .map { Refusal.swap(drive: drive.path, path: $0.path) }
    let held = surfaces.flatMap { surface in surface.holders.map { holder($0, of: surface) } }
    return mounted + swaps + held
  }

  private func holder(_ name: String, of surface: BlockDevice) -> Refusal {
    guard let holder = graph.device(name) else { return .held(device: surface.path, by: name) }
    if let mapping = holder.mapping {
      let maker = mapping.uuid.prefix { $0 != "-" }
      if maker == "mpath" { return .multipath(drive: surface.path, by: mapping.name) }
      let what = ["LVM": "the LVM volume", "CRYPT": "the opened encrypted device"][maker] ?? "the mapping"
      return .held(device: surface.path, by: "\(what) \(mapping.name)")
    }
    return .held(device: surface.path, by: holder.raidLevel.map { "the RAID \(name) (\($0))" } ?? holder.path)
  }

  private var content: [Refusal] {
    guard drive.size > .zero, drive.kind != .optical, drive.kind != .floppy else { return [] }
    return surfaces.flatMap { $0.probe.refusals(of: $0.path) } + device.probe.refusals(ofPartitionsOf: device.path)
  }

  private func unique(_ words: [String]) -> [String] {
    words.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

/// Where the parts of the running system are mounted.
private enum SystemPlaces {
  private static let exact: Set<String> = [
    "/", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/etc", "/home", "/nix", "/nix/store", "/usr", "/var",
    "/cdrom",
  ]
  /// Where live systems keep the medium that they have started from, and what they read from it.
  private static let below = ["/run/live/", "/lib/live/", "/usr/lib/live/", "/run/initramfs/", "/run/archiso/"]

  static func contains(_ point: String) -> Bool { exact.contains(point) || below.contains(where: point.hasPrefix) }
}
