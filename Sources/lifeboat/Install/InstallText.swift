// SPDX-License-Identifier: GPL-3.0-or-later
import BootEntries
import HostSystem
import RecoveryPartition
import SystemPackage

/// What `lifeboat install` says to people.
enum InstallText {
  static let nothingDone = ["Nothing was changed."]

  static func plan(_ plan: RecoveryInstaller.Plan, _ set: RecoverySet, _ disk: String) -> [String] {
    let kind = plan.before.table == .gpt ? "GPT" : "MBR"
    var lines = ["install \(set.image) \(set.identifier) \"\(set.title)\" on \(disk)", "now (\(kind)):"]
    lines += plan.before.picture.map { "  " + $0 } + ["afterwards:"] + plan.after.picture.map { "  " + $0 }
    let partition = plan.partition
    lines.append(
      "Partition \(partition.number) will be made\(partition.isHidden ? ", hidden" : ""): \(partition.size), of which one"
        + " version takes \(plan.content).")
    lines += plan.boot
    lines += plan.encrypted.map(\.words)
    if plan.encrypted.contains(where: { $0.kind == .bitLocker }) {
      lines.append(
        "BitLocker: the boot order stays as it is. Resume it in Windows afterwards: manage-bde -protectors -enable C:")
    } else if plan.request.wish.hasBitLocker {
      lines.append("BitLocker on another disk of this computer: the boot order stays as it is.")
    }
    return lines
  }

  static func installed(
    _ done: RecoveryInstaller.Installation, _ set: RecoverySet, _ plan: RecoveryInstaller.Plan
  ) -> [String] {
    let partition = done.partition
    var lines = [
      "\(set.image) \(set.identifier) is on partition \(partition.number) of \(partition.disk), verified; \(done.written)"
        + " written"
    ]
    lines += entries(done.boot)
    if done.boot.entries.isEmpty, done.boot.failure == nil {
      lines.append("no boot entry was made: UEFI starts it from EFI/BOOT on the partition, a BIOS by --mbr-chain alone")
    }
    lines.append("the next start: \(plan.nextStart(done.boot.entries))")
    if !done.isKnownToKernel { lines.append("The kernel sees the new partition after the next start of the computer.") }
    return lines
  }

  /// What was made of them, and why others were not.
  static func entries(_ boot: BootOutcome) -> [String] {
    let made = boot.entries.map { "boot entry \($0.name) \"\($0.label)\"" }
    guard let failure = boot.failure else { return made }
    return made + ["not every boot entry was made: \(failure.message)"] + (failure.remedy.map { ["  " + $0] } ?? [])
  }

  static func updated(_ done: RecoveryInstaller.Update, _ set: RecoverySet) -> [String] {
    guard done.isNew else { return ["\(set.image) \(set.identifier) is already installed, and whole"] }
    let kept = done.previous.map { "; \($0) stays for --rollback" } ?? ""
    return [
      "\(set.image) \(set.identifier) starts from now on\(kept)",
      "\(done.written.exact) bytes written, \(done.copied.count.counted("file")) copied, \(done.shared.exact) bytes shared",
    ]
  }

  static func slots(_ status: RecoveryInstaller.Status) -> [String] {
    status.slots.map { slot in
      let mark = slot.identifier == status.state.current ? "starts" : "before"
      var words = [mark, slot.identifier, slot.image ?? "unknown", "\"\(slot.title ?? "")\"", "\(slot.size)"]
      words.append(slot.isSigned ? "signed" : "not signed")
      if !slot.damage.isEmpty { words.append("DAMAGED: \(slot.damage.joined(separator: ", "))") }
      if slot.identifier == status.state.bad { words.append("found damaged at a start") }
      if slot.identifier == status.state.trying { words.append("its last start did not come up") }
      return words.joined(separator: "  ")
    }
  }

  static func status(_ status: RecoveryInstaller.Status) -> [String] {
    let partition = status.partition
    var lines = [
      "partition \(partition.number) of \(partition.disk): \(partition.size)\(partition.isHidden ? ", hidden" : ""),"
        + " \(status.free) free"
    ]
    lines += slots(status).map { "  " + $0 }
    lines += status.entries.map { "  boot entry \($0.name) \"\($0.label)\"" }
    if status.key != nil { lines.append("  media must be signed by the installed key") }
    return lines + status.encrypted.map { "  " + $0.words }
  }

  static func removed(_ done: RecoveryInstaller.Removal) -> [String] {
    let number = done.partition.number
    return [done.isKept ? "partition \(number) is empty" : "partition \(number) was removed"]
      + done.entries.map { "boot entry \($0.name) was removed" }
  }
}
