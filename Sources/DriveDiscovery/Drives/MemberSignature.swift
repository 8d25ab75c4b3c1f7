// SPDX-License-Identifier: GPL-3.0-or-later

/// Marks that make a device a part of something larger, which losing it would damage, even while nothing uses it.
enum MemberSignature {
  private static let known: [String: (words: String, remedy: String?)] = [
    "LVM2_member": ("a physical volume of LVM", "take it out of its volume group with vgreduce and pvremove"),
    "LVM1_member": ("a physical volume of LVM", nil),
    "linux_raid_member": ("a member of a software RAID", "take it out of its array with mdadm --zero-superblock"),
    "zfs_member": ("a member of a ZFS pool", "take it out of its pool with zpool labelclear"),
    "bcache": ("a part of a bcache", nil),
    "bcachefs": ("a member of a bcachefs file system", nil),
    "ceph_bluestore": ("storage of a Ceph cluster", nil),
    "drbd": ("a replica of DRBD", nil),
    "drbdproxy_datalog": ("a log of DRBD", nil),
    "mpath_member": ("a path of a multipath drive", nil),
    "VMFS_volume_member": ("a part of a VMware volume", nil),
    "vdo": ("storage of VDO", nil),
    "stratis": ("a member of a Stratis pool", nil),
    "jbd": ("the journal of another file system", nil),
    "swsuspend": ("the memory of a suspended computer", "wake that computer up, then shut it down"),
    "swsupend": ("the memory of a suspended computer", "wake that computer up, then shut it down"),
    "DM_snapshot_cow": ("a snapshot of LVM", nil),
    "DM_verity_hash": ("the hash tree of another device", nil),
    "DM_integrity": ("storage of dm-integrity", nil),
    "ubi": ("a member of UBI", nil),
    "lvmcache": ("a cache of LVM", nil),
  ]

  /// Whether a signature is one; whatever libblkid counts as RAID is, known or not.
  static func applies(to signature: Probe.Signature) -> Bool {
    known[signature.type] != nil || signature.usage == "raid"
  }

  /// What the device is, with an article.
  static func words(_ type: String) -> String { known[type]?.words ?? "a member of a RAID or volume group (\(type))" }

  /// What to do about it.
  static func remedy(_ type: String, _ device: String) -> String {
    let general = "remove the marks with: wipefs --all \(device)"
    guard let special = known[type]?.remedy else { return "If nobody needs what is on it, \(general)" }
    return "If nobody needs what is on it, \(special), or \(general)"
  }
}
