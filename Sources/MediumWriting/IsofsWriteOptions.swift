// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
@preconcurrency internal import CISOBurn
internal import HostSystem
internal import SystemPackage

/// libisofs's `IsoWriteOpts`: the layout of the image.
final class IsofsWriteOptions {
  let handle: OpaquePointer

  /// Chooses everything for a tree; nothing is left to the library's mood or to the host.
  init(_ tree: BootTree) throws {
    var options: OpaquePointer?
    try IsofsLibrary.check(iso_write_opts_new(&options, 0), "make write options")
    guard let options else { throw ISOImage.Failure.library("make write options") }
    handle = options
    try setNames()
    try setTimes(tree.timestamp)
    try setIdentity(tree.identity)
    try setPartitions(tree)
    // Room for about one of the writer's pieces; much more would fall out of the processor's cache.
    try check(iso_write_opts_set_fifo_size(handle, 2048))
    // A drive's read-ahead may stumble over the end of a disc that was written track at once: 300 KiB, as is usual.
    try check(iso_write_opts_set_tail_blocks(handle, 150))
  }

  deinit { iso_write_opts_free(handle) }

  private func check(_ code: Int32) throws { try IsofsLibrary.check(code, "set a write option") }

  private func setNames() throws {
    try check(iso_write_opts_set_iso_level(handle, 3))
    try check(iso_write_opts_set_rockridge(handle, 1))
    // RRIP 1.10, like xorriso: 1.12 adds inode numbers, which nobody needs, to every record.
    try check(iso_write_opts_set_rrip_version_1_10(handle, 1))
    try check(iso_write_opts_set_joliet(handle, 1))
    try check(iso_write_opts_set_joliet_longer_paths(handle, 1))
    try check(iso_write_opts_set_joliet_long_names(handle, 1))
    // Names beyond the basic plane keep their characters; Windows and Linux both read surrogates here.
    try check(iso_write_opts_set_joliet_utf16(handle, 1))
    try check(iso_write_opts_set_allow_deep_paths(handle, 1))
    try check(iso_write_opts_set_allow_longer_paths(handle, 1))
    try check(iso_write_opts_set_hardlinks(handle, 0))
    try check(iso_write_opts_set_aaip(handle, 0))
    try check(iso_write_opts_set_record_md5(handle, 0, 0))
    try check("UTF-8".withCString { iso_write_opts_set_output_charset(handle, $0) })
    // Everything belongs to root.
    try check(iso_write_opts_set_replace_mode(handle, 0, 0, 2, 2))
    try check(iso_write_opts_set_default_uid(handle, 0))
    try check(iso_write_opts_set_default_gid(handle, 0))
  }

  private func setTimes(_ timestamp: Int64) throws {
    try check(iso_write_opts_set_always_gmt(handle, 1))
    try check(iso_write_opts_set_replace_timestamps(handle, 2))
    try check(iso_write_opts_set_default_timestamp(handle, Int(timestamp)))
    // Bits 0 and 1: ECMA-119 and Joliet records get that time too.
    try check(iso_write_opts_set_dir_rec_mtime(handle, 3))
    try check(
      withMutableCString(CivilTime.volumeDescriptorText(timestamp)) {
        iso_write_opts_set_pvd_times(handle, 0, 0, 0, 0, $0)
      })
  }

  /// The disk's GUID; libisofs numbers those of the partitions from it.
  private func setIdentity(_ identity: String) throws {
    var guid = Array(Digest(of: "GPT disk GUID of \(identity)").bytes.prefix(16))
    // RFC 9562, version 8 would say "custom"; UEFI tools know version 4. The first three fields are little-endian.
    guid[7] = guid[7] & 0x0f | 0x40
    guid[8] = guid[8] & 0x3f | 0x80
    try check(iso_write_opts_set_gpt_guid(handle, &guid, 1))
  }

  private func setPartitions(_ tree: BootTree) throws {
    let mbr = tree.biosBoot?.hybridMBR
    guard mbr != nil || tree.efiSystemPartition != nil else { return }
    var systemArea = [CChar](repeating: 0, count: 32_768)
    for (index, byte) in (mbr ?? []).enumerated() { systemArea[index] = CChar(bitPattern: byte) }
    // A protective MBR that is not aligned to cylinders; with GRUB's code: patch it, and mark it bootable.
    let areaOptions: Int32 = 0x0001 | 0x0200 | (mbr == nil ? 0 : 0x4000 | 0x8000)
    try check(iso_write_opts_set_system_area(handle, &systemArea, areaOptions, 0))
    // A second set of descriptors, so that partition 1 begins after the tables and is a file system of its own.
    try check(iso_write_opts_set_part_offset(handle, 16, 0, 0))
    guard let partition = tree.efiSystemPartition else { return }
    try check(
      withMutableCString(try AbsolutePath.of(partition).string) {
        iso_write_opts_set_partition_img(handle, 2, 0xEF, $0, 0)
      })
    try check(iso_write_opts_set_appended_as_gpt(handle, 1))
  }
}
