// SPDX-License-Identifier: GPL-3.0-or-later

/// What lies on what: partitions on disks, mappings on partitions, mounts on devices, files on mounts.
struct DeviceGraph {
  let machine: MachineDescription
  private let byName: [String: BlockDevice]
  private let byNumber: [DeviceNumber: String]
  private let byPath: [String: String]
  /// A device's name, and what stands on it directly.
  private var above: [String: Set<String>] = [:]

  init(_ machine: MachineDescription) {
    self.machine = machine
    byName = Dictionary(machine.devices.map { ($0.name, $0) }) { first, _ in first }
    byNumber = Dictionary(machine.devices.map { ($0.number, $0.name) }) { first, _ in first }
    var paths: [String: String] = [:]
    for device in machine.devices {
      paths[device.path] = device.name
      for link in device.links { paths["/dev/" + link] = device.name }
      if let mapping = device.mapping { paths["/dev/mapper/" + mapping.name] = device.name }
    }
    byPath = paths
    for device in machine.devices {
      for holder in device.holders { above[device.name, default: []].insert(holder) }
      for slave in device.slaves { above[slave, default: []].insert(device.name) }
      if let disk = device.partition?.disk { above[disk, default: []].insert(device.name) }
    }
    for device in machine.devices {
      for below in device.backingFile.map(devices(holding:)) ?? [] { above[below, default: []].insert(device.name) }
    }
  }

  func device(_ name: String) -> BlockDevice? { byName[name] }

  /// The device that a path below `/dev` leads to.
  func device(at path: String) -> BlockDevice? { byPath[path].flatMap { byName[$0] } }

  /// The device itself and everything that stands on it, however many floors up.
  func tower(on name: String) -> Set<String> {
    var found: Set<String> = []
    var waiting = [name]
    while let next = waiting.popLast() {
      if found.insert(next).inserted { waiting += above[next] ?? [] }
    }
    return found
  }

  /// The devices that a mount lies on; none if it lies on none, or on what nobody can tell.
  func devices(of mount: Mount) -> Set<String> { devices(of: mount, visited: []) }

  /// The devices that the mount of a path lies on; a device, if the path is one.
  func devices(holding path: String) -> Set<String> {
    if let device = device(at: path) { return [device.name] }
    // A loop device's file, and what the system's own processes name, is told in their mount namespace.
    return [false, true].reduce(into: []) { found, isOutside in
      if let mount = mount(covering: path, isOutside: isOutside) { found.formUnion(devices(of: mount)) }
    }
  }

  private func devices(of mount: Mount, visited: Set<Mount>) -> Set<String> {
    if let name = byNumber[mount.number] { return pooled(name) }
    switch mount.type {
    case "overlay":
      return mount.overlayFolders.reduce(into: []) { found, folder in
        guard let below = self.mount(covering: folder, isOutside: mount.isOutside), !visited.contains(below) else {
          return
        }
        found.formUnion(devices(of: below, visited: visited.union([mount])))
      }
    case "zfs":
      let pool = mount.source.prefix { $0 != "/" }
      return Set(
        machine.devices.filter { device in
          device.probe.signatures.contains { $0.type == "zfs_member" && $0.label.map { $0 == pool } ?? true }
        }.map(\.name))
    default:
      // btrfs has a number of its own and names one of its devices; bcachefs names all of them.
      return mount.source.split(separator: ":").reduce(into: []) { found, source in
        if let device = device(at: String(source)) { found.formUnion(pooled(device.name)) }
      }
    }
  }

  /// The other devices of a file system that lies on several.
  private func pooled(_ name: String) -> Set<String> {
    var found: Set<String> = [name]
    for pool in machine.pools where pool.devices.contains(name) { found.formUnion(pool.devices) }
    let identifiers = Set(byName[name]?.probe.signatures.filter { $0.type == "btrfs" }.compactMap(\.uuid) ?? [])
    guard !identifiers.isEmpty else { return found }
    for device in machine.devices
    where device.probe.signatures.contains(where: { $0.uuid.map(identifiers.contains) ?? false }) {
      found.insert(device.name)
    }
    return found
  }

  /// The mount that a path is on: the deepest one, and of several at one place the last.
  private func mount(covering path: String, isOutside: Bool) -> Mount? {
    var best: Mount?
    for mount in machine.mounts where mount.isOutside == isOutside && covers(mount.point, path) {
      if mount.point.utf8.count >= best?.point.utf8.count ?? 0 { best = mount }
    }
    return best
  }

  private func covers(_ point: String, _ path: String) -> Bool {
    point == "/" ? path.hasPrefix("/") : path == point || path.hasPrefix(point + "/")
  }
}
