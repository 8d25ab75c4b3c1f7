// SPDX-License-Identifier: GPL-3.0-or-later

/// Forms of files that hold an image in a way that only another program unpacks. Written as they lie, they start
/// nothing. Known by their bytes, whatever they are called.
public enum ForeignForm: String, Sendable, Hashable, CaseIterable {
  case qcow2, qed, vhd, vhdx, vmdk, vdi, parallels, dmg
  case wim, androidSparse, encase, rawSectors
  case rar, compress, lzop

  /// How much of a file's end is looked at.
  static let tailSize = 512

  /// Tells a form by a file's first and last bytes; nil for what may be an image.
  package init?(head: [UInt8], tail: [UInt8]) {
    func has(_ text: String, at offset: Int = 0) -> Bool {
      offset <= head.count && head[offset...].starts(with: text.utf8)
    }
    switch true {
    case head.starts(with: [0x51, 0x46, 0x49, 0xfb]): self = .qcow2
    case head.starts(with: [0x51, 0x45, 0x44, 0x00]): self = .qed
    case has("vhdxfile"): self = .vhdx
    // A fixed VHD has its mark in the last sector alone.
    case has("conectix"), tail.suffix(Self.tailSize).starts(with: "conectix".utf8): self = .vhd
    case has("KDMV"), has("COWD"), has("# Disk DescriptorFile"): self = .vmdk
    case head.count > 68 && head[64..<68].elementsEqual([0x7f, 0x10, 0xda, 0xbe]): self = .vdi
    case has("WithoutFreeSpace"), has("WithouFreSpacExt"): self = .parallels
    case tail.suffix(Self.tailSize).starts(with: "koly".utf8): self = .dmg
    case head.starts(with: Array("MSWIM".utf8) + [0, 0, 0]): self = .wim
    case head.starts(with: [0x3a, 0xff, 0x26, 0xed]): self = .androidSparse
    case head.starts(with: Array("EVF".utf8) + [9, 13, 10, 255, 0]): self = .encase
    case head.starts(with: [0] + Array(repeating: 0xff, count: 10) + [0]): self = .rawSectors
    case head.starts(with: Array("Rar!".utf8) + [0x1a, 7]): self = .rar
    case head.starts(with: [0x1f, 0x9d]): self = .compress
    case head.starts(with: [0x89, 0x4c, 0x5a, 0x4f, 0, 13, 10, 26, 10]): self = .lzop
    default: return nil
    }
  }

  /// What it is, with an article.
  var words: String {
    switch self {
    case .qcow2: "a virtual disk of QEMU (qcow2)"
    case .qed: "a virtual disk of QEMU (qed)"
    case .vhd: "a virtual disk of Hyper-V (VHD)"
    case .vhdx: "a virtual disk of Hyper-V (VHDX)"
    case .vmdk: "a virtual disk of VMware (VMDK)"
    case .vdi: "a virtual disk of VirtualBox (VDI)"
    case .parallels: "a virtual disk of Parallels"
    case .dmg: "a disk image of macOS (DMG)"
    case .wim: "a Windows image of files (WIM), not of a disk"
    case .androidSparse: "a sparse image of Android"
    case .encase: "a forensic image (EnCase)"
    case .rawSectors: "a copy of a CD with 2,352-byte sectors"
    case .rar: "a RAR archive"
    case .compress: "compressed with compress (.Z)"
    case .lzop: "compressed with lzop"
    }
  }

  /// The program's name of the form, for `qemu-img -f`.
  private var driver: String? {
    switch self {
    case .qcow2, .qed, .vhdx, .vmdk, .vdi, .parallels, .dmg: rawValue
    case .vhd: "vpc"
    case .wim, .androidSparse, .encase, .rawSectors, .rar, .compress, .lzop: nil
    }
  }

  /// How to get an image that can be written.
  func remedy(_ file: String) -> String {
    if let driver { return "Convert it first: qemu-img convert -f \(driver) -O raw \(file) disk.img" }
    return switch self {
    case .androidSparse: "Convert it first: simg2img \(file) disk.img"
    case .encase: "Convert it first: ewfexport -f raw -t disk \(file)"
    case .rawSectors: "Convert it first, with bchunk and its .cue file."
    case .wim: "Take the ISO file that it came in."
    default: "Unpack it first, and name what was in it."
    }
  }
}
