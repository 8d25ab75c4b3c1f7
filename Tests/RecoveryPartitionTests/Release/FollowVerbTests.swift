// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// What the timer finds after somebody's decision, or damage; and the command that it runs.
extension FollowTests {
  private func run(_ disk: DiskImage, _ cache: FilePath, _ arguments: String...) async throws
    -> TestSupport.Tool.Outcome
  {
    try await Repository.lifeboat(
      ["install"] + arguments + ["--disk", disk.path.string], environment: ["CACHE_DIRECTORY": cache.string])
  }

  /// Only shown, then done, then not undone after `--rollback`.
  @Test func theCommandShowsUpdatesAndRespectsARollback() async throws {
    let disk = try await install(try await SmallMedia.shared.iso())
    let old = try await disk.installer().status().state.current
    try await RangeServer.with { server in
      try await publish(try await SmallMedia.shared.iso(tools: "more", number: 2), on: server)
      let cache = try TemporaryFolder()
      let before = try Digest(ofFile: disk.path)
      let dry = try await run(disk, cache.path, "--update", server.address, "--yes", "--dry-run", "--json")
      #expect(dry.status == 0 && dry.output.contains("\"state\" : \"planned\""), "\(dry)")
      #expect(try Digest(ofFile: disk.path) == before && FileTree.names(in: cache.path).isEmpty)

      // The very command of the timer's service.
      let units = FollowUnits(
        root: cache.appending("root"), program: try Repository.program("lifeboat"), systemctl: ["true"])
      try await units.install(try ReleaseServer(server.address), disk: disk.path)
      let root = cache.appending("root").pushing("etc")
      let service = try FileTree.text(of: root.pushing("systemd/system/lifeboat-follow.service"))
      let command = try #require(service.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
      let script = "set -a; . \(root)/lifeboat/follow.conf; \(command.dropFirst("ExecStart=".count))"
      let done = try await Tool.run(
        "sh", ["-c", script], environment: ["CACHE_DIRECTORY": cache.appending("medium").string])
      #expect(done.status == 0 && done.output.contains("starts from now on"), "\(done)")
      let new = try await disk.installer().status().state
      #expect(new.previous == old)

      let again = try await run(disk, cache.path, "--update", server.address, "--yes")
      #expect(again.status == 0 && again.output.contains("starts already"), "\(again)")
      #expect(try await run(disk, cache.path, "--rollback", "--yes").status == 0)
      let declined = try await run(disk, cache.path, "--update", server.address, "--yes", "--json")
      #expect(declined.status == 0 && declined.output.contains("\"state\" : \"declined\""), "\(declined)")
      #expect(try await disk.installer().status().state == SlotState(current: old, previous: new.current))
      let asked = try await disk.installer().look(
        at: try ReleaseServer(server.address), allowing: .init(declined: true))
      #expect(asked.outlook == .wanted)
    }
  }

  /// What a start, or a look, has found damaged is mended without anybody.
  @Test func damageIsMended() async throws {
    let disk = try await install(try await SmallMedia.shared.iso())
    let medium = try await SmallMedia.shared.iso(tools: "more", number: 2)
    try await disk.update(medium)
    try await RangeServer.with { server in
      try await publish(medium, on: server)
      let remote = try ReleaseServer(server.address)
      let installer = try disk.installer()
      func outlook() async throws -> RecoveryInstaller.Outlook {
        try await installer.look(at: remote, allowing: .init()).outlook
      }
      #expect(try await outlook() == .current)
      let slots = try installer.slots()
      var state = slots.state
      state.bad = state.current
      try slots.write(state)
      #expect(try await outlook() == .wanted)
      // An update that mends it was interrupted when the other version had become the current one.
      try slots.write(SlotState(current: try #require(state.previous), previous: state.current, bad: state.current))
      #expect(try await outlook() == .wanted)
      let cache = try TemporaryFolder()
      _ = try await installer.follow(remote, in: cache.path, allowing: .init())
      let mended = try installer.slots()
      #expect(mended.state == SlotState(current: state.current, previous: state.previous))

      let layer = try #require(mended.files(of: state.current).first { $0.hasSuffix(".squashfs") })
      let place = mended.partition.start.bytes + (try #require(mended.volume.ranges(of: layer).first?.lowerBound)) + 100
      try installer.disk.write([try installer.disk.bytes(place..<place + 1)[0] ^ 1], at: place)
      let followed = try await installer.follow(remote, in: cache.path, allowing: .init())
      guard case .updated(_, _, let update) = followed else {
        Issue.record("\(followed)")
        return
      }
      #expect(update.copied.contains(layer))
      #expect(try await installer.status().slots.allSatisfy { $0.damage.isEmpty })
    }
  }

  private static let hasNamespaces = ["unshare", "mount"].allSatisfy { TestSupport.Tool.isInstalled($0) }

  @Test(.enabled(if: hasNamespaces, "needs mount namespaces")) func aDryRunLeavesTheTimer() async throws {
    let disk = try await DiskImage("label: gpt\n", mebibytes: 8)
    let said = disk.folder.appending("said")
    try disk.folder.writeScript("systemctl", "echo \"$*\" >>\(said)")
    let script = """
      mount -t tmpfs none /etc && mkdir -p /etc/systemd/system /etc/lifeboat
      echo LIFEBOAT_URL=https://example.org/x >/etc/lifeboat/follow.conf
      : >/etc/systemd/system/lifeboat-follow.timer
      "$@" --dry-run && ls /etc/systemd/system && "$@" && ls /etc/systemd/system
      """
    let arguments = [
      "-rm", "sh", "-c", script, "sh", try Repository.program("lifeboat").string, "install", "--follow", "off",
      "--disk", disk.path.string,
    ]
    let outcome = try await Tool.run(
      "unshare", arguments, environment: ["PATH": "\(disk.folder.path):/usr/sbin:/usr/bin:/sbin:/bin"])
    #expect(
      outcome.lines == [
        "https://example.org/x would not be asked any more", "lifeboat-follow.timer", "no server is followed any more",
      ], "\(outcome)")
  }
}
