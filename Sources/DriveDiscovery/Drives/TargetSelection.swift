// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// A drive that somebody has named, and by what.
public struct TargetSelection: Hashable, Sendable {
  /// The drive.
  public var drive: Drive
  /// By what it was named.
  public var name: Name

  /// What can name a drive.
  public enum Name: String, Sendable, Hashable, Codable {
    /// `/dev/sdb`: whatever is plugged in there now.
    case path
    /// `/dev/disk/by-path/…`: whatever is plugged into that socket.
    case port
    /// `/dev/disk/by-id/…`: one drive of the world.
    case stableName
    /// Its serial number.
    case serial
    /// Its World Wide Name.
    case wwn
    /// Its model, which no other drive here has.
    case model
  }

  /// Whether the name means this drive and no other, on any day: what a script has to give.
  public var isIdentity: Bool {
    switch name {
    case .stableName, .serial, .wwn: true
    case .path, .port, .model: false
    }
  }
}

extension DriveSurvey {
  /// Finds the drive that a person or a script means: by path, stable name, serial number, World Wide Name or model.
  /// - Throws: `noSuchDrive` with what is similar, `severalDrives`, `isPartition`.
  public func select(_ text: String) throws(DriveDiscoveryFailure) -> TargetSelection {
    let wanted = trimmed(text)
    guard !wanted.isEmpty else { throw .noSuchDrive(wanted: "\"\"", near: []) }
    if wanted.hasPrefix("/") { return try atPath(wanted) }
    let ways: [(TargetSelection.Name, (Drive) -> Bool)] = [
      (.stableName, { drive in drive.stableNames.contains { $0.hasSuffix("/by-id/" + wanted) } }),
      (.serial, { drive in drive.identity.serial.map { same($0, wanted) } ?? false }),
      (.wwn, { drive in drive.identity.wwn.map { same(bare($0), bare(wanted)) } ?? false }),
      (.model, { drive in drive.names(wanted) }),
      (.path, { drive in drive.path == "/dev/" + wanted }),
    ]
    for (name, isMeant) in ways {
      var found = drives.filter(isMeant)
      // Of a reader's slots, the one with a card is meant.
      if found.count > 1, found.contains(where: { $0.size > .zero }) { found.removeAll { $0.size <= .zero } }
      if found.count > 1 { throw .severalDrives(wanted: wanted, drives: found.map(\.label)) }
      if let drive = found.first { return TargetSelection(drive: drive, name: name) }
    }
    throw .noSuchDrive(wanted: wanted, near: near(wanted))
  }

  private func atPath(_ path: String) throws(DriveDiscoveryFailure) -> TargetSelection {
    if let drive = drives.first(where: { $0.path == path }) { return TargetSelection(drive: drive, name: .path) }
    if let drive = drives.first(where: { $0.stableNames.contains(path) }) {
      return TargetSelection(drive: drive, name: path.hasPrefix("/dev/disk/by-id/") ? .stableName : .port)
    }
    guard let device = DeviceGraph(machine).device(at: path) else {
      throw .noSuchDrive(wanted: path, near: near(path.split(separator: "/").last.map(String.init) ?? path))
    }
    if let disk = device.partition?.disk { throw .isPartition(wanted: path, drive: "/dev/" + disk) }
    // Another name of a device of software, such as /dev/mapper/NAME.
    guard let drive = drives.first(where: { $0.path == device.path }) else {
      throw .noSuchDrive(wanted: path, near: [])
    }
    return TargetSelection(drive: drive, name: .path)
  }

  /// Candidates whose path, serial number or model shares something with what was typed; all, if none does.
  private func near(_ wanted: String) -> [String] {
    let candidates = drives.filter(\.isCandidate)
    let lowered = wanted.lowercased()
    let similar = candidates.filter { drive in
      [drive.path, drive.identity.serial, drive.identity.wwn, drive.identity.model].compactMap { $0?.lowercased() }
        .contains { known in
          known.contains(lowered) || !known.isEmpty && lowered.contains(known) || known.commonStart(with: lowered) >= 4
        }
    }
    return (similar.isEmpty ? candidates : similar).map(\.label)
  }
}

extension Drive {
  /// What a person can type to show that this drive is meant: its serial number or its model, its port if it has
  /// neither.
  public var confirmations: [String] {
    let names = [identity.serial, identity.model].compactMap { $0 }.filter { !$0.isEmpty }
    return names.isEmpty ? [identity.port] : names
  }

  /// Whether what was typed is the drive's serial number or model, whatever the case and the number of spaces.
  public func matches(confirmation: String) -> Bool { confirmations.contains { same($0, confirmation) } }

  /// `/dev/sdb (SanDisk Ultra, 4C53…, pci-…)`
  package var label: String {
    let words = [identity.model, identity.serial ?? "", identity.port].filter { !$0.isEmpty }
    return "\(path) (\(words.joined(separator: ", ")))"
  }

  /// Whether a text is the model, with or without the maker.
  fileprivate func names(_ text: String) -> Bool {
    guard !identity.model.isEmpty else { return false }
    let words = identity.model.split(separator: " ")
    return same(identity.model, text) || words.count > 1 && same(words.dropFirst().joined(separator: " "), text)
  }
}

private func same(_ a: String, _ b: String) -> Bool {
  let (a, b) = (trimmed(a).lowercased(), trimmed(b).lowercased())
  return !a.isEmpty && a == b
}

/// A World Wide Name without the prefix that tells its sort.
private func bare(_ name: String) -> String {
  for prefix in ["naa.", "eui.", "0x"] where name.lowercased().hasPrefix(prefix) {
    return String(name.dropFirst(prefix.count))
  }
  return name
}

extension String {
  fileprivate func commonStart(with other: String) -> Int { zip(self, other).prefix { $0 == $1 }.count }
}
