// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem

/// Exit statuses of the command; numbers from 64 on have their `sysexits.h` meaning.
enum ExitStatus: Int32, Sendable, CaseIterable {
  /// Everything asked for was done.
  case success = 0
  /// Some of the work failed; the summary says which.
  case partial = 1
  /// What was verified is not what was promised: a digest, a structure or a signature differs.
  case notAsPromised = 3
  /// A drive took no more: writing to it failed.
  case writeFailed = 10
  /// A drive does not hold what was written to it.
  case verifyFailed = 11
  /// A drive was pulled out, or another one stands in its place.
  case deviceGone = 12
  /// A drive has less room than it says.
  case falseCapacity = 13
  /// A drive or its slot is write-protected.
  case writeProtected = 14
  /// A drive may not be written: it is in use, too small, or not what it should be.
  case refusedTarget = 15
  /// The command line is wrong (EX_USAGE).
  case usage = 64
  /// The manifest or another input is wrong (EX_DATAERR).
  case badInput = 65
  /// An input file does not exist or cannot be read (EX_NOINPUT).
  case noInput = 66
  /// A program, package or network service that is needed is missing or failed (EX_UNAVAILABLE).
  case unavailable = 69
  /// A defect of Lifeboat itself (EX_SOFTWARE).
  case defect = 70
  /// The operating system does not allow something needed (EX_OSERR).
  case systemLimit = 71
  /// The output cannot be created: permissions, disk full (EX_CANTCREAT).
  case cannotCreate = 73
  /// Reading or writing failed (EX_IOERR).
  case inputOutput = 74
  /// Another Lifeboat holds what is needed; try again later (EX_TEMPFAIL).
  case busy = 75
  /// Interrupted by the user (128 + SIGINT).
  case interrupted = 130
}

extension ExitStatus {
  /// How the command ends for a failure of a library.
  init(_ kind: FailureKind) {
    self =
      switch kind {
      case .partial: .partial
      case .notAsPromised: .notAsPromised
      case .writeFailed: .writeFailed
      case .verifyFailed: .verifyFailed
      case .deviceGone: .deviceGone
      case .falseCapacity: .falseCapacity
      case .writeProtected: .writeProtected
      case .refusedTarget: .refusedTarget
      case .badRequest: .usage
      case .badInput: .badInput
      case .noInput: .noInput
      case .unavailable: .unavailable
      case .defect: .defect
      case .systemLimit: .systemLimit
      case .cannotCreate: .cannotCreate
      case .inputOutput: .inputOutput
      case .busy: .busy
      case .interrupted: .interrupted
      }
  }
}
