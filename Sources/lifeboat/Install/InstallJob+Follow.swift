// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FoundationEssentials
import HostSystem
import RecoveryPartition
import SystemPackage

/// Releases of a web server.
extension InstallJob {
  /// What an update from a server has done.
  private struct Report: Encodable {
    var image: String
    var identifier: String
    var isNew: Bool
    var fetched: ByteCount
    var reused: ByteCount
    var written: ByteCount
  }

  /// What has become of the timer: `followed`, `planned`, `not-followed`.
  private struct Timer: Encodable {
    var state: String
    var server: String?
    var disk: String?
  }

  private func report(_ timer: Timer, _ line: String) throws -> ExitStatus {
    if json { try console.printJSON(timer) } else { console.print(line) }
    return .success
  }

  /// Where a medium is put together: systemd names its unit's folder.
  private var folder: FilePath {
    FilePath(ProcessInfo.processInfo.environment["CACHE_DIRECTORY"] ?? "/var/cache/\(FollowUnits.name)")
  }

  /// Brings the partition to the server's release.
  func update(from server: ReleaseServer, _ consent: RecoveryInstaller.Consent) async throws -> ExitStatus {
    let disk = try target.open(forWriting: true)
    let status = try await installer(disk, { _ in }).status()
    try target.requireUnmounted(status.partition)
    if asks { try await target.confirm(on: console) }
    let followed = try await console.withProgress {
      try await installer(disk, $0).follow(server, in: folder, allowing: consent)
    }
    var report: Report
    switch followed {
    case .current(let release):
      report = Report(
        image: release.image, identifier: release.identifier, isNew: false, fetched: .zero, reused: .zero,
        written: .zero)
    case .updated(let release, let download, let update):
      report = Report(
        image: release.image, identifier: release.identifier, isNew: update.isNew, fetched: download.fetched,
        reused: download.reused, written: update.written)
      await log("updated the recovery partition of \(target.path) to \(release.image) \(release.identifier)")
    }
    if json {
      try console.printJSON(report)
    } else if report.isNew {
      console.print(
        "\(report.image) \(report.identifier) starts from now on; \(report.fetched) fetched, \(report.reused) were here, "
          + "\(report.written) written")
    } else {
      console.print("\(report.image) \(report.identifier) starts already; the server has nothing newer")
    }
    return .success
  }

  /// Leaves a timer that does so every day, or takes it away.
  func follow(_ address: String) async throws -> ExitStatus {
    let program = FileTree.resolved("/proc/self/exe") ?? "/usr/bin/lifeboat"
    let units = FollowUnits(program: program)
    if address == "off" {
      let wasFollowed = try await units.remove()
      if wasFollowed { await log("no server is followed any more") }
      return try report(
        Timer(state: "not-followed"), wasFollowed ? "no server is followed any more" : "no server was followed")
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
        Timer(state: "planned", server: address, disk: name), "a timer would ask \(address) every day for \(name)")
    }
    try await units.install(server, disk: FilePath(name))
    await log("\(address) is asked every day for \(name)")
    return try report(
      Timer(state: "followed", server: address, disk: name),
      "\(address) is asked every day; \"systemctl start \(FollowUnits.name)\" asks now")
  }
}
