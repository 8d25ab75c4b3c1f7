// SPDX-License-Identifier: GPL-3.0-or-later
import Disks
import BootEntries
import DriveDiscovery
import HostSystem
import RecoveryPartition
import SystemPackage

/// One run of `lifeboat install`: shows, asks, calls the library, reports.
struct InstallJob {
  let target: DiskTarget
  let console: Console
  let isDryRun: Bool
  let asks: Bool
  let json: Bool
  let saysSuspended: Bool
  /// Whether the disk's boot code is to lead to the recovery.
  let usesRecord: Bool

  /// How a computer's own entries are made; an image file has no computer, but boot code.
  private var registration: any BootRegistration {
    switch target.selection?.drive.kind {
    case nil, .loop: ImageBoot(usesRecord: usesRecord)
    default: ComputerBoot(usesRecord: usesRecord)
    }
  }

  func installer(_ disk: Disk, _ progress: @escaping ProgressEvent.Handler) -> RecoveryInstaller {
    RecoveryInstaller(disk, registration: registration, progress: progress)
  }

  func install(_ medium: FilePath, _ request: RecoveryInstaller.Request, key: FilePath?) async throws -> ExitStatus {
    let disk = try target.open(forWriting: !isDryRun)
    var request = request
    if request.wish.place == .first || usesRecord {
      request.wish.hasBitLocker = target.otherDisks.contains(where: \.hasBitLocker)
    }
    let (set, plan) = try await console.withProgress { progress in
      let set = try await RecoverySet(medium, key: key, progress: progress)
      let installer = installer(disk, progress)
      return (set, try installer.hasInstalled(set, request) ? nil : try await installer.plan(set, request))
    }
    guard let plan else { return try await installAgain(disk, medium, request, key: key) }
    for line in InstallText.plan(plan, set, target.words) { console.note(line) }
    if isDryRun { return try report(InstallReport(plan: plan, set: set), InstallText.nothingDone) }
    if asks { try await target.confirm(on: console) }
    let done = try await console.withProgress { try await installer(disk, $0).install(set, plan) }
    await log("installed \(set.image) \(set.identifier) on \(target.path), partition \(done.partition.number)")
    await log(done.boot)
    return try report(InstallReport(done, set: set, plan), InstallText.installed(done, set, plan), done.boot)
  }

  /// The same once more: whatever of it is missing is made.
  private func installAgain(
    _ disk: Disk, _ medium: FilePath, _ request: RecoveryInstaller.Request, key: FilePath?
  ) async throws -> ExitStatus {
    // It is an update, for which the installed key counts.
    let set = try await verified(medium, key: key, for: disk)
    let wish = request.wish == BootWish() ? nil : request.wish
    return try await bringUpToDate(disk, to: set, .init(), key: request.key, wish)
  }

  func update(_ medium: FilePath, _ consent: RecoveryInstaller.Consent, key: FilePath?) async throws -> ExitStatus {
    let disk = try target.open(forWriting: !isDryRun)
    let set = try await verified(medium, key: key, for: disk)
    let newKey = try key.map { try FileTree.bytes(of: $0) }
    return try await bringUpToDate(disk, to: set, consent, key: newKey)
  }

  /// Updates, and makes the boot entries that are missing.
  /// - Parameters:
  ///   - key: the public key that media must be signed by from now on; nil leaves it as it is.
  ///   - wish: what is asked of the entries, also of those that are there.
  private func bringUpToDate(
    _ disk: Disk, to set: RecoverySet, _ consent: RecoveryInstaller.Consent, key: [UInt8]?, _ wish: BootWish? = nil
  ) async throws -> ExitStatus {
    let status = try await console.withProgress { try await installer(disk, $0).status() }
    try target.requireUnmounted(status.partition)
    console.note("update \(target.words)")
    for line in InstallText.slots(status) { console.note("  " + line) }
    console.note("  to \(set.image) \(set.identifier) \"\(set.title)\"")
    if isDryRun { return try report(InstallReport(status), InstallText.nothingDone) }
    if asks { try await target.confirm(on: console) }
    let done = try await console.withProgress {
      try await installer(disk, $0).update(to: set, allowing: consent, key: key)
    }
    await log("updated the recovery partition of \(target.path) to \(set.image) \(set.identifier)")
    let boot = try await completeEntries(disk, wish)
    return try report(
      InstallReport(done, boot, set: set), InstallText.updated(done, set) + InstallText.entries(boot), boot)
  }

  /// Makes the boot entries that are missing.
  func completeEntries(_ disk: Disk, _ wish: BootWish? = nil) async throws -> BootOutcome {
    let boot = try await installer(disk, { _ in }).completeEntries(wish, isBitLockerSuspended: saysSuspended)
    await log(boot)
    return boot
  }

  /// A medium has to be signed by the key that was installed, unless another one is given.
  private func verified(_ medium: FilePath, key: FilePath?, for disk: Disk) async throws -> RecoverySet {
    try await console.withProgress { progress in
      guard key == nil, let installed = try installer(disk, progress).installedKey() else {
        return try await RecoverySet(medium, key: key, progress: progress)
      }
      return try await RecoverySet(medium, installedKey: installed, progress: progress)
    }
  }

  func rollBack() async throws -> ExitStatus {
    let disk = try target.open(forWriting: !isDryRun)
    let status = try await installer(disk, { _ in }).status()
    try target.requireUnmounted(status.partition)
    guard let previous = status.state.previous else { throw RecoveryPartitionFailure.noPrevious(target.path) }
    console.note("go back from \(status.state.current) to \(previous) on \(target.words)")
    if isDryRun { return try report(InstallReport(status), InstallText.nothingDone) }
    if asks { try await target.confirm(on: console) }
    let identifier = try installer(disk, { _ in }).rollBack()
    await log("the recovery partition of \(target.path) starts \(identifier) again")
    return try report(
      InstallReport(try await installer(disk, { _ in }).status()), ["\(identifier) starts from now on."])
  }

  func remove(keepsPartition: Bool) async throws -> ExitStatus {
    let disk = try target.open(forWriting: !isDryRun)
    let installer = installer(disk) { _ in }
    let status = try await installer.planRemoval(
      keepsPartition: keepsPartition, isBitLockerSuspended: saysSuspended)
    try target.requireUnmounted(status.partition)
    console.note("remove the recovery partition of \(target.words)")
    for line in InstallText.slots(status) + status.layout.picture { console.note("  " + line) }
    for entry in status.entries { console.note("  boot entry \(entry.name) \"\(entry.label)\"") }
    let number = status.partition.number
    console.note("Partition \(number) \(keepsPartition ? "stays, without its content" : "will be removed").")
    if isDryRun { return try report(InstallReport(status), InstallText.nothingDone) }
    if asks { try await target.confirm(on: console) }
    let done = try await installer.remove(status, keepsPartition: keepsPartition)
    await log("removed the recovery partition of \(target.path)")
    return try report(InstallReport(done), InstallText.removed(done))
  }

  func showStatus() async throws -> ExitStatus {
    let disk = try target.open(forWriting: false)
    let status = try await console.withProgress { try await installer(disk, $0).status() }
    _ = try report(InstallReport(status), InstallText.status(status))
    return status.slots.contains { !$0.damage.isEmpty } ? .notAsPromised : .success
  }

  /// - Parameter boot: what has become of the boot entries, where that is part of the job.
  func report(_ document: some Encodable, _ lines: [String], _ boot: BootOutcome? = nil) throws -> ExitStatus {
    if json { try console.printJSON(document) } else { lines.forEach { console.print($0) } }
    return boot?.failure == nil ? .success : .partial
  }

  private func log(_ boot: BootOutcome) async {
    if let failure = boot.failure { await log("not every boot entry was made: \(failure.message)") }
  }

  /// What nobody watched stands in the system's log.
  func log(_ line: String) async {
    guard !asks else { return }
    // A computer without a log is no reason to call the work failed.
    try? await ExternalCommand("logger", ["--tag", "lifeboat", "--", line], package: "bsdutils").run()
  }
}
