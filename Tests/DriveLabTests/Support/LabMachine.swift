// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A started computer of the lab: its drives are image files of the host, and a shell runs commands in it.
struct LabMachine: Sendable {
  let machine: RunningMachine
  let shell: LabShell
  let folder: FilePath

  /// Disks that nobody may touch in any test; they are compared with what they were at the end of each.
  private static let untouchable = [
    LabDrive(id: "nvme0", kind: .nvme, serial: "NVME-SYSTEM-1", size: .mebibytes(64)),
    LabDrive(id: "sata0", kind: .sata, serial: "SATA-DATA-1", size: .mebibytes(64)),
  ]

  /// Starts a computer with these drives, hands it to `body`, and compares at the end: of all image files only those of
  /// the drives in `targets` may have changed.
  /// - Parameters:
  ///   - files: files of the host that are in the computer's memory, as `/lab/NAME`.
  ///   - recorder: a recorder of optical discs that the computer has besides.
  static func with(
    _ drives: [LabDrive], targets: Set<String>, files: [String: FilePath] = [:], recorder: LabRecorder? = nil,
    _ body: @escaping @Sendable (LabMachine) async throws -> Void
  ) async throws {
    let medium = try await LabMedium.shared.path()
    try await TemporaryFolder.with { folder in
      let all = untouchable + drives
      for drive in all { try await fill(drive, in: folder) }
      let others = all.filter { !targets.contains($0.id) }
      let before = try others.map { try Digest(ofFile: $0.image(in: folder)) }
      var trial = TrialMachine(medium: medium, memory: .mebibytes(1536), hasNetwork: false)
      trial.extraArguments =
        ["-device", "qemu-xhci,id=lab-usb,p2=8,p3=8", "-device", "ich9-ahci,id=lab-sata"]
        + ["-serial", "unix:\(folder.appending("shell")),server=on,wait=off"]
        + all.flatMap { $0.arguments(in: folder) } + (recorder?.arguments ?? [])
        + files.sorted { $0.key < $1.key }.flatMap { name, file in
          ["-blockdev", "driver=file,read-only=on,node-name=\(name)-file,filename=\(file)"]
            + ["-device", "virtio-blk-pci,drive=\(name)-file,serial=\(name)"]
        }
      try await serving(drives, in: folder) { [trial] in
        try await trial.run(scratch: folder, limit: .seconds(1200)) { machine in
          let shell = try await LabShell(folder.appending("shell"))
          let lab = LabMachine(machine: machine, shell: shell, folder: folder)
          try await lab.copy(files.keys.sorted())
          try await body(lab)
        }
      }
      for (drive, digest) in zip(others, before) {
        #expect(try Digest(ofFile: drive.image(in: folder)) == digest, "\(drive.id) has changed")
      }
    }
  }

  /// Runs the servers of the drives that lie, as long as `body` runs.
  private static func serving(
    _ drives: [LabDrive], in folder: FilePath, _ body: @Sendable () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      for drive in drives {
        guard let fault = drive.fault else { continue }
        group.addTask { try await fault.serve(drive, in: folder) }
        try await LabFault.untilServed(drive, in: folder)
      }
      try await body()
    }
  }

  /// Something that a later comparison can tell from zeros, at its start, its middle and its end.
  private static func fill(_ drive: LabDrive, in folder: FilePath) async throws {
    let image = drive.image(in: folder).string
    try await ExternalCommand("truncate", ["-s", "\(drive.size.bytes)", image]).run()
    for offset in [0, drive.size.bytes / 2, drive.size.bytes - 1_048_576] {
      try await ExternalCommand(
        "dd",
        [
          "if=/dev/urandom", "of=\(image)", "bs=64K", "count=16", "conv=notrunc", "oflag=seek_bytes", "seek=\(offset)",
          "status=none",
        ]
      ).run()
    }
  }

  private func copy(_ files: [String]) async throws {
    try await require("mkdir -p /lab && mount -t tmpfs -o size=700m tmpfs /lab")
    for name in files {
      try await until("[ -b /dev/disk/by-id/virtio-\(name) ]")
      try await require("dd if=/dev/disk/by-id/virtio-\(name) of=/lab/\(name) bs=64K conv=sparse status=none")
    }
  }
}

extension LabMachine {
  /// Runs a script in the computer that has to succeed; returns what it said, without the last line's end.
  @discardableResult
  func require(_ script: String) async throws -> String {
    let answer = try await shell.run(script)
    try #require(answer.status == 0, "\(script): \(answer)")
    return answer.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().joined(separator: "\n")
  }

  /// Waits until a script in the computer succeeds.
  func until(_ script: String, seconds: Int = 60) async throws {
    try await require(
      "n=0; until { \(script); } 2>/dev/null; do n=$((n + 1)); [ $n -lt \(seconds * 5) ] || exit 1; sleep 0.2; done")
  }

  /// Plugs a drive in, and waits until the computer has made a device of it.
  /// - Returns: its path.
  @discardableResult
  func plug(_ drive: LabDrive) async throws -> String {
    for device in drive.devices { try await machine.tell("device_add \(device)") }
    return try await path(of: drive)
  }

  /// Pulls a drive out, and waits until nothing has its name any more.
  func unplug(_ drive: LabDrive) async throws {
    let link = link(of: drive)
    try await machine.tell("device_del \(drive.id)")
    try await until("[ ! -L \(link) ]")
  }

  /// The path that a USB stick has now.
  func path(of drive: LabDrive) async throws -> String {
    try await until("[ -b \(link(of: drive)) ]")
    return try await require("udevadm settle; readlink -f \(link(of: drive))")
  }

  private func link(of drive: LabDrive) -> String { "/dev/disk/by-id/usb-*_\(drive.serial)-0:0" }

  /// Whether a drive begins with the bytes of a file of the host.
  func holds(_ drive: LabDrive, _ file: FilePath) async throws -> Bool {
    let size = FileTree.status(of: file)?.size ?? 0
    try #require(size > 0)
    return try await Tool.run("cmp", ["-n", "\(size)", file.string, drive.image(in: folder).string]).status == 0
  }

  /// What a drive holds now.
  func digest(of drive: LabDrive) throws -> Digest { try Digest(ofFile: drive.image(in: folder)) }
}
