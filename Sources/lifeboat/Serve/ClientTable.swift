// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBoot

/// Computers as columns.
struct ClientTable {
  /// The header and a line for each, or one sentence.
  let lines: [String]

  init(_ machines: [MachineReport]) {
    guard !machines.isEmpty else {
      lines = ["no computer has asked yet"]
      return
    }
    let rows =
      [["NUMBER", "MAC", "UUID", "KIND", "STANDING", "STAGE", "IMAGE", "ADDRESS", "TAKEN", "RATE", "SEEN", "NAME"]]
      + machines.map(Self.row)
    // What nobody has is left out.
    let columns = rows[0].indices.filter { column in rows.dropFirst().contains { $0[column] != "-" } }
    let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
    lines = rows.map { row in
      let cells = zip(columns, widths).map { column, width in
        row[column] + String(repeating: " ", count: width - row[column].count)
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }

  private static func row(_ machine: MachineReport) -> [String] {
    [
      machine.number.map(String.init), machine.mac, machine.uuid, machine.title, machine.standing, machine.stage,
      machine.image, machine.address, machine.bytes > 0 ? "\(ByteCount(machine.bytes))" : nil,
      machine.rate > 0 ? "\(ByteCount(machine.rate))/s" : nil, machine.age.map(Self.ago), machine.name,
    ].map { $0 ?? "-" }
  }

  private static func ago(_ seconds: Int64) -> String { "\(Duration.seconds(max(0, seconds)).forPeople) ago" }
}
