// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage

@testable import MediumReading

extension Fuzz {
  /// An ISO from its sector 16 on, where its volume descriptors are: what is before does not cost the fuzzer a thought.
  static func iso(_ bytes: [UInt8]) {
    let source = MemoryBytes([UInt8](repeating: 0, count: 16 * 2048) + bytes)
    guard let reader = try? ISOReader(DiskImageReader(path: "fuzz", source: source)) else { return }
    for node in reader.tree.nodes.prefix(64) { _ = try? reader.content(of: node, limit: .mebibytes(1)) }
    _ = try? MediumVerification.record(of: reader)
    _ = ImageLayout(reader)
  }

  /// Both tables of a disk. The checksums of a GPT are put right: no fuzzer would find them.
  static func partitionTable(_ bytes: [UInt8]) {
    var disk = bytes
    if disk.count >= 1024 {
      let count = Int(disk.little(UInt32.self, at: 512 + 80)) * Int(disk.little(UInt32.self, at: 512 + 84))
      let entries = 1024..<1024 + max(0, min(count, disk.count - 1024))
      disk.put(CRC32.checksum(Array(disk[entries])), at: 512 + 88)
      disk.put(0, at: 512 + 16)
      disk.put(CRC32.checksum(Array(disk[512..<512 + 92])), at: 512 + 16)
    }
    _ = MasterBootRecord(sector: disk)
    _ = try? GUIDPartitionTable(DiskImageReader(path: "fuzz", source: MemoryBytes(disk)))
  }

  /// A boot loader with its signatures.
  static func loader(_ bytes: [UInt8]) {
    let loader = EFILoader(place: .iso, path: "EFI/BOOT/BOOTX64.EFI", bytes: bytes)
    precondition(loader.machine != nil || loader.problem != nil, "refused without a reason")
  }
}

extension [UInt8] {
  fileprivate mutating func put(_ number: UInt32, at place: Int) {
    for byte in 0..<4 { self[place + byte] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(byte))) }
  }
}
