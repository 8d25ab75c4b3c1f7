// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Reads what sysfs says about block devices. What a device does not have is not there: that is no error.
struct SysfsReader {
  /// `/sys`.
  let root: FilePath

  /// The names of all block devices.
  var names: [String] { FileTree.names(in: root.appending("class/block")) }

  /// The name of the device with a number.
  func name(of number: DeviceNumber) -> String? {
    FileTree.linkTarget(of: root.appending("dev/block/\(number)")).flatMap { FilePath($0).lastComponent?.string }
  }

  /// What sysfs says about a device; nil if it is gone.
  func device(_ name: String) -> BlockDevice? {
    let folder = root.appending("class/block/\(name)")
    guard let target = FileTree.linkTarget(of: folder), let number = text(folder, "dev").flatMap({ DeviceNumber($0) })
    else { return nil }
    let location = String(target.split(separator: "/").drop { $0 == ".." || $0 == "devices" }.joined(separator: "/"))
    // Whatever the logical block size is, sysfs counts in 512 bytes.
    var device = BlockDevice(
      name: name, number: number, location: location, size: ByteCount((integer(folder, "size") ?? 0) << 9))
    device.isReadOnly = text(folder, "ro") == "1"
    device.isRemovable = text(folder, "removable") == "1"
    device.isHidden = text(folder, "hidden") == "1"
    device.logicalBlockSize = integer(folder, "queue/logical_block_size").map { Int($0) } ?? 512
    device.sequence = integer(folder, "diskseq").map { UInt64($0) }
    device.holders = FileTree.names(in: folder.appending("holders"))
    device.slaves = FileTree.names(in: folder.appending("slaves"))
    device.mapping = text(folder, "dm/name").map { .init(name: $0, uuid: text(folder, "dm/uuid") ?? "") }
    device.raidLevel = text(folder, "md/level")
    device.backingFile = text(folder, "loop/backing_file")
    device.partition = place(folder, location)
    guard device.partition == nil else { return device }
    device.hardware = hardware(folder)
    readUSB(&device)
    return device
  }

  /// Whether a device-mapper device is suspended: reading it would wait until it is resumed.
  func isSuspended(_ name: String) -> Bool { text(root.appending("class/block/\(name)"), "dm/suspended") == "1" }

  /// Mounted btrfs file systems with all their devices.
  var pools: [FileSystemPool] {
    let folder = root.appending("fs/btrfs")
    return FileTree.names(in: folder).compactMap { uuid in
      let devices = FileTree.names(in: folder.appending("\(uuid)/devices"))
      return devices.isEmpty ? nil : FileSystemPool(uuid: uuid, devices: devices)
    }
  }

  private func place(_ folder: FilePath, _ location: String) -> BlockDevice.Place? {
    guard let index = integer(folder, "partition"), let disk = location.split(separator: "/").dropLast().last else {
      return nil
    }
    return .init(disk: String(disk), index: Int(index), start: ByteCount((integer(folder, "start") ?? 0) << 9))
  }

  private func hardware(_ folder: FilePath) -> BlockDevice.Hardware {
    let device = folder.appending("device")
    return BlockDevice.Hardware(
      vendor: text(device, "vendor"), model: text(device, "model"),
      serial: text(device, "serial") ?? text(folder, "serial") ?? unitSerialNumber(device),
      wwid: text(device, "wwid") ?? text(folder, "wwid"), type: text(device, "type"), name: text(device, "name"))
  }

  /// The unit serial number page (SPC-5, 7.7.15): four bytes of header, of which the last two are the length.
  private func unitSerialNumber(_ device: FilePath) -> String? {
    guard let page = try? FileTree.bytes(of: device.appending("vpd_pg80")), page.count > 4 else { return nil }
    let serial = trimmed(String(decoding: page[4...].prefix(Int(page[2]) << 8 | Int(page[3])), as: UTF8.self))
    return serial.isEmpty ? nil : serial
  }

  /// The USB device is the nearest folder above that has a vendor number, its interface stands between.
  private func readUSB(_ device: inout BlockDevice) {
    var folder = root.appending("devices/\(device.location)")
    let top = root.appending("devices")
    while folder != top, folder.components.count > top.components.count {
      if device.hardware.driver == nil, FileTree.kind(of: folder.appending("bInterfaceNumber")) == .file {
        device.hardware.driver = FileTree.linkTarget(of: folder.appending("driver")).flatMap {
          FilePath($0).lastComponent?.string
        }
      }
      if FileTree.kind(of: folder.appending("idVendor")) == .file {
        device.usb = .init(
          manufacturer: text(folder, "manufacturer"), product: text(folder, "product"), serial: text(folder, "serial"),
          speed: text(folder, "speed"))
        return
      }
      folder.removeLastComponent()
    }
  }

  private func text(_ folder: FilePath, _ name: String) -> String? {
    guard let bytes = try? FileTree.bytes(of: folder.appending(name)) else { return nil }
    // Fixed-width fields keep their padding, which says how wide they are; the line's end does not count.
    let text = String(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" && $0 != "\0" })
    return text.isEmpty ? nil : text
  }

  private func integer(_ folder: FilePath, _ name: String) -> Int64? { text(folder, name).flatMap { Int64($0) } }
}
