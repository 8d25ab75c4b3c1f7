// SPDX-License-Identifier: GPL-3.0-or-later
internal import Synchronization
internal import BootSite
internal import NetworkBootPolicy
internal import NetworkBootProtocol

/// What has been counted since the service began.
struct Metrics: Sendable {
  /// DHCP packets of starting computers, by kind and by what was decided.
  var answers: [Answered: Int] = [:]
  /// Questions of started systems, by the word they got.
  var admissions: [String: Int] = [:]
  /// Files that went out, by way.
  var transfers: [TransferMeter.Way: Int] = [:]
  /// Their bytes.
  var bytes: [TransferMeter.Way: Int64] = [:]
  /// When the service began, in seconds of Unix time.
  let start = Timestamp.seconds()

  /// A decision about a kind of client.
  struct Answered: Hashable, Sendable {
    var kind: ClientKind
    var decision: String
  }
}

/// Numbers as Prometheus reads them (text format 0.0.4): names with a unit, counters that end in `_total`.
struct MetricsText {
  private(set) var text = ""

  /// A group of numbers under one name.
  mutating func add(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: Int64)]) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    for sample in samples { text += "\(name)\(sample.labels.isEmpty ? "" : "{\(sample.labels)}") \(sample.value)\n" }
  }

  /// A single number.
  mutating func add(_ name: String, _ type: String, _ help: String, _ value: Int64) {
    add(name, type, help, [("", value)])
  }
}

extension MachineDesk {
  /// All numbers.
  func metrics() -> String {
    let (metrics, counts, waiting, active, set) = state.withLock { state in
      (
        state.metrics, state.register.counts, state.register.waitingCount, state.transfers.values.map(\.way),
        state.set.index.number
      )
    }
    var out = MetricsText()
    out.add(
      "lifeboat_dhcp_answers_total", "counter", "DHCP packets of starting computers, by kind and decision.",
      metrics.answers.sorted { ($0.key.kind.rawValue, $0.key.decision) < ($1.key.kind.rawValue, $1.key.decision) }
        .map { ("kind=\"\($0.key.kind.rawValue)\",decision=\"\($0.key.decision)\"", Int64($0.value)) })
    out.add(
      "lifeboat_admission_answers_total", "counter", "Answers to started systems that asked to go on.",
      ["go", "wait", "restart", "denied"].map { ("answer=\"\($0)\"", Int64(metrics.admissions[$0] ?? 0)) })
    let ways = TransferMeter.Way.allCases
    func label(_ way: TransferMeter.Way) -> String { "protocol=\"\(way.rawValue)\"" }
    out.add(
      "lifeboat_transfers_total", "counter", "Transfers that have ended.",
      ways.map { (label($0), Int64(metrics.transfers[$0] ?? 0)) })
    out.add(
      "lifeboat_transfer_bytes_total", "counter", "Bytes of files that went out in transfers that have ended.",
      ways.map { (label($0), metrics.bytes[$0] ?? 0) })
    out.add(
      "lifeboat_transfers_active", "gauge", "Transfers under way.",
      ways.map { way in (label(way), Int64(active.count { $0 == way })) })
    out.add(
      "lifeboat_refusals_total", "counter", "Requests and packets that were refused.",
      events.refusals.sorted { $0.key.rawValue < $1.key.rawValue }
        .map { ("event=\"\($0.key.rawValue)\"", Int64($0.value)) })
    out.add(
      "lifeboat_machines", "gauge", "Machines that were seen, by where they stand.",
      SeenMachine.Stage.allCases.map { ("stage=\"\($0.rawValue)\"", Int64(counts[$0] ?? 0)) })
    out.add("lifeboat_machines_pending", "gauge", "Machines that wait to be approved.", Int64(waiting))
    out.add("lifeboat_set_number", "gauge", "The set that is served.", Int64(set))
    out.add("process_start_time_seconds", "gauge", "When the service began, in Unix time.", metrics.start)
    return out.text
  }
}
