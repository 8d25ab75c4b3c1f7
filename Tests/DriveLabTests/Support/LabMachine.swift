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
  static func with(
    _ drives: [LabDrive], targets: Set<String>, files: [String: FilePath] = [:],
    _ body: @escaping @Sendable (LabMachine) async throws -> Void
  ) async throws {
    let medium = try await LabMedium.shared.path()
    try await TemporaryFolder.with { folder in
      let all = untouchable + drives
      for drive in all where drive.server == nil { try await fill(drive, in: folder) }
      let others = all.filter { !targets.contains($0.id) && $0.server == nil }
      let before = try others.map { try Digest(ofFile: $0.image(in: folder)) }
      var trial = TrialMachine(medium: medium, memory: .mebibytes(1536), hasNetwork: false)
      trial.extraArguments =
        ["-device", "qemu-xhci,id=lab-usb,p2=8,p3=8", "-device", "ich9-ahci,id=lab-sata"]
        + ["-serial", "unix:\(folder.appending("shell")),server=on,wait=off"]
        + all.flatMap { $0.arguments(in: folder) }
        + files.sorted { $0.key < $1.key }.flatMap { name, file in
          ["-blockdev", "driver=file,read-only=on,node-name=\(name)-file,filename=\(file)"]
            + ["-device", "virtio-blk-pci,drive=\(name)-file,serial=\(name)"]
        }
      try await trial.run(scratch: folder, limit: .seconds(1200)) { machine in
        let shell = try await LabShell(folder.appending("shell"))
        try await body(LabMachine(machine: machine, shell: shell, folder: folder))
      }
      for (drive, digest) in zip(others, before) {
        #expect(try Digest(ofFile: drive.image(in: folder)) == digest, "\(drive.id) has changed")
      }
    }
  }

  /// Something that a later comparison can tell from zeros, at its start and its end.
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

  /// Runs `lifeboat` in the computer.
  func lifeboat(_ arguments: String) async throws -> LabShell.Answer {
    try await shell.run("lifeboat \(arguments)")
  }
}
