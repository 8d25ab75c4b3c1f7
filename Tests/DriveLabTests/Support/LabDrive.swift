// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage

/// A drive of the lab's computer, over an image file of the host.
struct LabDrive: Sendable {
  enum Kind: Sendable { case usbStorage, uas, card, nvme, sata }

  /// QEMU's name of the device, by which it can be pulled out.
  var id: String
  var kind = Kind.usbStorage
  var serial: String
  var size: ByteCount = .mebibytes(48)
  /// Whether it is there when the computer starts; the others are plugged in later.
  var isPlugged = true
  var isReadOnly = false
  /// Bytes a second that it takes when written, or nil.
  var writeRate: Int?
  /// Writing this 512-byte sector fails with an I/O error.
  var badSector: Int?
  /// What is wrong with it, if anything; a server on a socket is the drive then.
  var fault: LabFault?

  func image(in folder: FilePath) -> FilePath { folder.appending("\(id).img") }

  /// QEMU's arguments for the drive and, if it is plugged in, its device.
  func arguments(in folder: FilePath) -> [String] {
    let rate = writeRate.map { ["-object", "throttle-group,id=\(id)-rate,x-bps-write=\($0),x-bps-write-max=\($0)"] }
    return (rate ?? []) + ["-blockdev", backing(in: folder)] + (isPlugged ? devices.flatMap { ["-device", $0] } : [])
  }

  private func backing(in folder: FilePath) -> String {
    let file = image(in: folder).string
    let readOnly = isReadOnly ? ",read-only=on" : ""
    if fault != nil {
      return "driver=nbd,node-name=\(id)-disk,server.type=unix,server.path=\(LabFault.socket(of: self, in: folder))"
    }
    if let badSector {
      return "driver=blkdebug,node-name=\(id)-disk,image.driver=file,image.filename=\(file),"
        + "inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=5,"
        + "inject-error.0.sector=\(badSector)"
    }
    guard writeRate != nil else {
      return "driver=file,filename=\(file),cache.direct=on\(readOnly),node-name=\(id)-disk"
    }
    return "driver=throttle,node-name=\(id)-disk,throttle-group=\(id)-rate,file.driver=file,file.filename=\(file),"
      + "file.cache.direct=on"
  }

  /// The devices in the words of `-device` and of the monitor's `device_add`.
  var devices: [String] {
    switch kind {
    case .usbStorage: ["usb-storage,bus=lab-usb.0,drive=\(id)-disk,id=\(id),serial=\(serial),removable=on"]
    case .uas:
      [
        "usb-uas,bus=lab-usb.0,id=\(id),serial=\(serial)",
        "scsi-hd,bus=\(id).0,drive=\(id)-disk,serial=\(serial),removable=on",
      ]
    case .card: ["sdhci-pci,id=\(id)-reader", "sd-card,drive=\(id)-disk,id=\(id)"]
    case .nvme: ["nvme,drive=\(id)-disk,id=\(id),serial=\(serial)"]
    case .sata: ["ide-hd,bus=lab-sata.0,drive=\(id)-disk,id=\(id),serial=\(serial)"]
    }
  }
}
