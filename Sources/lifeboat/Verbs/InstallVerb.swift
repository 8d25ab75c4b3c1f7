// SPDX-License-Identifier: GPL-3.0-or-later
import BootEntries
import ArgumentParser
import DriveDiscovery
import HostSystem
import RecoveryPartition
import SystemPackage

/// `lifeboat install`.
struct InstallVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "install",
    abstract: "Put a recovery system on the computer's own disk, and keep it up to date.",
    discussion: """
      Makes a partition in free space of the disk, and shrinks, moves or formats nothing else. The partition holds two \
      versions, which share what they have in common: --update writes the new one beside the one that starts, reads it \
      back, and switches with one sector. Lifeboat shows the disk as it is and as it will be, and you confirm by \
      typing its model or serial number. --yes skips that, and then accepts no path and no model.

      Name DISK as for "lifeboat write", or give the image file of a disk. The medium is verified first. With --key it \
      must be signed by that key, and so must every later one.

        lifeboat install output/tier1.iso --disk S5GXNX0T713210 --hidden
        lifeboat install --status --disk /dev/nvme0n1
        lifeboat install --update output/tier1.iso --disk S5GXNX0T713210 --yes
        lifeboat install --rollback --disk S5GXNX0T713210 --yes
        lifeboat install --follow https://example.org/recovery --disk S5GXNX0T713210
        lifeboat install --remove --disk S5GXNX0T713210
      """)

  static let stateAfterInterruption =
    "What started before still starts; lifeboat install --status shows what is there. Run it again to go on."

  @Argument(help: "The medium: an ISO file, or the device that holds it.", completion: .file()) var medium: String?
  @Option(help: ArgumentHelp("The disk, or the image file of one.", valueName: "disk"), completion: .file())
  var disk: String
  @Option(
    help: ArgumentHelp(
      "The partition's size, such as 2G or 300M (default: room for two versions, at least 1G).", valueName: "size"))
  var size: DiskSize?
  @Flag(help: "Hide the partition: Windows gives it no letter, and desktops do not mount it.") var hidden = false
  @Option(
    help: ArgumentHelp(
      "If the partition starts first: how many seconds Esc opens the recovery.", valueName: "seconds"))
  var hotkeyDelay: Int?
  @Option(help: "Where its entry goes in the boot order: first or last (default: last).") var bootOrder: BootWish.Place?
  @Option(help: ArgumentHelp("Give suspended to say that you have suspended BitLocker.", valueName: "state"))
  var bitlocker: BitLocker?
  @Option(
    help: ArgumentHelp("The public key that must have signed all media from now on.", valueName: "key"),
    completion: .file())
  var key: String?

  @Flag(
    name: .customLong("mbr-chain"),
    help:
      "On a BIOS: replace the disk's boot code, and save the old one; each start waits for Esc, 3 seconds or as --hotkey-delay says."
  )
  var usesRecord = false

  @Flag(help: "Only show what is installed; reads and compares every file.") var status = false
  @Option(
    help: ArgumentHelp(
      "Update what is installed with this medium, or with a web server's release.", valueName: "medium"),
    completion: .file()
  )
  var update: String?
  @Flag(help: "With --update: accept an older medium.") var allowDowngrade = false
  @Flag(help: "With --update: accept a medium of another image.") var otherImage = false
  @Option(
    help: ArgumentHelp(
      """
      Set up a timer that asks this web server every day for a newer release, as "lifeboat package --release" makes \
      them; "off" removes it.
      """,
      valueName: "url")
  )
  var follow: String?
  @Flag(help: "Go back to the previous version.") var rollback = false
  @Flag(help: "Remove the boot entry and the partition.") var remove = false
  @Flag(help: "With --remove: keep the partition, but empty it.") var keepPartition = false

  @Flag(name: .customLong("dry-run"), help: "Only show what would be done.") var isDryRun = false
  @Flag(help: .hidden) var allowLoop = false
  @Flag(help: "Do not ask; DISK must be an identity. The outcome goes to the system's log.") var yes = false
  @Flag(help: "One JSON document on standard output.") var json = false

  /// What can be said of BitLocker.
  enum BitLocker: String, ExpressibleByArgument, CaseIterable { case suspended }

  func validate() throws {
    let actions = [medium != nil, status, update != nil, follow != nil, rollback, remove].filter { $0 }.count
    guard actions == 1 else {
      throw ValidationError("Give a medium, or one of --status, --update, --follow, --rollback and --remove.")
    }
    guard medium != nil || (size == nil && !hidden && hotkeyDelay == nil && bootOrder == nil && !usesRecord)
    else {
      throw ValidationError("--size, --hidden, --hotkey-delay, --boot-order and --mbr-chain belong to an installation.")
    }
    guard update != nil || !(allowDowngrade || otherImage) else {
      throw ValidationError("--allow-downgrade and --other-image belong to --update.")
    }
    guard remove || !keepPartition else { throw ValidationError("--keep-partition belongs to --remove.") }
    guard medium != nil || update != nil || key == nil else {
      throw ValidationError("--key belongs to an installation or --update.")
    }
    guard key == nil || update?.contains("://") != true else {
      throw ValidationError("--key needs the medium itself: a server's release is signed by the installed key.")
    }
    if let hotkeyDelay, !(1...60).contains(hotkeyDelay) {
      throw ValidationError("--hotkey-delay is a number of seconds from 1 to 60.")
    }
    guard hotkeyDelay == nil || bootOrder == .first || usesRecord else {
      throw ValidationError(
        "--hotkey-delay needs --boot-order first (UEFI) or --mbr-chain (BIOS): otherwise nothing waits.")
    }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let target = try await DiskTarget(disk, allowsLoopDevices: allowLoop)
    if yes { try target.requireIdentity() }
    let job = InstallJob(
      target: target, console: console, isDryRun: isDryRun, asks: !yes, json: json,
      saysSuspended: bitlocker == .suspended, usesRecord: usesRecord)
    do {
      return try await perform(job)
    } catch {
      await job.log("failed on \(target.path): \((error as? any Diagnosable)?.message ?? "\(error)")")
      throw error
    }
  }

  private func perform(_ job: InstallJob) async throws -> ExitStatus {
    if let follow { return try await job.follow(follow) }
    if let medium { return try await job.install(FilePath(medium), try request, key: key.map { FilePath($0) }) }
    let consent = RecoveryInstaller.Consent(downgrade: allowDowngrade, otherImage: otherImage)
    if let update, update.contains("://") { return try await job.update(from: ReleaseServer(update), consent) }
    if let update {
      return try await job.update(
        FilePath(update), consent, key: key.map { FilePath($0) })
    }
    if rollback { return try await job.rollBack() }
    return try await remove ? job.remove(keepsPartition: keepPartition) : job.showStatus()
  }

  private var request: RecoveryInstaller.Request {
    get throws {
      RecoveryInstaller.Request(
        size: size?.bytes, isHidden: hidden,
        wish: BootWish(place: bootOrder ?? .last, hotkeyDelay: hotkeyDelay ?? (usesRecord ? 3 : nil)),
        isBitLockerSuspended: bitlocker == .suspended, key: try key.map { try FileTree.bytes(of: FilePath($0)) })
    }
  }
}

/// A size as a person writes it: `2G`, `300M`, or bytes.
struct DiskSize: ExpressibleByArgument {
  let bytes: ByteCount

  init?(argument: String) {
    let shifts: [Character: Int64] = ["M": 20, "G": 30, "T": 40]
    let shift = argument.last.flatMap { shifts[Character($0.uppercased())] }
    guard let number = Int64(shift == nil ? argument[...] : argument.dropLast()), number > 0,
      number < 1 << 20 || shift == nil
    else { return nil }
    bytes = ByteCount(number << (shift ?? 0))
  }
}

extension BootWish.Place: ExpressibleByArgument {}
