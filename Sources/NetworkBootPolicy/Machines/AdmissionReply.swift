// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// What a started system reads when it asks whether it may go on; its initrd looks at the first word.
public enum AdmissionReply: Sendable, Hashable {
  /// Load the layers.
  case go
  /// Show the number, and ask again in a few seconds.
  case wait(number: Int)
  /// Restart: another image is assigned.
  case restart(image: String)
  /// Stop.
  case denied(reason: String)

  init(_ verdict: AdmissionVerdict, number: Int?, restarts: Int) {
    switch (verdict, number) {
    case (.wait, let number?): self = .wait(number: number)
    case (.go, _): self = .go
    case (.restart(let image), _) where restarts < MachineRegister.mostRestarts: self = .restart(image: image)
    case (.restart(let image), _):
      self = .denied(reason: "its image is \"\(image)\", and \(restarts) restarts did not bring it there")
    case (.denied(let reason), _): self = .denied(reason: reason.message)
    case (.wait, nil): self = .denied(reason: "too many wait")
    }
  }

  /// The line.
  public var line: String {
    switch self {
    case .go: "go"
    case .wait(let number): "wait \(number)"
    case .restart: "restart"
    case .denied: "denied"
    }
  }

  /// The first word, for counting.
  public var word: String { String(line.prefix { $0 != " " }) }

  /// Why it is turned away.
  public var reason: String? { if case .denied(let reason) = self { reason } else { nil } }

  func stage(after stage: SeenMachine.Stage) -> SeenMachine.Stage {
    switch self {
    case .go: stage == .ready ? .ready : .fetching
    case .wait: .waiting
    case .restart: .restarting
    case .denied: .denied
    }
  }
}
