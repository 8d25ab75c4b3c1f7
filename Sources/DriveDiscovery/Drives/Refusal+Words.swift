// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

extension Refusal {
  /// What stands against it, as a sentence that names the thing.
  public var reason: String {
    switch self {
    case .systemDisk(let drive, let points): "\(drive) carries the running system (\(listed(points)))"
    case .holdsImage(let drive, let image): "\(image) lies on \(drive) itself"
    case .madeBySoftware(let drive, let kind, let what):
      "\(drive) is \(kind.words)\(what.map { " (\($0))" } ?? ""), not a drive"
    case .optical(let drive): "\(drive) is an optical drive"
    case .floppy(let drive): "\(drive) is a floppy drive"
    case .embedded(let drive): "\(drive) is storage that is soldered to the board (eMMC), not a card"
    case .builtIn(let drive, let bus, let saysRemovable):
      "\(drive) is built in (\(bus.words))"
        + (saysRemovable ? "; it calls itself removable because its port allows that" : "")
    case .unknownDevice(let drive): "Lifeboat does not know this kind of drive: \(drive)"
    case .multipath(let drive, let name): "\(drive) is one of several paths to one drive (\(name))"
    case .noMedium(let drive): "there is no medium in \(drive)"
    case .writeProtected(let drive): "\(drive) is write-protected"
    case .tooSmall(let drive, let size, let needed):
      "\(drive) is too small: it has \(size.exact) bytes, \((needed - size).exact) fewer than the \(needed.exact) that"
        + " are needed"
    case .tooLarge(let drive, let size, let largest):
      "\(drive) has \(size), more than the \(largest.asSold) that Lifeboat accepts as a stick"
    case .blockSize(let drive, let has, let needed):
      "\(drive) has logical blocks of \(has) bytes: in an image for blocks of \(needed), no firmware would find the"
        + " partition table or the boot catalog there"
    case .mounted(let device, let points): "\(device) is mounted at \(listed(points))"
    case .swap(let drive, let path): "the system swaps to \(path), on \(drive)"
    case .held(let device, let holder): "\(device) is in use by \(holder)"
    case .member(let device, let type): "\(device) is \(MemberSignature.words(type))"
    case .ambivalent(let device, let types):
      "\(device) holds marks that contradict each other" + (types.isEmpty ? "" : ": \(listed(types))")
    case .notPermitted(let device): "what is on \(device) cannot be seen: permission denied"
    case .unreadable(let device, let error): "\(device) cannot be read" + (error.map { ": \($0)" } ?? "")
    }
  }

  /// What to do, as a sentence that starts with a verb.
  public var remedy: String {
    switch self {
    case .systemDisk, .builtIn, .embedded, .unknownDevice: "Choose a USB stick or an SD card."
    case .holdsImage: "Copy the image to another drive first, or choose another target."
    case .madeBySoftware: "Choose the drive itself: a USB stick or an SD card."
    case .optical: "Burn a disc, or choose a USB stick or an SD card."
    case .floppy: "Choose a USB stick or an SD card."
    case .multipath: "Leave it: drives with several paths belong to a storage network."
    case .noMedium: "Put a card or disk in, or choose another slot."
    case .writeProtected: "Move the write-protect switch of the stick, the card or its adapter, and plug it in again."
    case .tooSmall: "Choose a larger drive."
    case .blockSize(_, _, let needed):
      "Choose a drive with logical blocks of \(needed) bytes, as nearly all sticks have."
    case .tooLarge: "Choose a smaller drive; this one may hold somebody's backup."
    case .mounted(let device, _): "Make sure that nobody needs what is on it, then unmount it with: umount \(device)"
    case .swap(_, let path): "Stop swapping to it with: swapoff \(path)"
    case .held(let device, _):
      "Close what uses it (lsblk \(device) shows it): cryptsetup close, vgchange -an, mdadm --stop."
    case .member(let device, let type): MemberSignature.remedy(type, device)
    case .ambivalent(let device, _):
      "Look at it with: wipefs \(device); if nobody needs what is on it, remove the marks with: wipefs --all \(device)"
    case .notPermitted: "Run the command as root, for instance with sudo."
    case .unreadable: "Plug it in again; if that does not help, use another drive."
    }
  }
}

private func listed(_ words: [String]) -> String {
  words.count > 4
    ? words.prefix(3).joined(separator: ", ") + " and \(words.count - 3) more" : words.joined(separator: ", ")
}

extension ByteCount {
  /// A power of two as the round number that it is sold under: `256 GB` for 256 GiB.
  fileprivate var asSold: String { bytes % (1 << 30) == 0 ? "\(bytes >> 30) GB" : description }
}

extension Bus {
  /// For messages.
  var words: String {
    switch self {
    case .usb: "USB"
    case .mmc: "MMC"
    case .ata: "SATA"
    case .scsi: "SCSI, SAS or a storage network"
    case .nvme: "NVMe"
    case .virtio: "virtio"
    case .virtual: "software"
    case .unknown: "unknown bus"
    }
  }
}

extension DriveKind {
  /// For messages, with an article.
  var words: String {
    switch self {
    case .disk: "a disk"
    case .card: "a memory card"
    case .embedded: "embedded storage"
    case .optical: "an optical drive"
    case .floppy: "a floppy drive"
    case .loop: "a file seen as a device"
    case .memory: "memory seen as a device"
    case .mapping: "a device of the device mapper"
    case .raid: "a software RAID"
    case .network: "a network device"
    case .software: "a device made by software"
    }
  }
}
