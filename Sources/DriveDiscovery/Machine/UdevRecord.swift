// SPDX-License-Identifier: GPL-3.0-or-later

/// udev's record of a device, `/run/udev/data/b8:16`: everybody may read it, unlike the device.
struct UdevRecord: Equatable {
  /// Names below `/dev`.
  var links: [String] = []
  /// Its properties.
  var properties: [String: String] = [:]
  /// Whether udev has finished with the device: what it has not found by then is not there.
  var isComplete = false

  /// Reads the record's text: a line each, with a letter for its sort.
  init(_ text: String) {
    for line in text.split(separator: "\n") {
      if line.hasPrefix("I:") { isComplete = true }
      if line.hasPrefix("S:") { links.append(String(line.dropFirst(2))) }
      guard line.hasPrefix("E:") else { continue }
      let parts = line.dropFirst(2).split(separator: "=", maxSplits: 1)
      if parts.count == 2 { properties[String(parts[0])] = unescaped(parts[1]) }
    }
    links.sort()
  }

  /// What udev has seen on the device.
  var probe: Probe {
    let label = properties["ID_FS_LABEL_ENC"] ?? properties["ID_FS_LABEL"]
    let signature = properties["ID_FS_TYPE"].map {
      Probe.Signature(type: $0, usage: properties["ID_FS_USAGE"], label: label, uuid: properties["ID_FS_UUID"])
    }
    return Probe(
      source: .udev, signatures: signature.map { [$0] } ?? [],
      table: properties["ID_PART_TABLE_TYPE"].map { Probe.Table(type: $0, uuid: properties["ID_PART_TABLE_UUID"]) },
      isAmbivalent: properties["ID_FS_AMBIVALENT"] != nil)
  }

  /// Properties that end in `_ENC` have unusual characters as `\x20`.
  private func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.first {
      let digits = rest.dropFirst(2).prefix(2)
      if rest.starts(with: Array("\\x".utf8)), digits.count == 2,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(code)
        rest = rest.dropFirst(4)
      } else {
        bytes.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
