// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import FlashMedia
import HostSystem
import SystemPackage

/// What is about to be written, and where.
struct FlashPlan {
  let image: OpenedSource
  let mode: FlashSession.Mode
  let selections: [TargetSelection]

  var drives: [Drive] { selections.map(\.drive) }

  /// A script has to name drives by what no other drive is called; a loop device is a file that was named anyway.
  /// - Throws: `WriteFailure.notAnIdentity`.
  func requireIdentities() throws(WriteFailure) {
    for selection in selections where !selection.isIdentity && selection.drive.kind != .loop {
      throw .notAnIdentity(
        path: selection.drive.path, name: selection.name.rawValue,
        identity: selection.drive.identity.serial ?? selection.drive.identity.wwn)
    }
  }

  /// The plan for a person to read.
  var text: String {
    let size = image.size.map { ", \($0)" } ?? ""
    let packed = image.format == .raw ? "" : ", \(image.format.rawValue)"
    var lines = ["\(verb) \(image.image)\(size)\(packed)"]
    lines += [(image.blockMap, "block map"), (image.checksum, "checksum")].compactMap { file, what in
      file.map { "  with the \(what) \($0)" }
    }
    let rows = drives.map { drive in
      [
        "  " + drive.path, drive.identity.model, drive.identity.serial ?? "no serial number", drive.size.description,
        drive.contents.summary,
      ]
    }
    let warning = mode == .verifyOnly ? [] : ["Everything on \(drives.count == 1 ? "it" : "them") will be lost."]
    return (lines + [Columns.text(rows)] + (mode == .update ? [] : warning)).joined(separator: "\n")
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
