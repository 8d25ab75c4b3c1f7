// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import StrictTOML

/// Why there is no policy to work with, or why something cannot be done with a machine.
public enum NetworkBootPolicyFailure: Diagnosable, Equatable {
  /// The policy has errors; all its diagnostics, warnings included, in the order of the text.
  case invalidPolicy([Diagnostic])
  /// What is known of machines is no such file, or damaged.
  case damagedRegister(file: String, reason: String)
  /// No machine is meant by these words.
  case noSuchMachine(String)
  /// No machine that waits has the number.
  case noSuchNumber(Int)
  /// Several machines are meant.
  case severalMachines(String, [String])
  /// Another machine has taken the number's place, or it is in the policy file, whose word counts.
  case saidByFile(machine: String, what: String)
  /// The set has no such image.
  case noSuchImage(String, names: [String])
  /// Nothing more can be kept.
  case registerFull(limit: Int)
}

extension NetworkBootPolicyFailure {
  /// Stable identifier.
  public var code: String {
    switch self {
    case .invalidPolicy: "invalid-policy"
    case .damagedRegister: "damaged-machine-list"
    case .noSuchMachine: "no-such-machine"
    case .noSuchNumber: "no-such-number"
    case .severalMachines: "several-machines"
    case .saidByFile: "said-by-policy-file"
    case .noSuchImage: "no-such-image"
    case .registerFull: "machine-list-full"
    }
  }

  /// What is wrong.
  public var message: String {
    switch self {
    case .invalidPolicy(let diagnostics): Diagnostic.render(diagnostics)
    case .damagedRegister(let file, let reason): "the list of machines in \(file) cannot be used: \(reason)"
    case .noSuchMachine(let words): "no machine is called \(Printable.quoted(words))"
    case .noSuchNumber(let number): "no machine waits with the number \(number)"
    case .severalMachines(let words, let names):
      "\(Printable.quoted(words)) is \(names.count) machines: \(names.prefix(4).joined(separator: ", "))"
    case .saidByFile(let machine, let what): "the policy file says of \(machine) that \(what)"
    case .noSuchImage(let image, let names):
      "the set has no image \(Printable.quoted(image)); it has \(names.joined(separator: ", "))"
    case .registerFull(let limit): "the list already holds \(limit) machines, and has no room for more"
    }
  }

  /// What to do.
  public var remedy: String? {
    switch self {
    case .invalidPolicy: nil
    case .damagedRegister: "Move the file away to begin with an empty list, or correct it; it was left as it is."
    case .noSuchMachine: "Give a number of the list, a MAC such as 52:54:00:12:34:56, or a UUID."
    case .noSuchNumber: "Ask for the number on the screen again, or look at the list of those that wait."
    case .severalMachines: "Give the number or the UUID of one of them."
    case .saidByFile: "Change the policy file; it is read again by itself."
    case .noSuchImage: "Choose one of these images."
    case .registerFull: "Forget some that are gone."
    }
  }

  /// Inputs are wrong.
  public var kind: FailureKind {
    switch self {
    case .invalidPolicy, .damagedRegister: .badInput
    case .registerFull: .systemLimit
    case .noSuchMachine, .noSuchNumber, .severalMachines, .saidByFile, .noSuchImage: .badRequest
    }
  }
}
