// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// The drives of a machine, and whether they may be written. Pure: it asks the description and nothing else.
public struct DriveSurvey: Sendable {
  /// Every whole device that has a node, in the order of their names.
  public let drives: [Drive]
  /// What they were found in.
  public let machine: MachineDescription

  /// Looks at a machine.
  public init(_ machine: MachineDescription) {
    self.machine = machine
    let graph = DeviceGraph(machine)
    var found = machine.devices.filter { $0.partition == nil && !$0.isHidden && !$0.isPartOfCard(in: machine) }
      .sorted { naturally($0.name, before: $1.name) }
      .map { Drive($0, in: graph) }
    for index in found.indices { found[index].lookalikes = Self.lookalikes(of: found[index], among: found) }
    drives = found
  }

  /// Reads the machine that this process runs on; takes as long as the slowest drive.
  public static func current() async -> DriveSurvey { DriveSurvey(await MachineReader().read()) }

  private static func lookalikes(of drive: Drive, among drives: [Drive]) -> [String] {
    guard drive.isCandidate else { return [] }
    return drives.filter { other in
      guard other.path != drive.path, other.isCandidate else { return false }
      if let serial = drive.identity.serial { return other.identity.serial == serial }
      return other.identity.serial == nil && other.identity.wwn == drive.identity.wwn
        && other.identity.model == drive.identity.model
    }.map(\.path)
  }
}

extension BlockDevice {
  /// Boot areas of soldered storage are devices of their own, but no drives: `mmcblk0boot0`.
  fileprivate func isPartOfCard(in machine: MachineDescription) -> Bool {
    machine.devices.contains { $0.isCard(withArea: self) }
  }

  fileprivate func isCard(withArea area: BlockDevice) -> Bool {
    guard area.name.hasPrefix(name), area.partition == nil else { return false }
    return area.name.dropFirst(name.count).wholeMatch(of: /boot[0-9]+|rpmb|gp[0-9]+/) != nil
  }
}

extension Drive {
  init(_ device: BlockDevice, in graph: DeviceGraph) {
    let machine = graph.machine
    let kind = device.kind(hasBootAreas: machine.devices.contains { device.isCard(withArea: $0) })
    let tower = graph.tower(on: device.name)
    self.init(
      path: device.path, number: device.number, identity: device.identity, bus: device.bus, kind: kind,
      speed: device.usb?.speed, isRemovable: device.isRemovable, stableNames: device.links.map { "/dev/" + $0 },
      contents: Contents(device, partitions: machine.devices.filter { $0.partition?.disk == device.name }),
      mountPoints: machine.mounts.filter { !graph.devices(of: $0).isDisjoint(with: tower) }.map(\.point),
      lookalikes: [])
  }
}

extension Drive.Contents {
  fileprivate init(_ device: BlockDevice, partitions: [BlockDevice]) {
    let probe = device.probe
    let entries = probe.table?.entries ?? []
    var found = partitions.compactMap { partition in
      partition.partition.map { place in
        Drive.Partition(
          path: partition.path, index: place.index, start: place.start, size: partition.size,
          name: entries.first { $0.start == place.start }?.name, signatures: partition.probe.signatures)
      }
    }
    for entry in entries where !found.contains(where: { $0.start == entry.start }) {
      found.append(
        Drive.Partition(
          path: nil, index: entry.index, start: entry.start, size: entry.size, name: entry.name,
          signatures: entry.signatures ?? []))
    }
    self.init(
      isKnown: probe.source == .device || probe.source == .udev, table: probe.table?.type,
      tableIdentifier: probe.table?.uuid, signatures: probe.signatures,
      partitions: found.sorted { ($0.index, $0.start) < ($1.index, $1.start) },
      lifeboat: probe.signatures.lazy.compactMap(\.lifeboatVolume).first)
  }
}

/// sda, sdb, … sdz, sdaa; loop2 before loop10.
private func naturally(_ a: String, before b: String) -> Bool {
  func key(_ name: String) -> (String, Int, String) {
    let word = name.prefix { !$0.isNumber }
    let digits = name.dropFirst(word.count).prefix { $0.isNumber }
    // Of two names of one driver the longer word comes later.
    let stem =
      word.hasPrefix("sd") || word.hasPrefix("vd") ? String(word.prefix(2)) + "\(word.count)" + word : String(word)
    return (stem, Int(digits) ?? 0, name)
  }
  return key(a) < key(b)
}
