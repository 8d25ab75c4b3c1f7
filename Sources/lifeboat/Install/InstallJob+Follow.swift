// SPDX-License-Identifier: GPL-3.0-or-later
import BootEntries
import DriveDiscovery
import FoundationEssentials
import HostSystem
import RecoveryPartition
import SystemPackage

/// Releases of a web server.
extension InstallJob {
  /// What an update from a server has done.
  private struct Report: Encodable {
    /// `planned`, `updated`, `unchanged`; `declined` where somebody has gone back from this release.
    var state: String
    var image: String
    var identifier: String
    var isNew: Bool
    var fetched: ByteCount
    var reused: ByteCount
    var written: ByteCount
    var bootEntries: [BootEntry] = []
    var bootFailure: ErrorReport?

    init(_ followed: RecoveryInstaller.Followed) {
      switch followed {
      case .current(let release): self.init("unchanged", release)
      case .declined(let release): self.init("declined", release)
      case .updated(let release, let download, let update):
        self.init(update.isNew ? "updated" : "unchanged", release)
        (fetched, reused, written, isNew) = (download.fetched, download.reused, update.written, update.isNew)
      }
    }

    init(_ state: String, _ release: Release) {
      (self.state, image, identifier, isNew) = (state, release.image, release.identifier, false)
      (fetched, reused, written) = (.zero, .zero, .zero)
    }

    var words: String {
      switch state {
      case "planned": "\(image) \(identifier) would be fetched, and start from then on"
      case "declined":
        "\(image) \(identifier) was gone back from, and stays so; lifeboat install --rollback starts it again"
      case "updated":
        "\(image) \(identifier) starts from now on; \(fetched) fetched, \(reused) were here, \(written) written"
      default: "\(image) \(identifier) starts already; the server has nothing newer"
      }
    }
  }

  /// What has become of the timer: `followed`, `planned`, `not-followed`.
  private struct Timer: Encodable {
    var state: String
    var server: String?
    var disk: String?
  }

  /// Where a medium is put together: systemd names its unit's folder.
  private var folder: FilePath {
    FilePath(ProcessInfo.processInfo.environment["CACHE_DIRECTORY"] ?? "/var/cache/\(FollowUnits.name)")
  }

  /// Brings the partition to the server's release, and makes the boot entries that are missing.
  func update(from server: ReleaseServer, _ consent: RecoveryInstaller.Consent) async throws -> ExitStatus {
    let disk = try target.open(forWriting: !isDryRun)
    let status = try await installer(disk, { _ in }).status()
    try target.requireUnmounted(status.partition)
    var consent = consent
    // A timer does not bring back what somebody has gone back from; a person may.
    consent.declined = asks
    if isDryRun {
      let (release, outlook) = try await installer(disk, { _ in }).look(at: server, allowing: consent)
      let states: [RecoveryInstaller.Outlook: String] = [.current: "unchanged", .declined: "declined"]
      let planned = Report(states[outlook] ?? "planned", release)
      return try report(planned, [planned.words] + InstallText.nothingDone)
    }
    if asks { try await target.confirm(on: console) }
    let followed = try await console.withProgress { [consent] in
      try await installer(disk, $0).follow(server, in: folder, allowing: consent)
    }
    var done = Report(followed)
    if done.isNew { await log("updated the recovery partition of \(target.path) to \(done.image) \(done.identifier)") }
    let boot = try await completeEntries(disk)
    (done.bootEntries, done.bootFailure) = (boot.entries, boot.failure.map { ErrorReport($0) })
    return try report(done, [done.words] + InstallText.entries(boot), boot)
  }

  /// Leaves a timer that does so every day, or takes it away.
  func follow(_ address: String) async throws -> ExitStatus {
    let program = FileTree.resolved("/proc/self/exe") ?? "/usr/bin/lifeboat"
    let units = FollowUnits(program: program)
    if address == "off", isDryRun {
      console.print(
        units.address.map { "\($0) would not be asked any more" } ?? "no server is followed: nothing would be done")
      return .success
    }
    if address == "off" {
      let wasFollowed = try await units.remove()
      if wasFollowed { await log("no server is followed any more") }
      return try report(
        Timer(state: "not-followed"), [wasFollowed ? "no server is followed any more" : "no server was followed"])
    }
    let server = try ReleaseServer(address)
    guard let drive = target.selection?.drive else { throw InstallFailure.notADisk(target.path.string) }
    guard let name = drive.stableNames.first(where: { $0.contains("/by-id/") }) else {
      throw InstallFailure.noStableName(target.path.string)
    }
    let installer = installer(try target.open(forWriting: false)) { _ in }
    guard try installer.installedKey() != nil else { throw ReleaseFailure.noKey }
    if isDryRun {
      return try report(
        Timer(state: "planned", server: address, disk: name), ["a timer would ask \(address) every day for \(name)"])
    }
    try await units.install(server, disk: FilePath(name))
    await log("\(address) is asked every day for \(name)")
    return try report(
      Timer(state: "followed", server: address, disk: name),
      ["\(address) is asked every day; \"systemctl start \(FollowUnits.name)\" asks now"])
  }
}
