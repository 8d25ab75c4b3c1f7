// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import TrialMachine

/// A computer whose disks keep what is written to them, and whose firmware keeps its variables.
struct LabComputer: Sendable {
  /// A disk as a virtio device.
  struct Drive: Sendable {
    var image: FilePath
    /// Its serial number, which udev makes a name below `/dev/disk/by-id` of.
    var serial: String
    /// What becomes of what is written to it.
    var keeping = Keeping.all
    /// More of QEMU's settings of it.
    var settings = ""

    enum Keeping: String { case all = "readonly=off", nothing = "snapshot=on", isReadOnly = "readonly=on" }
  }

  var firmware: TrialMachine.Firmware
  /// A BIOS starts the first; UEFI what its variables say.
  var drives: [Drive]
  /// Holds the firmware's variables and QEMU's sockets; its path is short.
  let folder: FilePath
  var memory: ByteCount = .mebibytes(1024)
  /// More of QEMU's arguments.
  var arguments: [String] = []

  private var variables: FilePath { folder.appending("variables") }
  /// Where QEMU says what process it is.
  var processFile: FilePath { folder.appending("process") }

  /// Forgets what the firmware remembers.
  func resetFirmware() throws {
    guard let template = firmware.files.last?.path else { return }
    FileTree.remove(variables)
    try AtomicFile.write(try FileTree.bytes(of: template), to: variables)
  }

  private var command: ExternalCommand {
    get throws {
      if firmware != .bios, FileTree.kind(of: variables) == nil { try resetFirmware() }
      let isVirtual = TrialMachine.Accelerator.ofThisHost == .kvm
      let firmware = firmware.arguments.map { argument in
        argument.hasPrefix("if=pflash,unit=1") ? "if=pflash,unit=1,format=raw,file=\(variables)" : argument
      }
      let disks = drives.enumerated().flatMap { index, drive in
        [
          "-drive",
          "if=none,id=disk\(index),format=raw,\(drive.keeping.rawValue),file=\(drive.image)" + drive.settings,
          "-device",
          "virtio-blk-pci,drive=disk\(index),serial=\(drive.serial)",
        ]
      }
      return ExternalCommand(
        "qemu-system-x86_64",
        [
          "-name", "lifeboat", "-nodefaults", "-no-user-config", "-accel", isVirtual ? "kvm" : "tcg", "-cpu",
          isVirtual ? "host" : "qemu64", "-m", "\(memory.bytes >> 20)M", "-device", "VGA", "-device",
          "virtio-rng-pci", "-display", "none", "-serial", "stdio", "-nic", "none", "-pidfile", processFile.string,
        ] + firmware + disks + arguments, package: "qemu-system-x86")
    }
  }

  /// Starts it, hands it to `body`, and ends it however that ends.
  func run<Result: Sendable>(
    limit: Duration = .seconds(900), onLine: @escaping @Sendable (String) -> Void = { _ in },
    _ body: @escaping @Sendable (RunningMachine) async throws -> Result
  ) async throws -> Result {
    FileTree.remove(folder.appending("monitor"))
    return try await TrialMachine.run(try command, scratch: folder, limit: limit, onLine: onLine, body)
  }

  /// Starts it, and waits for a line with one of these words.
  func start(until words: String..., limit: Duration = .seconds(900)) async throws -> String {
    try await run(limit: limit) { machine in
      try await machine.line { line in words.contains { line.contains($0) } }
    }
  }

  /// Starts it, and waits until a recovery system is up that came from a partition.
  /// - Parameter question: what it says before it waits for a key, where the firmware would take the key before.
  func startRecovery(pressing keys: [String] = [], after question: String? = nil) async throws -> ReadyLine {
    try await run(limit: .seconds(1500)) { machine in
      if let question { _ = try await machine.line { $0.contains(question) } }
      if !keys.isEmpty { try await Self.press(keys, on: machine) }
      let verdict = try await machine.line { $0.contains("LIFEBOAT-PARTITION ") }
      #expect(verdict.contains("LIFEBOAT-PARTITION ok"))
      return try ReadyLine(await machine.line { $0.contains(ReadyLine.mark) })
    }
  }

  /// Presses keys over and over, as people do, until GRUB's menu is there; a key stops its clock, so that one more
  /// starts what is chosen.
  private static func press(_ keys: [String], on machine: RunningMachine) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        while true {
          for key in keys { try await machine.press(key) }
          try await Task.sleep(for: .milliseconds(300))
        }
      }
      group.addTask { _ = try await machine.line { $0.contains("GNU GRUB") } }
      try await group.next()
    }
    try await Task.sleep(for: .seconds(1))
    try await machine.press("ret")
  }
}
