// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
public import SystemPackage

/// Why an ordinary user does not get a drive from UDisks2, which opens drives for those that polkit allows it.
public enum AccessProblem: Error, Sendable, Hashable {
  /// There is no system bus to ask on.
  case noBus(Errno)
  /// UDisks2 neither runs nor can be started.
  case notInstalled
  /// It has no `OpenDevice`, which came with 2.7.3.
  case tooOld
  /// It does not know the device, or has another one under its name.
  case unknownDevice
  /// polkit refuses it to this user, also after a password.
  case notAllowed(action: String)
  /// polkit wants an administrator's password, and there is nobody to be asked.
  case passwordNeeded(action: String)
  /// The question for the password was closed.
  case dismissed(action: String)
  /// No answer came.
  case noAnswer
  /// It answered with another error.
  case failed(String)
  /// What it opened is not held alone, or not for reading and writing.
  case notHeld
}

extension AccessProblem {
  /// polkit's name of what is asked for.
  public static let action = "org.freedesktop.udisks2.open-device"
  /// The same, for drives that UDisks2 takes for built-in ones.
  public static let systemAction = "org.freedesktop.udisks2.open-device-system"

  var code: String {
    switch self {
    case .noBus: "no-system-bus"
    case .notInstalled: "udisks-missing"
    case .tooOld: "udisks-too-old"
    case .unknownDevice: "udisks-unknown-device"
    case .notAllowed: "not-authorized"
    case .passwordNeeded: "password-needed"
    case .dismissed: "password-dismissed"
    case .noAnswer: "udisks-no-answer"
    case .failed: "udisks-failed"
    case .notHeld: "not-held"
    }
  }

  var text: String {
    switch self {
    case .noBus(let errno): "there is no system bus to reach UDisks2 on: \(errno)"
    case .notInstalled: "UDisks2, which could open it, is not installed or cannot be started"
    case .tooOld: "UDisks2, which could open it, is older than 2.7.3"
    case .unknownDevice: "UDisks2, which could open it, does not know it"
    case .notAllowed(let action): "polkit does not allow it either (\(action))"
    case .passwordNeeded(let action):
      "polkit wants an administrator's password for it (\(action)), and there is nobody to ask"
    case .dismissed(let action): "the question for an administrator's password (\(action)) was not answered"
    case .noAnswer: "UDisks2, which could open it, does not answer"
    case .failed(let text): "UDisks2 could not open it either: \(text)"
    case .notHeld: "UDisks2 did not open it for this program alone"
    }
  }

  var remedy: String {
    switch self {
    case .noBus: "Install and start them, apt-get install dbus udisks2, or run the command as root."
    case .notInstalled: "Install it, apt-get install udisks2, or run the command as root."
    case .tooOld: "Update udisks2, or run the command as root."
    case .unknownDevice: "Plug it in again, see whether \"udisksctl status\" lists it, or run the command as root."
    case .notAllowed(let action):
      "Ask the administrator for a polkit rule that allows \(action) to you, or run the command as root."
    case .passwordNeeded(let action):
      "Run it on a terminal, with the package polkitd installed; or let the administrator allow you \(action) by a polkit rule; or run it as root."
    case .dismissed: "Start it again and give the password, or run the command as root."
    case .noAnswer: "Restart it, systemctl restart udisks2, or run the command as root."
    case .failed: "Look for the reason with \"journalctl -u udisks2\", or run the command as root."
    case .notHeld: "Update udisks2, or run the command as root."
    }
  }

  var kind: FailureKind {
    switch self {
    case .noBus, .notInstalled, .tooOld, .noAnswer, .failed: .unavailable
    case .notAllowed, .passwordNeeded, .dismissed, .notHeld: .systemLimit
    case .unknownDevice: .refusedTarget
    }
  }
}
