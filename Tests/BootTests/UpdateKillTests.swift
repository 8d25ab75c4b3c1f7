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

/// A computer that updates its recovery partition is ended like a lamp, by SIGKILL of QEMU, at twenty moments, which are
/// the same parts of the update in every run. Whatever is on the disk then starts.
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

  /// When an update begins to write, and when it is over, both from its beginning.
  private struct Course {
    var writes: Duration
    var ends: Duration
  }

  @Test func anUpdateIsCutShort() async throws {
    try await TemporaryFolder.with { folder in
      let lab = try await prepare(in: folder)
      let course = try await undisturbed(lab)
      var generator = SplitMix(seed: 0x6C69_6665)
      var (started, old) = (0, 0)
      for number in 0..<Self.moments {
        // Every other one falls into the time in which something is written.
        let first = number.isMultiple(of: 2) ? course.writes : .zero
        let moment = first + (course.ends - first) * Double.random(in: 0..<1, using: &generator)
        try await copy(lab.whole, to: lab.disk)
        try await cut(lab, after: moment)
        let current = try await judge(lab, [lab.first, lab.newer], "killed after \(moment), \(course)")
        old += current == lab.first ? 1 : 0
        if Self.startsEach || number % 8 == 0 {
          try await start(lab, current)
          started += 1
        }
        let mended = try await Repository.lifeboat([
          "install", "--update", try await DemoMedium.newer.path().string, "--disk", lab.disk.string, "--yes",
        ])
        #expect(mended.status == 0, "\(mended)")
        _ = try await judge(lab, [lab.newer], "mended after \(moment), \(course)")
      }
      #expect(old > 0 && started > 0)
      print("killed \(Self.moments) times in \(course): \(old) times the old version was left; \(started) started")
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

  /// One that nobody disturbs.
  private func undisturbed(_ lab: Lab) async throws -> Course {
    let course = try await lab.computer.run { machine in
      let clock = ContinuousClock()
      _ = try await machine.line { $0.contains(Self.begins) }
      let begin = clock.now
      _ = try await machine.line { $0.hasPrefix("write ") }
      let writes = clock.now - begin
      _ = try await machine.line { $0.contains(Self.ends) }
      return Course(writes: writes, ends: clock.now - begin)
    }
    _ = try await judge(lab, [lab.newer], "undisturbed")
    return course
  }

  /// Kills QEMU some time after the update has begun.
  private func cut(_ lab: Lab, after moment: Duration) async throws {
    let isKilled = Mutex(false)
    do {
      try await lab.computer.run { machine in
        _ = try await machine.line { $0.contains(Self.begins) }
        try await Task.sleep(for: moment)
        let text = try FileTree.text(of: lab.computer.processFile).filter(\.isNumber)
        let process = try #require(pid_t(text))
        isKilled.withLock { $0 = true }
        #expect(kill(process, SIGKILL) == 0)
      }
    } catch let failure as ExternalCommand.Failure {
      guard isKilled.withLock({ $0 }) else { throw failure }
    }
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
