// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// What is about to be written, and where.
struct FlashPlan {
  let image: OpenedSource
  let mode: FlashSession.Mode
  var data: DataPartition?
  let selections: [TargetSelection]

  var drives: [Drive] { selections.map(\.drive) }

  /// A script has to name every drive by its identity.
  /// - Throws: `WriteFailure.notAnIdentity`.
  func requireIdentities() throws(WriteFailure) {
    for selection in selections { try selection.requireIdentity() }
  }

  /// The plan for a person to read.
  var text: String {
    let size = image.size.map { ", \($0)" } ?? ""
    let packed = image.format == .raw ? "" : ", \(image.format.rawValue)"
    var lines = ["\(verb) \(image.image)\(size)\(packed)"]
    lines += [(image.blockMap, "block map"), (image.checksum, "checksum")].compactMap { file, what in
      file.map { "  with the \(what) \($0)" }
    }
    let rows = drives.map { $0.planCells + [dataCell($0)].compactMap(\.self) }
    return (lines + [Columns.text(rows)] + warnings).joined(separator: "\n")
  }

  private var warnings: [String] {
    guard mode == .write || mode == .writeWithoutVerifying else { return [] }
    let lost = drives.flatMap { drive in
      drive.contents.partitions.filter(\.isData).map { "\(drive.path) (\($0.words))" }
    }
    let too = lost.isEmpty ? "" : ", including what was saved in the data partition of \(lost.joined(separator: ", "))"
    return ["Everything on \(drives.count == 1 ? "it" : "them") will be lost\(too)."]
  }

  /// What becomes of a drive's data partition.
  private func dataCell(_ drive: Drive) -> String? {
    if mode == .update, let kept = drive.contents.partitions.first(where: \.isData) { return "keeps \(kept.words)" }
    guard let data, let size = image.size, let range = DataPartition.range(behind: size, on: drive.size) else {
      return nil
    }
    return "+ \(range.length) \(data.words)"
  }

  private var verb: String {
    switch mode {
    case .write: "write and verify"
    case .writeWithoutVerifying: "write, without verifying,"
    case .update: "update to"
    case .verifyOnly: "compare with"
    }
  }
}

extension TargetSelection {
  /// A script has to name a drive by what no other is called; a loop device is a file that was named anyway.
  /// - Throws: `WriteFailure.notAnIdentity`.
  func requireIdentity() throws(WriteFailure) {
    guard !isIdentity, drive.kind != .loop else { return }
    throw .notAnIdentity(
      path: drive.path, name: name.rawValue, identity: drive.identity.serial ?? drive.identity.wwn)
  }
}

extension Drive.Partition {
  /// Its size and what is in it: `30.2 GB exfat "LIFEBOAT"`.
  var words: String { "\(size) \(summary)" }
}

extension DataPartition {
  /// What is in it: `exfat "LIFEBOAT"`.
  var words: String { "\(fileSystem.rawValue) \"\(label)\"" }
}

extension Drive {
  /// Its cells in a plan.
  var planCells: [String] {
    ["  " + path, identity.model, identity.serial ?? "no serial number", size.description, contents.summary]
  }
}
