// SPDX-License-Identifier: GPL-3.0-or-later

/// How a drive is attached.
public enum Bus: String, Sendable, Hashable, Codable {
  case usb, mmc, ata, scsi, nvme, virtio, virtual, unknown
}

/// What sort of device a drive is.
public enum DriveKind: String, Sendable, Hashable, Codable {
  /// A stick or disk.
  case disk
  /// A card in a slot of the MMC bus.
  case card
  /// Storage that is soldered to the board (eMMC), with its boot areas.
  case embedded
  /// A CD, DVD or BD drive.
  case optical
  /// A floppy drive.
  case floppy
  /// A file seen as a device.
  case loop
  /// Memory seen as a device.
  case memory
  /// A device that the device mapper puts together: LVM, dm-crypt, multipath.
  case mapping
  /// A software RAID.
  case raid
  /// A device of a machine in the network.
  case network
  /// Another device that software makes.
  case software
}

extension BlockDevice {
  /// The bus, told by the device's place in the tree. A card slot behind USB counts as one, a disk behind a USB bridge
  /// as USB.
  var bus: Bus {
    if components.contains(where: { $0.hasPrefix("nvme") }) { return .nvme }
    if components.first == "virtual" { return .virtual }
    if components.contains("mmc_host") { return .mmc }
    if components.contains(where: { isNumbered($0, "usb") }) { return .usb }
    if components.contains(where: { isNumbered($0, "ata") }) { return .ata }
    if components.contains(where: { isNumbered($0, "virtio") }) { return .virtio }
    if components.contains(where: { isNumbered($0, "host") }) { return .scsi }
    return .unknown
  }

  /// The sort of device, told by the kernel's name for it and by what the hardware says.
  func kind(hasBootAreas: Bool) -> DriveKind {
    for (prefix, kind) in Self.software where isNumbered(name, prefix) { return kind }
    if isNumbered(name, "sr") || hardware.type == "5" { return .optical }
    if isNumbered(name, "fd") { return .floppy }
    if bus == .mmc { return hardware.type == "SD" && !hasBootAreas ? .card : .embedded }
    if bus == .virtual { return .software }
    return .disk
  }

  /// Drivers that make devices of something else, by the name of their devices.
  private static let software: [(String, DriveKind)] = [
    ("loop", .loop), ("ram", .memory), ("zram", .memory), ("pmem", .memory), ("dm-", .mapping), ("md", .raid),
    ("md_d", .raid), ("nbd", .network), ("rbd", .network), ("drbd", .network), ("bcache", .software),
    ("zd", .software), ("ublkb", .software),
  ]

  var components: [Substring] { location.split(separator: "/") }

  /// Where the device is plugged in, in the manner of udev's path_id, without the numbers that the kernel counts up
  /// with every device: the same socket has the same name next time.
  var port: String {
    let parts = components
    var words: [String] = []
    if let address = parts.last(where: isPCIAddress) { words.append("pci-\(address)") }
    if let interface = parts.last(where: isUSBInterface) {
      words.append("usb-0:\(interface.drop { $0 != "-" }.dropFirst())")
    }
    if bus == .ata, let port = parts.last(where: { isNumbered($0, "ata") }) { words.append("ata-\(port.dropFirst(3))") }
    if bus == .mmc, let host = parts.firstIndex(of: "mmc_host"), parts.count > host + 1 {
      words.append("mmc-\(parts[host + 1].drop { !$0.isNumber })")
    }
    if bus == .nvme { words.append("nvme-\(name.drop { $0 != "n" }.dropFirst().drop { $0 != "n" }.dropFirst())") }
    if bus == .virtio, let device = parts.last(where: { isNumbered($0, "virtio") }) { words.append(String(device)) }
    if bus == .ata || bus == .scsi || bus == .usb, let unit = parts.last(where: { $0.count { $0 == ":" } == 3 }) {
      words.append("scsi-0:\(unit.drop { $0 != ":" }.dropFirst())")
    }
    return words.isEmpty ? location : words.joined(separator: "-")
  }
}

/// Whether a name is this word and digits.
private func isNumbered(_ name: some StringProtocol, _ word: String) -> Bool {
  name.hasPrefix(word) && name.count > word.count && name.dropFirst(word.count).allSatisfy(\.isNumber)
}

/// `0000:00:14.0`
private func isPCIAddress(_ part: Substring) -> Bool {
  part.wholeMatch(of: /[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/) != nil
}

/// `1-2.4:1.0`
private func isUSBInterface(_ part: Substring) -> Bool {
  part.wholeMatch(of: /[0-9]+-[0-9.]+:[0-9]+\.[0-9]+/) != nil
}
