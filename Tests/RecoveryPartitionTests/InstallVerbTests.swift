// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// The built program on image files.
@Suite struct InstallVerbTests {
  private func run(_ disk: DiskImage, _ arguments: String...) async throws -> TestSupport.Tool.Outcome {
    try await Repository.lifeboat(["install"] + arguments + ["--disk", disk.path.string])
  }

  @Test func installsShowsUpdatesAndRemoves() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let table = try await disk.table()
    let medium = try await SmallMedia.shared.iso().string
    let dry = try await run(disk, medium, "--size", "300M", "--dry-run")
    #expect(dry.status == 0 && dry.lines == ["Nothing was changed."], "\(dry)")
    #expect(dry.errors.contains("Microsoft reserved") && dry.errors.contains("afterwards:"), "\(dry)")
    #expect(try await disk.table() == table)

    let asked = try await run(disk, medium, "--size", "300M")
    #expect(asked.status == 64 && asked.errors.contains("no terminal"), "\(asked)")

    let done = try await run(disk, medium, "--size", "300M", "--hidden", "--yes", "--json")
    #expect(done.status == 0 && done.output.contains("\"state\" : \"installed\""), "\(done)")
    #expect(done.output.contains("\"number\" : 4") && done.output.contains("\"nextStart\" : \"as before\""), "\(done)")
    let twice = try await run(disk, medium, "--size", "300M", "--yes", "--json")
    #expect(twice.status == 15 && twice.output.contains("\"already-installed\""), "\(twice)")
    let same = try await run(disk, medium, "--size", "300M", "--hidden", "--yes", "--json")
    #expect(same.status == 0 && same.output.contains("\"state\" : \"unchanged\""), "\(same)")

    let newer = try await SmallMedia.shared.iso(tools: "newer tools", number: 2).string
    let updated = try await run(disk, "--update", newer, "--yes")
    #expect(updated.status == 0 && updated.output.contains("starts from now on"), "\(updated)")
    let status = try await run(disk, "--status")
    #expect(status.status == 0 && status.lines.count >= 3 && status.lines[1].hasPrefix("  starts"), "\(status)")
    let back = try await run(disk, "--rollback", "--yes")
    #expect(back.status == 0, "\(back)")
    let removed = try await run(disk, "--remove", "--yes")
    #expect(removed.status == 0, "\(removed)")
    #expect(try await disk.table() == table)
    let absent = try await run(disk, "--status")
    #expect(absent.status == 15 && absent.errors.contains("has no Lifeboat recovery partition"), "\(absent)")
  }

  /// An image file has no firmware and no installed GRUB; its boot code is made when it is asked for, and taken back.
  @Test func bootCodeOfAnImage() async throws {
    let disk = try await DiskImage("label: dos\nlabel-id: 0x1b2c3d4e\nstart=2048, size=204800, type=7, bootable")
    let medium = try await SmallMedia.shared.iso().string
    let before = try disk.digest(0..<512)
    let arguments = [medium, "--size", "300M", "--mbr-chain", "--disk", disk.path.string]
    let dry = try await Repository.lifeboat(["install", "--dry-run"] + arguments)
    #expect(dry.status == 0 && dry.errors.contains("the old one saved on the recovery partition"), "\(dry)")
    let done = try await Repository.lifeboat(["install", "--yes"] + arguments)
    #expect(done.status == 0 && done.output.contains("boot entry \(disk.path)"), "\(done)")
    #expect(done.output.contains("the next start: each start waits 3 seconds for Esc"), "\(done)")
    #expect(try disk.digest(0..<440) != Digest(of: [UInt8](repeating: 0, count: 440)))
    let status = try await run(disk, "--status")
    #expect(status.status == 0 && status.output.contains("boot entry \(disk.path)"), "\(status)")
    // Another system's installer takes the sector; the same command again makes what is missing.
    let file = try FileDescriptor.open(disk.path, .writeOnly)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: 0, [UInt8](repeating: 0, count: 440)) }
    #expect(try await run(disk, "--status").output.contains("boot entry") == false)
    // Where that fails, the partition is in order nevertheless, and the answer says both.
    try disk.folder.writeScript("grub-mkimage", "echo broken >&2; exit 1")
    let partly = try await Repository.lifeboat(
      ["install", "--yes", "--json"] + arguments,
      environment: ["PATH": "\(disk.folder.path):/usr/sbin:/usr/bin:/sbin:/bin"])
    #expect(partly.status == 1 && partly.output.contains("\"state\" : \"unchanged\""), "\(partly)")
    #expect(partly.output.contains("\"bootFailure\" :") && partly.output.contains("broken"), "\(partly)")
    let again = try await Repository.lifeboat(["install", "--yes"] + arguments)
    #expect(again.status == 0 && again.output.contains("boot entry \(disk.path)"), "\(again)")
    let removed = try await run(disk, "--remove", "--yes")
    #expect(removed.status == 0 && removed.output.contains("was removed"), "\(removed)")
    #expect(try disk.digest(0..<512) == before)
  }

  /// What nobody watched stands in the system's log, and what failed too.
  @Test func theSystemsLog() async throws {
    let disk = try await DiskImage("label: gpt\n")
    let log = disk.folder.appending("log")
    try disk.folder.writeScript("logger", "printf '%s\\n' \"$*\" >>\(log)")
    let path = ["PATH": "\(disk.folder.path):/usr/sbin:/usr/bin:/sbin:/bin"]
    let medium = try await SmallMedia.shared.iso().string
    for (status, more) in [(0, []), (15, ["--hidden"])] {
      let outcome = try await Repository.lifeboat(
        ["install", medium, "--size", "300M", "--yes", "--disk", disk.path.string] + more, environment: path)
      #expect(outcome.status == Int32(status), "\(outcome)")
    }
    let lines = String(decoding: try FileTree.bytes(of: log), as: UTF8.self).split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("--tag lifeboat -- ") }, "\(lines)")
    #expect(lines.first?.contains("installed tier1 ") == true, "\(lines)")
    #expect(lines.last?.contains("failed on \(disk.path): \(disk.path) already has a recovery partition") == true)
  }

  @Test(arguments: [
    ["--status", "--rollback"], ["--remove", "--size", "2G"], ["--status", "--keep-partition"],
    ["x.iso", "--allow-downgrade"], ["--update", "https://example.org/x", "--key", "k.pub"], ["x.iso", "--size", "2X"],
    ["x.iso", "--hotkey-delay", "0"], ["x.iso", "--hotkey-delay", "5"],
    ["x.iso", "--hotkey-delay", "5", "--boot-order", "last"],
  ]) func wrongCommandLines(arguments: [String]) async throws {
    let outcome = try await Repository.lifeboat(["install", "--disk", "/nonexistent"] + arguments)
    #expect(outcome.status == 64, "\(outcome)")
  }

  @Test func whatIsNotThere() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let outcome = try await run(disk, "/nonexistent.iso", "--yes")
    #expect(outcome.status == 66, "\(outcome)")
    let other = try await Repository.lifeboat(["install", "--status", "--disk", "/dev/nonexistent"])
    #expect(other.status != 0 && other.errors.contains("nonexistent"), "\(other)")
  }

  private static let hasNamespaces = ["unshare", "mount"].allSatisfy { TestSupport.Tool.isInstalled($0) }

  /// Where temporary files do not fit, that is said before anything is written to the disk.
  @Test(.enabled(if: hasNamespaces, "needs mount namespaces")) func noRoomForTemporaryFiles() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let folder = disk.folder.appending("small")
    try FileTree.makeFolder(folder)
    let before = try Digest(ofFile: disk.path)
    let script = #"mount -t tmpfs -o size=4m none "$TMPDIR" && exec "$@""#
    let arguments = [
      "-rm", "sh", "-c", script, "sh", try Repository.program("lifeboat").string, "install",
      try await SmallMedia.shared.iso().string, "--disk", disk.path.string, "--size", "300M", "--yes", "--json",
    ]
    let outcome = try await TestSupport.Tool.run("unshare", arguments, environment: ["TMPDIR": folder.string])
    #expect(outcome.status == 73 && outcome.output.contains("\"no-temporary-space\""), "\(outcome)")
    #expect(outcome.output.contains(", and has 4.1 MB free") && outcome.output.contains("TMPDIR="), "\(outcome)")
    #expect(try Digest(ofFile: disk.path) == before)
  }

  /// A timer has to find the same disk every day.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func aDiskWithoutANameOfItsOwn() async throws {
    let disk = try await DiskImage("label: gpt\n", mebibytes: 64)
    try await Loop.with(disk.path) { device in
      let outcome = try await Repository.lifeboat([
        "install", "--follow", "http://127.0.0.1:9/x", "--disk", device.string, "--allow-loop", "--dry-run", "--json",
      ])
      #expect(outcome.status == 15 && outcome.output.contains("\"no-stable-name\""), "\(outcome)")
    }
  }

  /// Where the computer's own timer is out of sight.
  @Test(.enabled(if: hasNamespaces, "needs mount namespaces")) func noServerIsFollowed() async throws {
    let disk = try await DiskImage("label: gpt\n", mebibytes: 64)
    let script = #"[ ! -d /etc/systemd ] || mount -t tmpfs none /etc/systemd; exec "$@""#
    let arguments = ["install", "--follow", "off", "--disk", disk.path.string, "--json"]
    let outcome = try await TestSupport.Tool.run(
      "unshare", ["-rm", "sh", "-ec", script, "sh", try Repository.program("lifeboat").string] + arguments)
    #expect(outcome.status == 0 && outcome.output.contains("\"state\" : \"not-followed\""), "\(outcome)")
  }

  private static func installing(_ medium: FilePath, on disk: DiskImage) throws -> [String] {
    let program = try Repository.program("lifeboat").string
    return [program, "install", medium.string, "--disk", disk.path.string, "--size", "300M", "--yes"]
  }

  /// Of how many writes an installation consists.
  private static let writes = Task {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let all = try await TracedWrites.run(try installing(try await SmallMedia.shared.iso(), on: disk), to: disk.path)
    try #require(all.status == 0 && all.count > 4)
    return all.count
  }

  /// Killed while it installs, behind the first write, the last but one, and some between: the table is the old one with
  /// the old data, or the new one with a whole slot; the same command again ends with a recovery partition.
  @Test(arguments: 0..<4) func aKill(part: Int) async throws {
    let last = 1 + (try await Self.writes.value - 2) * part / 3
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let data = try disk.digest(1 << 20..<317 << 20)
    let others = try await disk.table().split(separator: "\n").filter { $0.contains(" : ") }
    try #require(others.count == 3)
    let words = try Self.installing(try await SmallMedia.shared.iso(), on: disk)
    let killed = try await TracedWrites.run(words, to: disk.path, killedAfter: last)
    #expect(killed.status == 137 && killed.count == last)
    #expect(try disk.digest(1 << 20..<317 << 20) == data)
    // Between two writes to a GPT one of its tables is damaged, and sfdisk takes the other.
    let left = try await disk.table()
    #expect(others.allSatisfy { left.contains($0) }, "\(left)")
    let again = try await Repository.lifeboat(Array(words.dropFirst()))
    #expect(again.status == 0, "\(again)")
    let verdict = try await TestSupport.Tool.run("sgdisk", ["-v", disk.path.string])
    #expect(verdict.output.contains("No problems found"), "\(verdict)")
    let status = try await disk.installer().status()
    #expect(status.slots.map(\.damage) == [[]])
    #expect(try disk.digest(1 << 20..<317 << 20) == data)
  }
}
