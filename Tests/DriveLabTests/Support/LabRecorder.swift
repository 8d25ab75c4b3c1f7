// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import TrialMachine

/// A recorder of optical discs: the one of Debian's tgt, a server of SCSI devices (MMC among them) by iSCSI, which QEMU
/// hands on to the computer command by command.
struct LabRecorder: Sendable {
  private static let target = "iqn.2026-01.lifeboat.lab:recorder"
  private let port: Int
  /// The disc's file.
  let disc: FilePath

  /// What connects it with a computer.
  var arguments: [String] {
    [
      "-device", "virtio-scsi-pci,id=lab-scsi", "-drive",
      "if=none,id=lab-recorder,format=raw,file=iscsi://127.0.0.1:\(port)/\(Self.target)/1", "-device",
      "scsi-generic,bus=lab-scsi.0,drive=lab-recorder",
    ]
  }

  /// Runs the server with a blank DVD+R in the recorder, as long as `body` runs.
  static func with(in folder: FilePath, _ body: @escaping @Sendable (LabRecorder) async throws -> Void) async throws {
    // Below the ports that the kernel gives out by itself, so that nobody has it by chance.
    let recorder = LabRecorder(port: .random(in: 20_000..<30_000), disc: folder.appending("disc"))
    try await Tgt.run(
      "tgtimg", ["--op", "new", "--device-type", "cd", "--type", "dvd+r", "--file", recorder.disc.string])
    let control = FilePath("\(folder)/tgt")
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        try await Tgt.run("tgtd", ["--foreground", "--iscsi", "portal=127.0.0.1:\(recorder.port)"], control)
      }
      try await recorder.offer(control)
      try await body(recorder)
    }
  }

  private func offer(_ control: FilePath) async throws {
    func administer(_ arguments: String...) async throws {
      try await Tgt.run("tgtadm", ["--lld", "iscsi"] + arguments, control)
    }
    try await LocalSocket(path: FilePath("\(control).0")).connect().close()
    try await administer("--mode", "target", "--op", "new", "--tid", "1", "--targetname", Self.target)
    try await administer(
      "--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "--device-type", "cd", "--backing-store",
      disc.string)
    try await administer("--mode", "target", "--op", "bind", "--tid", "1", "--initiator-address", "127.0.0.1")
  }

  private enum Tgt {
    static func run(_ program: String, _ arguments: [String], _ control: FilePath? = nil) async throws {
      var command = ExternalCommand(program, arguments, package: "tgt")
      if let control { command.environment["TGT_IPC_SOCKET"] = control.string }
      try await command.run()
    }
  }
}
