// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why a medium could not be tried.
public enum TrialMachineFailure: Diagnosable, Equatable {
  /// The ISO file cannot be read.
  case mediumUnreadable(FilePath, Errno)
  /// A firmware file is not on this host.
  case firmwareMissing(file: FilePath, package: String)
  /// No such computer was ever built.
  case noSuchComputer(reason: String)
  /// No firmware starts with so little memory.
  case tooLittleMemory(ByteCount)
  /// The program that is the machine could not be started.
  case cannotStart(program: String, Errno)
  /// The machine did not do what was waited for in time; the last lines of its serial port are kept.
  case tookTooLong(seconds: Int64, lastLines: [String])
  /// The machine ended before it did what was waited for; the last lines of its serial port are kept.
  case endedEarly(lastLines: [String])
  /// The machine's monitor refused a command or could not be reached.
  case monitor(command: String, answer: String)

  /// Stable identifier.
  public var code: String {
    switch self {
    case .mediumUnreadable: "medium-unreadable"
    case .firmwareMissing: "firmware-missing"
    case .noSuchComputer: "no-such-computer"
    case .tooLittleMemory: "too-little-memory"
    case .cannotStart: "machine-cannot-start"
    case .tookTooLong: "machine-too-slow"
    case .endedEarly: "machine-ended"
    case .monitor: "machine-monitor"
    }
  }

  /// What happened and where.
  public var message: String {
    switch self {
    case .mediumUnreadable(let path, let errno): "open \(path): \(errno)"
    case .firmwareMissing(let file, _): "the firmware \(file) is not installed"
    case .noSuchComputer(let reason): "no computer is like that: \(reason)"
    case .tooLittleMemory(let memory): "\(memory) of memory is too little for a computer to start"
    case .cannotStart(let program, let errno): "start \(program): \(errno)"
    case .tookTooLong(let seconds, let lines):
      Self.quote("the machine did not get there in \(seconds) seconds", lines)
    case .endedEarly(let lines): Self.quote("the machine ended too early", lines)
    case .monitor(let command, let answer): "the machine's monitor did not obey “\(command)”: \(answer)"
    }
  }

  /// What to do about it.
  public var remedy: String? {
    switch self {
    case .mediumUnreadable: "Check the path and its permissions."
    case .firmwareMissing(_, let package): "Install it: apt-get install \(package)"
    case .noSuchComputer: "Choose the firmware bios or uefi-ia32 for a 32-bit processor."
    case .tooLittleMemory: "Give it at least 128 MiB; a recovery system wants 1024 MiB."
    case .cannotStart: "Check the permissions of the program."
    case .tookTooLong, .endedEarly, .monitor: nil
    }
  }

  /// Inputs, missing packages and failed trials differ.
  public var kind: FailureKind {
    switch self {
    case .mediumUnreadable: .noInput
    case .firmwareMissing, .cannotStart: .unavailable
    case .noSuchComputer, .tooLittleMemory: .badRequest
    case .tookTooLong, .endedEarly: .notAsPromised
    case .monitor: .defect
    }
  }

  private static func quote(_ text: String, _ lines: [String]) -> String {
    guard !lines.isEmpty else { return text + "; it said nothing" }
    return ([text + "; it said last:"] + lines.map { "  " + $0 }).joined(separator: "\n")
  }
}
