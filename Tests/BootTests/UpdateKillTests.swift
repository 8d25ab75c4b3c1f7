// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
@preconcurrency import Glibc
import HostSystem
import MediumReading
import Synchronization
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A computer that updates its recovery partition is ended like a lamp, by SIGKILL of QEMU, behind twenty of its writes to
/// the disk. Whatever is on the disk then starts.
///
/// `LIFEBOAT_BOOT_EACH=1` starts each of them, and not three.
@Suite(
  .serialized,
  .enabled(
    if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1" && InstalledDebian.isPossible,
    "set LIFEBOAT_BOOT_TESTS=1 to boot, as root"))
struct UpdateKillTests {
  private static let moments = 20
  private static let startsEach = HostEnvironment["LIFEBOAT_BOOT_EACH"] == "1"
  private static let begins = "UPDATE-BEGINS"
  private static let ends = "UPDATE-ENDS"

  /// Disk, versions, and the computer that does it.
  private struct Lab {
    var whole: FilePath
    var disk: FilePath
    var first: String
    var newer: String
    var computer: LabComputer
  }

  @Test func anUpdateIsCutShort() async throws {
    try await TemporaryFolder.with { folder in
      let lab = try await prepare(in: folder)
      let writes = try await undisturbed(lab)
      try #require(writes > Self.moments)
      var (started, old) = (0, 0)
      for number in 0..<Self.moments {
        // The number of writes that are seen is not quite the same in each run.
        let last = 1 + writes * 9 / 10 * number / Self.moments
        try await copy(lab.whole, to: lab.disk)
        try await cut(lab, after: last)
        let current = try await judge(lab, [lab.first, lab.newer], "killed after \(last) of \(writes) writes")
        old += current == lab.first ? 1 : 0
        if Self.startsEach || number % 8 == 0 {
          try await start(lab, current)
          started += 1
        }
        let mended = try await Repository.lifeboat([
          "install", "--update", try await DemoMedium.newer.path().string, "--disk", lab.disk.string, "--yes",
        ])
        #expect(mended.status == 0, "\(mended)")
        _ = try await judge(lab, [lab.newer], "mended after \(last) of \(writes) writes")
      }
      #expect(old > 0 && started > 0)
      print(
        "killed \(Self.moments) times in \(writes) writes: \(old) times the old version was left; \(started) started")
    }
  }

  private func prepare(in folder: FilePath) async throws -> Lab {
    let (medium, newer) = (try await DemoMedium.x64.path(), try await DemoMedium.newer.path())
    let whole = try ImageMaker.sparse(folder.appending("whole"), size: 1000 << 20, data: [1 << 20..<101 << 20])
    let table = "label: gpt\nstart=2048, size=204800, name=\"data\"\n"
    #expect(try await Tool.run("sfdisk", ["--quiet", whole.string], input: Array(table.utf8)).status == 0)
    let done = try await Repository.lifeboat([
      "install", medium.string, "--disk", whole.string, "--size", "700M", "--hidden", "--yes",
    ])
    try #require(done.status == 0, "\(done)")
    let disk = folder.appending("disk")
    try await copy(whole, to: disk)
    let debian = try await InstalledDebian.shared.disk(folder.appending("debian"))
    let program = try await InstalledDebian.shared.program()
    let computer = LabComputer(
      firmware: .bios,
      drives: [
        .init(image: debian, serial: "DEBIAN", keeping: .nothing),
        // A slow disk: of what the update takes, as much as can be is writing.
        .init(image: disk, serial: "DISK1", settings: ",cache=writeback,throttling.iops-write=4"),
        .init(image: program, serial: "PROGRAM", keeping: .isReadOnly),
      ], folder: folder)
    return Lab(
      whole: whole, disk: disk, first: try MediumVerification.record(of: ISOReader(medium)).identifier,
      newer: try MediumVerification.record(of: ISOReader(newer)).identifier,
      computer: try computer.commanded(
        """
        echo \(Self.begins)
        TMPDIR=/tmp lifeboat install --update /mnt/newer.iso --disk /dev/disk/by-id/virtio-DISK1 --yes
        echo \(Self.ends)
        sleep 3600

        """))
  }

  /// One that nobody disturbs; how many writes of it are seen.
  private func undisturbed(_ lab: Lab) async throws -> Int {
    let count = try await lab.computer.run { machine in
      _ = try await machine.line { $0.contains(Self.begins) }
      return try await Self.writes(to: lab.disk, upTo: .max) { try await machine.line { $0.contains(Self.ends) } }
    }
    _ = try await judge(lab, [lab.newer], "undisturbed")
    return count
  }

  /// Kills QEMU behind a write.
  private func cut(_ lab: Lab, after last: Int) async throws {
    let isKilled = Mutex(false)
    do {
      try await lab.computer.run { machine in
        _ = try await machine.line { $0.contains(Self.begins) }
        let seen = try await Self.writes(to: lab.disk, upTo: last) {
          try await machine.line { $0.contains(Self.ends) }
        }
        #expect(seen == last, "it ended before")
        let text = try FileTree.text(of: lab.computer.processFile).filter(\.isNumber)
        let process = try #require(pid_t(text))
        isKilled.withLock { $0 = true }
        #expect(kill(process, SIGKILL) == 0)
      }
    } catch let failure as ExternalCommand.Failure {
      guard isKilled.withLock({ $0 }) else { throw failure }
    }
  }

  /// Counts writes by the time of change of the disk's file, of which QEMU makes four a second at most, until there were
  /// so many, or until something else happens.
  private static func writes(
    to disk: FilePath, upTo limit: Int, or end: @escaping @Sendable () async throws -> String
  ) async throws -> Int {
    try await withThrowingTaskGroup(of: Int?.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        _ = try await end()
        return nil
      }
      group.addTask {
        var (count, last) = (0, try changed(disk))
        while count < limit, !Task.isCancelled {
          try? await Task.sleep(for: .milliseconds(5))
          let now = try changed(disk)
          if now != last { count += 1 }
          last = now
        }
        return count
      }
      for try await count in group {
        if let count { return count }
        group.cancelAll()
      }
      return 0
    }
  }

  /// When a file was changed, in nanoseconds.
  private static func changed(_ file: FilePath) throws -> Int {
    var status = stat()
    guard stat(file.string, &status) == 0 else { throw OperationFailure("look at", file, Errno(rawValue: errno)) }
    return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
  }

  /// What starts from the disk: by Lifeboat's own status, by mtools and sha256sum; beside it nothing has changed.
  private func judge(_ lab: Lab, _ allowed: [String], _ when: Comment) async throws -> String {
    let volume = try await RecoveryVolume(partition: 2, of: lab.disk)
    let current = try #require(try await volume.state()["current"], when)
    #expect(allowed.contains(current), when)
    #expect(try await volume.damage(of: current) == nil, when)
    let status = try await Repository.lifeboat(["install", "--status", "--json", "--disk", lab.disk.string])
    #expect(status.status == 0 && status.output.contains("\"current\" : \"\(current)\""), "\(when) \(status)")
    let same = try await Tool.run("cmp", ["--bytes=\(101 << 20)", lab.whole.string, lab.disk.string])
    #expect(same.status == 0, "\(when) \(same)")
    return current
  }

  private func start(_ lab: Lab, _ identifier: String) async throws {
    let computer = LabComputer(
      firmware: .uefi, drives: [.init(image: lab.disk, serial: "DISK1", keeping: .nothing)],
      folder: lab.computer.folder)
    try computer.resetFirmware()
    let ready = try await computer.startRecovery()
    #expect(ready.id == identifier && ready.medium == "/dev/vda2")
  }

  private func copy(_ source: FilePath, to target: FilePath) async throws {
    try await ExternalCommand("cp", ["--sparse=always", source.string, target.string]).run()
  }
}
