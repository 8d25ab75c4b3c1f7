// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBoot

/// What the running service says: one line for each event on standard output.
struct ServiceLog: Sendable {
  private let console: Console
  private let json: Bool

  init(_ console: Console, json: Bool) {
    self.console = console
    self.json = json
  }

  /// What is said when all ports are open.
  func begin(_ plan: ServicePlan) {
    if json {
      try? console.printJSONLine(plan)
    } else {
      plan.lines.forEach(console.print)
      console.print("ready")
    }
  }

  /// One line.
  func tell(_ event: ServiceEvent) {
    let time = Timestamp.now()
    guard json else { return console.print("\(time) \(event.line)") }
    try? console.printJSONLine(Timed(event, at: time))
  }

  /// What is said at the end.
  func end() { if !json { console.print("ended") } }
}

extension ServicePlan {
  /// The plan for people.
  var lines: [String] {
    let trust = signedBy.map { "signed by \($0)" } ?? "not signed: anybody who can write there decides what is started"
    var lines = ["site \(site), set \(set), \(trust)", "image \(image)"]
    lines.append("started computers look for the rest at \(servers.joined(separator: ", "))")
    if let complaint { lines.append("take care: \(complaint)") }
    lines += policy.map { "policy: \($0)" }
    lines += interfaces.map { interface in
      "interface \(interface.name), address \(interface.address) in \(interface.subnet)"
        + (interface.pool.map { ", gives \($0)" } ?? "")
    }
    if interfaces.isEmpty { lines.append("no network interface has an IPv4 address yet") }
    lines += ports.map { "port \($0.transport) \($0.number): \($0.purpose)" }
    lines += wires.flatMap(\.lines) + clients.flatMap(\.lines)
    lines += objects.map { "object \($0.name), \($0.size), \($0.type), sha256 \($0.digest.short)" }
    for settings in settings {
      for text in settings.texts {
        lines.append("For \(text.server), on the wire of \(settings.interface):")
        lines += text.lines.map { "  \($0)" }
      }
    }
    return lines
  }
}

extension ServicePlan.Client {
  /// A kind of client for people.
  var lines: [String] { ["\(title): \(verdict)"] + ([answer, reason] + notes).map { "  \($0)" } }
}

/// What `--check` has found.
struct CheckedWires: Encodable {
  var clients: [ServicePlan.Client]
  var wires: [WireReport]
  /// Where started computers look for the rest of the image, and what is wrong with that.
  var servers: [String]
  var complaint: String?

  init(_ plan: ServicePlan) {
    (clients, wires, servers, complaint) = (plan.clients, plan.wires, plan.servers, plan.complaint)
  }

  /// For people.
  var lines: [String] {
    ["started computers look for the rest at \(servers.joined(separator: ", "))"]
      + (complaint.map { ["take care: \($0)"] } ?? []) + wires.flatMap { $0.lines } + clients.flatMap(\.lines)
  }
}
