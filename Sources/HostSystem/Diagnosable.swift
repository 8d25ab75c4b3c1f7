// SPDX-License-Identifier: GPL-3.0-or-later

/// An error that can tell a person what happened, where, and what to do about it.
///
/// Every module's failure enum conforms. A program prints `message`, then `remedy` on a line of its own, and decides by
/// `kind` how it ends; `code` is stable, for other programs.
public protocol Diagnosable: Error, CustomStringConvertible {
  /// A stable, lower-case, hyphenated identifier such as `unknown-key`.
  var code: String { get }
  /// What happened and where: names the file, offset, key or device.
  var message: String { get }
  /// One sentence that starts with a verb, or nil where nobody can do anything.
  var remedy: String? { get }
  /// What sort of failure it is.
  var kind: FailureKind { get }
}

extension Diagnosable {
  /// The message, and the remedy on a second line.
  public var description: String { remedy.map { message + "\n" + $0 } ?? message }
}

/// The sorts of failure that callers tell apart.
public enum FailureKind: String, Sendable, CaseIterable, Codable {
  /// Some of the work failed; the rest was done.
  case partial
  /// What was verified is not what was promised: a digest, a structure or a signature differs.
  case notAsPromised
  /// A drive took no more: writing to it failed.
  case writeFailed
  /// A drive does not hold what was written to it.
  case verifyFailed
  /// A drive was pulled out, or another one stands in its place.
  case deviceGone
  /// A drive has less room than it says.
  case falseCapacity
  /// A drive or its slot is write-protected.
  case writeProtected
  /// A drive may not be written: it is in use, too small, or not what it should be.
  case refusedTarget
  /// What the caller asks for cannot be, or is not said clearly.
  case badRequest
  /// The manifest or another input is wrong.
  case badInput
  /// An input does not exist or cannot be read.
  case noInput
  /// A program, package or network service that is needed is missing or failed.
  case unavailable
  /// A defect of Lifeboat itself.
  case defect
  /// The operating system does not allow something needed.
  case systemLimit
  /// The output cannot be created: permissions, disk full.
  case cannotCreate
  /// Reading or writing failed.
  case inputOutput
  /// Somebody else holds what is needed; try again later.
  case busy
  /// Interrupted by the user.
  case interrupted
}
