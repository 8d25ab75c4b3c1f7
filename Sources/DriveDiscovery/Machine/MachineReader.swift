// SPDX-License-Identifier: GPL-3.0-or-later
internal import Dispatch
internal import HostSystem
public import SystemPackage

/// Reads the description of a machine from the kernel, udev and the devices themselves; writes nothing.
public struct MachineReader: Sendable {
  private let system: FilePath
  private let processes: FilePath
  private let run: FilePath
  private let nodes: FilePath

  /// Describes where to read; a test gives a tree of files.
  /// - Parameters:
  ///   - system: sysfs.
  ///   - processes: proc.
  ///   - run: the folder that has udev's records in `udev/data`.
  ///   - nodes: the folder of the devices' nodes.
  public init(
    system: FilePath = "/sys", processes: FilePath = "/proc", run: FilePath = "/run", nodes: FilePath = "/dev"
  ) {
    self.system = system
    self.processes = processes
    self.run = run
    self.nodes = nodes
  }

  /// Reads on a thread of its own: a slow drive holds nothing else up.
  public func read() async -> MachineDescription {
    await withCheckedContinuation { continuation in
      DispatchQueue.global(qos: .userInitiated).async { continuation.resume(returning: readNow()) }
    }
  }

  /// Reads on this thread.
  public func readNow() -> MachineDescription {
    let sysfs = SysfsReader(root: system)
    let links = linksByNode()
    var devices = sysfs.names.compactMap(sysfs.device)
    let places = devices.compactMap(\.partition)
    for index in devices.indices {
      let name = devices[index].name
      let record = udevRecord(of: devices[index].number)
      devices[index].links = (record?.links ?? links[name] ?? []).filter { $0.hasPrefix("disk/by-") }
      devices[index].probe = probe(
        devices[index], record: record, isSuspended: sysfs.isSuspended(name),
        partitions: Set(places.filter { $0.disk == name }.map(\.start)))
      if devices[index].hardware.serial == nil, devices[index].usb == nil {
        devices[index].hardware.serial = record?.properties["ID_SERIAL_SHORT"]
      }
    }
    return MachineDescription(devices: devices, mounts: mounts(), swaps: swaps(), pools: sysfs.pools)
  }

  /// A text that changes whenever a drive comes, goes or is put to use; cheap enough to be read twice a second.
  func fingerprint() -> String {
    let sysfs = system.appending("class/block")
    let files = FileTree.names(in: sysfs).flatMap { name in
      ["size", "ro", "diskseq"].map { sysfs.appending("\(name)/\($0)") }
    }
    let holders = FileTree.names(in: sysfs).map { name in
      ([name] + FileTree.names(in: sysfs.appending("\(name)/holders"))).joined(separator: " ")
    }
    let texts = (files + [processes.appending("self/mountinfo"), processes.appending("swaps")]).map {
      (try? FileTree.text(of: $0)) ?? ""
    }
    return (holders + texts).joined(separator: "\n")
  }

  private func probe(
    _ device: BlockDevice, record: UdevRecord?, isSuspended: Bool, partitions: Set<ByteCount>
  ) -> Probe {
    // A disc need not be spun up, nor a suspended device be waited for, to know that neither may be written.
    let kind = device.kind(hasBootAreas: false)
    guard device.size > .zero, !device.isHidden, kind != .optical, kind != .floppy, !isSuspended else {
      return Probe(source: .skipped)
    }
    let node = nodes.appending(String(device.path.dropFirst("/dev/".count)))
    let found = SignatureProbe.read(node) { partitions.contains($0) }
    if found.source == .denied, let record, record.isComplete { return record.probe }
    return found
  }

  private func udevRecord(of number: DeviceNumber) -> UdevRecord? {
    (try? FileTree.text(of: run.appending("udev/data/b\(number)"))).map(UdevRecord.init)
  }

  /// The links in `/dev/disk`, for where udev's records are not to be seen.
  private func linksByNode() -> [String: [String]] {
    var links: [String: [String]] = [:]
    for folder in ["disk/by-id", "disk/by-path"] {
      for name in FileTree.names(in: nodes.appending(folder)) {
        let link = "\(folder)/\(name)"
        guard let target = FileTree.linkTarget(of: nodes.appending(link)),
          let node = FilePath(target).lastComponent?.string
        else { continue }
        links[node, default: []].append(link)
      }
    }
    return links
  }

  /// What this process sees mounted, and what the first process sees if that lives in another mount namespace.
  private func mounts() -> [Mount] {
    func table(_ process: String, isOutside: Bool) -> [Mount] {
      Mount.table((try? FileTree.text(of: processes.appending("\(process)/mountinfo"))) ?? "", isOutside: isOutside)
    }
    let own = FileTree.linkTarget(of: processes.appending("self/ns/mnt"))
    let first = FileTree.linkTarget(of: processes.appending("1/ns/mnt"))
    let seen = table("self", isOutside: false)
    return first == nil || own == first ? seen : seen + table("1", isOutside: true)
  }

  private func swaps() -> [Swap] { Swap.table((try? FileTree.text(of: processes.appending("swaps"))) ?? "") }
}

extension DriveIdentity {
  /// Reads the identity of the device that stands under a number now; for the last look before a drive is written.
  /// - Throws: `DriveDiscoveryFailure.noSuchDevice`.
  public static func current(of number: DeviceNumber, system: FilePath = "/sys") throws(DriveDiscoveryFailure)
    -> DriveIdentity
  {
    let sysfs = SysfsReader(root: system)
    guard let name = sysfs.name(of: number), let device = sysfs.device(name), device.number == number else {
      throw .noSuchDevice(number)
    }
    return device.identity
  }
}
