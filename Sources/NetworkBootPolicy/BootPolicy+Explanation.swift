// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

extension BootPolicy {
  /// What holds, a sentence each, in the order in which it is looked at.
  public var explanation: [String] {
    var lines: [String] = []
    for machine in machines {
      let name = machine.name.map { "\($0) (\(machine.known.match.words))" } ?? machine.known.match.words
      let image = machine.known.image.map { ", image \($0)" } ?? ""
      lines.append("The machine \(name) is \(machine.known.standing.rawValue)\(image).")
    }
    for rule in places { lines.append("\(rule.place.words): \(Self.words(rule.policy, rule.delay))") }
    lines.append("\(places.isEmpty ? "Everywhere" : "Everywhere else"): \(Self.words(answer, delay))")
    for assignment in assignments {
      let kinds = assignment.kinds.map { $0.map(\.rawValue).sorted().joined(separator: ", ") }
      let place = assignment.place == Place() ? nil : assignment.place.words
      let who = [assignment.match?.words, place, kinds].compactMap(\.self).joined(separator: "; ")
      lines.append("Image \(assignment.image): \(who).")
    }
    lines.append("Administrators: root, the service's user\(adminGroup.map { ", the group \($0)" } ?? "").")
    return lines
  }

  private static func words(_ answer: PolicyRule.Policy, _ delay: Duration) -> String {
    let who =
      switch answer {
      case .none: "nobody is answered"
      case .known: "known machines are answered"
      case .approve: "everybody is answered, and waits until somebody approves the machine"
      case .all: "everybody is answered"
      }
    return who + (delay > .zero ? ", after \(delay.components.seconds) s." : ".")
  }
}

extension Place {
  /// `interface eth1, subnet 10.66.7.0/24`.
  var words: String {
    [interface.map { "interface \($0)" }, subnet.map { "subnet \($0)" }, relay.map { "relay \($0)" }]
      .compactMap(\.self).joined(separator: ", ")
  }
}
