// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Disks that belong to something larger: by their signatures, as libblkid reads them.
@Suite struct MemberTests {
  /// Bytes in little-endian order.
  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private func write(_ bytes: [UInt8], at offset: Int, _ disk: DiskImage) throws {
    let file = try FileDescriptor.open(disk.path, .readWrite)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: Int64(offset), bytes) }
  }

  private func requireRefusal(_ disk: DiskImage, _ type: String) async throws {
    let judged = try await TestSupport.Tool.run("blkid", ["-p", "-s", "TYPE", "-o", "value", disk.path.string])
    #expect(judged.lines == [type], "\(judged)")
    let before = try Digest(ofFile: disk.path)
    let refusal = RecoveryPartitionFailure.wholeDisk(disk.path, type: type)
    let medium = try await SmallMedia.shared.iso()
    await #expect(throws: refusal) { try await disk.install(medium) }
    #expect(try Digest(ofFile: disk.path) == before)
  }

  /// The label of a physical volume (lvm2, lib/format_text/layout.h), whose CRC-32 starts with a value of its own.
  @Test func aPhysicalVolumeOfLVM() async throws {
    let disk = try await DiskImage("")
    var content = Self.bytes(UInt32(32)) + Array("LVM2 001".utf8) + Array("abcdefghijklmnopqrstuvwxyz012345".utf8)
    content += Self.bytes(UInt64(640 << 20))
    content += [UInt8](repeating: 0, count: 512 - 20 - content.count)
    let sum = content.reduce(UInt32(0xf597_a6cf)) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { rest, _ in rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0xedb8_8320 }
    }
    try write(Array("LABELONE".utf8) + Self.bytes(UInt64(1)) + Self.bytes(sum) + content, at: 512, disk)
    try await requireRefusal(disk, "LVM2_member")
  }

  /// One half of a mirror, whose superblock lies at the end (Linux, include/uapi/linux/raid/md_p.h; version 1.0): the
  /// mirror's own partition table is where a disk has its table.
  @Test func aMirrorWithATableInside() async throws {
    let disk = try await DiskImage("label: dos\nstart=2048, size=204800, type=83\n")
    let sector = UInt64(640 << 20) / 512 - 16
    var block = [UInt8](repeating: 0, count: 256)
    func put(_ value: [UInt8], _ offset: Int) { block.replaceSubrange(offset..<offset + value.count, with: value) }
    put(Self.bytes(UInt32(0xa92b_4efc)) + Self.bytes(UInt32(1)), 0)
    put(Array(1...16) + Array("host:0".utf8), 16)
    // Level, layout, size, chunk, members; then where the data lies, and this block itself.
    put(Self.bytes(UInt32(1)) + Self.bytes(UInt32(0)) + Self.bytes(sector), 72)
    put(Self.bytes(UInt32(0)) + Self.bytes(UInt32(2)), 88)
    put(Self.bytes(UInt64(0)) + Self.bytes(sector) + Self.bytes(sector), 128)
    let sum = stride(from: 0, to: 256, by: 4).reduce(UInt64(0)) { sum, offset in
      sum + block[offset..<offset + 4].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    put(Self.bytes(UInt32(truncatingIfNeeded: sum & 0xffff_ffff + sum >> 32)), 216)
    try write(block, at: Int(sector) * 512, disk)
    try await requireRefusal(disk, "linux_raid_member")
  }

  /// Two programs at once: one of them installs; the other one waits, and then finds the disk held or the work done.
  @Test func twoPrograms() async throws {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let data = try DiskImage.windowsData.map { try disk.digest($0) }
    let medium = try await SmallMedia.shared.iso()
    let command = ["install", medium.string, "--disk", disk.path.string, "--size", "300M", "--yes"]
    async let one = Repository.lifeboat(command)
    async let other = Repository.lifeboat(command)
    let ends = try await [one, other]
    #expect(ends.contains { $0.status == 0 }, "\(ends)")
    #expect(ends.allSatisfy { [0, 75].contains($0.status) }, "\(ends)")
    #expect(try await disk.table().matches(of: /name="Lifeboat"/).count == 1)
    let judged = try await TestSupport.Tool.run("sgdisk", ["-v", disk.path.string])
    #expect(judged.output.contains("No problems found"), "\(judged)")
    let status = try await disk.installer().status()
    #expect(status.slots.count == 1 && status.slots.allSatisfy { $0.damage.isEmpty })
    #expect(try DiskImage.windowsData.map { try disk.digest($0) } == data)
  }
}
