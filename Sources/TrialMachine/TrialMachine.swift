// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
@preconcurrency internal import Glibc
public import HostSystem
public import SystemPackage

/// A virtual computer that starts a medium, so that it can be tried before it is needed.
///
///     ISO file ─▶ TrialMachine ─▶ ExternalCommand (qemu-system-x86_64 …)
///                                   ├─ becomeMachine()  this process turns into it: `lifeboat try`
///                                   └─ run { machine in … }  watched and ended by a program: boot tests
///
/// The medium is never written: a disc is read-only, and what is written to a stick, or to the firmware's variables, goes
/// to a temporary overlay that QEMU forgets at the end. KVM is used where this user may, otherwise emulation, which
/// takes about a minute to the menu of a recovery system.
public struct TrialMachine: Sendable, Equatable {
  /// What the computer starts with.
  public enum Firmware: String, Sendable, CaseIterable {
    /// SeaBIOS.
    case bios
    /// 64-bit UEFI (OVMF) with Secure Boot off.
    case uefi
    /// 32-bit UEFI (OVMF) with Secure Boot off.
    case uefiIA32 = "uefi-ia32"
    /// 64-bit UEFI (OVMF) with Microsoft's keys and Secure Boot on.
    case secureBoot = "secure-boot"
  }

  /// How the medium reaches the computer.
  public enum Attachment: String, Sendable, CaseIterable {
    /// In an optical drive.
    case disc
    /// As a USB flash drive.
    case stick
  }

  /// Where the screen and the first serial port go.
  public enum Console: Sendable, Equatable {
    /// A window with the screen; the serial port goes nowhere.
    case window
    /// No screen; the serial port is this terminal (Ctrl-A X ends the machine).
    case terminal
    /// No screen; what the serial port says is the program's output.
    case output
  }

  /// The ISO file.
  public var medium: FilePath
  /// How it is attached.
  public var attachment: Attachment
  /// What starts it.
  public var firmware: Firmware
  /// The computer's memory.
  public var memory: ByteCount
  /// Whether the processor is a 32-bit one.
  public var hasCPU32Bit: Bool
  /// Where screen and serial port go.
  public var console: Console
  /// Whether there is a network card, behind QEMU's user-mode network.
  public var hasNetwork: Bool
  /// More media of the same kind, which come before the medium in the order of devices; the firmware starts the medium
  /// nevertheless. They too have a place in the boot order, because OVMF leaves a device that has none asleep, so that
  /// no boot loader could take it for the medium.
  package var companions: [FilePath] = []
  /// A raw image that is the computer's own hard disk; it is not written either.
  package var disk: FilePath?
  /// Whether there is a serial port.
  package var hasSerialPort = true
  /// More of QEMU's arguments: drives and ports of a test's own.
  package var extraArguments: [String] = []

  /// Describes a computer; nothing is started.
  public init(
    medium: FilePath, attachment: Attachment = .disc, firmware: Firmware = .bios, memory: ByteCount = .mebibytes(2048),
    hasCPU32Bit: Bool = false, console: Console = .window, hasNetwork: Bool = true
  ) {
    self.medium = medium
    self.attachment = attachment
    self.firmware = firmware
    self.memory = memory
    self.hasCPU32Bit = hasCPU32Bit
    self.console = console
    self.hasNetwork = hasNetwork
  }

  /// The program that is the computer on this host.
  /// - Throws: `TrialMachineFailure` where the medium cannot be read, the firmware's package is not installed, or the
  ///   computer cannot exist.
  public func command() throws(TrialMachineFailure) -> ExternalCommand {
    guard access(medium.string, R_OK) == 0 else {
      throw .mediumUnreadable(medium, Errno(rawValue: errno))
    }
    for file in firmware.files where access(file.path.string, R_OK) != 0 {
      throw .firmwareMissing(file: file.path, package: file.package)
    }
    return try command(accelerator: .ofThisHost)
  }

  /// What runs the computer's processor.
  enum Accelerator {
    case kvm, emulation

    /// KVM where this user may open it and the processor has what it needs. Some hosted machines have a `/dev/kvm`
    /// made of software alone, under which QEMU stops or stands still.
    static var ofThisHost: Accelerator {
      guard access("/dev/kvm", R_OK | W_OK) == 0 else { return .emulation }
      let processors = FileManager.default.contents(atPath: "/proc/cpuinfo") ?? Data()
      return canVirtualize(String(decoding: processors, as: UTF8.self)) ? .kvm : .emulation
    }

    /// Whether the flags in the text of `/proc/cpuinfo` name Intel's or AMD's virtualisation.
    static func canVirtualize(_ processors: String) -> Bool {
      let flags = processors.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
      return flags.split(whereSeparator: \.isWhitespace).contains { $0 == "vmx" || $0 == "svm" }
    }
  }

  /// The program with its arguments; looks at nothing on the host.
  /// - Throws: `TrialMachineFailure.noSuchComputer`, `.tooLittleMemory`.
  func command(accelerator: Accelerator) throws(TrialMachineFailure) -> ExternalCommand {
    if hasCPU32Bit, firmware == .uefi || firmware == .secureBoot {
      throw .noSuchComputer(reason: "a 64-bit UEFI needs a 64-bit processor")
    }
    guard memory >= .mebibytes(128) else { throw .tooLittleMemory(memory) }
    let arguments =
      ["-name", "lifeboat", "-nodefaults", "-no-user-config"] + machineArguments(accelerator) + firmware.arguments
      + mediaArguments + consoleArguments + networkArguments + extraArguments
    return ExternalCommand("qemu-system-x86_64", arguments, package: "qemu-system-x86")
  }

  private func machineArguments(_ accelerator: Accelerator) -> [String] {
    let processor =
      switch (hasCPU32Bit, firmware, accelerator) {
      case (true, .bios, _): "qemu32"
      case (true, _, _): "qemu32,+nx"  // OVMF makes use of no-execute pages
      case (false, _, .kvm): "host"
      case (false, _, .emulation): "qemu64"
      }
    return [
      "-accel", accelerator == .kvm ? "kvm" : "tcg", "-cpu", processor, "-m", "\(memory.bytes >> 20)M", "-device",
      "VGA", "-device", "virtio-rng-pci",
    ]
  }

  private var mediaArguments: [String] {
    let drives = companions + [medium]
    var arguments = attachment == .stick ? ["-device", firmware == .bios ? "usb-ehci,id=usb" : "qemu-xhci,id=usb"] : []
    for (index, file) in drives.enumerated() {
      let order = ",bootindex=\(index == drives.count - 1 ? 0 : index + 1)"
      let path = file.string.replacing(",", with: ",,")
      switch attachment {
      case .disc:
        arguments += [
          "-drive", "if=none,id=medium\(index),format=raw,media=cdrom,readonly=on,file=\(path)", "-device",
          "ide-cd,bus=ide.\(index),drive=medium\(index)\(order)",
        ]
      case .stick:
        arguments += [
          "-drive", "if=none,id=medium\(index),format=raw,snapshot=on,file=\(path)", "-device",
          "usb-storage,bus=usb.0,removable=on,drive=medium\(index)\(order)",
        ]
      }
    }
    if let disk {
      arguments += [
        "-drive", "if=none,id=disk,format=raw,snapshot=on,file=\(disk.string.replacing(",", with: ",,"))", "-device",
        "ide-hd,drive=disk,bootindex=\(drives.count + 1)",
      ]
    }
    return arguments
  }

  private var consoleArguments: [String] {
    switch console {
    case .window: ["-device", "usb-ehci,id=input", "-device", "usb-tablet,bus=input.0"]
    case .terminal: ["-display", "none", "-serial", "mon:stdio"]
    case .output: ["-display", "none"] + (hasSerialPort ? ["-serial", "stdio"] : [])
    }
  }

  private var networkArguments: [String] {
    hasNetwork ? ["-netdev", "user,id=network", "-device", "e1000,netdev=network,romfile="] : ["-nic", "none"]
  }
}
