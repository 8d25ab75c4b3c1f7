// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import HostSystem
internal import SystemPackage

extension RecoveryPartitionFailure {
  /// What happened, and where.
  package var message: String {
    switch self {
    case .wholeDisk(let disk, let type): "\(disk) as a whole is \(type), without partitions of its own"
    case .noRoom(let disk, let needed, let largest, _):
      "\(disk) has no free space of \(needed); the largest has \(largest)"
    case .tooSmall(let asked, let needed): "\(asked) is too little for this medium: it needs \(needed)"
    case .tooLarge(let asked, let most): "\(asked) is more than a recovery partition can have: \(most)"
    case .full(let disk, let needed, let free):
      "the recovery partition of \(disk) is full: it needs \(needed), and has \(free) free beside the version that starts"
    case .cannotStart(let image):
      "this medium of \(image) predates recovery partitions, and cannot start from one"
    case .exists(let disk, let number): "\(disk) already has a recovery partition: number \(number)"
    case .absent(let disk): "\(disk) has no Lifeboat recovery partition"
    case .foreign(let disk, let number):
      "partition \(number) of \(disk) is named \(StagedVolume.label), but holds nothing of Lifeboat's"
    case .mounted(let disk, let number, let point): "partition \(number) of \(disk) is mounted at \(point)"
    case .otherKey(let reason): "the medium is not signed by the key of the installed recovery: \(reason)"
    case .older(let image): "this medium of \(image) is older than the version that is installed"
    case .otherImage(let installed, let new): "\(installed) is installed, and the medium holds \(new)"
    case .noPrevious(let disk): "the recovery partition of \(disk) holds no earlier version"
    case .slotDamaged(let disk, let files): "the recovery partition of \(disk) is damaged" + listed(files)
    case .renumbers(let disk, let number):
      "removing partition \(number) of \(disk) would give the logical partitions behind it other numbers"
    case .unreadable(let disk, let number, let reason):
      "what lies on \(number.map { "partition \($0) of " } ?? "")\(disk) cannot be read"
        + (reason.map { ": \($0)" } ?? "")
    case .contradictory(let disk, let types):
      "\(disk) has signatures that contradict each other: \(types.joined(separator: ", "))"
    case .bitLocker(let disk, let numbers, let refusal): refusal.message(disk, numbers)
    }
  }

  /// What helps.
  package var remedy: String? {
    switch self {
    case .wholeDisk: "Choose a disk with a partition table; what lies on this one would be damaged."
    case .noRoom(_, _, _, let advice): advice.joined(separator: "\n  ")
    case .tooSmall(_, let needed): "Give --size \(needed.sizeArgument) or more."
    case .tooLarge(_, let most): "Give --size \(most.sizeArgument) or less."
    case .full: "Remove it and install again with a larger --size, or use a smaller image."
    case .cannotStart: "Build it again with this version of Lifeboat."
    case .exists: "Bring it up to date with --update, or remove it first with --remove."
    case .absent: "See \"lifeboat install --status\", or install it first."
    case .foreign(let disk, _): "Look at what it holds; if nobody needs it, remove it with: fdisk \(disk)"
    case .mounted(_, _, let point): "Unmount it with: umount \(point)"
    case .otherKey: "Use a medium that was signed by that key, or say --key with the new public key."
    case .older: "Use --rollback for the previous version, or add --allow-downgrade."
    case .otherImage: "Remove the installed one first, or add --other-image."
    case .noPrevious: "Keep this version, or update."
    case .slotDamaged: "Go back with --rollback, or update with a medium."
    case .renumbers: "Add --keep-partition: the entry stays, its content and boot entries go."
    case .unreadable(let disk, _, _):
      "Check the disk's health (smartctl -a \(disk)), and start again when it can be read."
    case .contradictory(let disk, _): "Look at them with wipefs \(disk), and remove those that are left over."
    case .bitLocker: BitLockerRefusal.remedy
    }
  }

  private func listed(_ lines: [String]) -> String { lines.isEmpty ? "" : ":\n  " + lines.joined(separator: "\n  ") }
}

extension RecoveryPartitionFailure.BitLockerRefusal {
  func message(_ disk: FilePath, _ numbers: [Int]) -> String {
    let what = "partition \(numbers.map(String.init).joined(separator: ", ")) of \(disk) is encrypted by BitLocker"
    switch self {
    case .notSaid: return what + ", and a change of the partitions may make Windows ask for the recovery key"
    case .notSuspended: return what + ", which is not suspended"
    case .unreadable: return what + ", and its metadata cannot be read"
    }
  }

  static let remedy = """
    Have the recovery key at hand, run in Windows as administrator:
      manage-bde -protectors -get C:
      manage-bde -protectors -disable C: -RebootCount 0
    then shut Windows down (shutdown /s /f /t 0) and start again here with --bitlocker suspended. Afterwards, in Windows:
      manage-bde -protectors -enable C:
    """
}

extension ByteCount {
  /// Whole mebibytes, as an option takes them.
  var sizeArgument: String { "\((bytes + (1 << 20) - 1) >> 20)M" }
}
