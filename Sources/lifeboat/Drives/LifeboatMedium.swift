// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import MediumReading
import Signing
import SystemPackage

/// What a Lifeboat medium says about itself; nothing of it is checked here, that is what `verify` is for.
struct LifeboatMedium: Encodable, Equatable {
  var image: String
  var identifier: String
  /// The version of the Lifeboat that made it.
  var version: String

  /// Reads `lifeboat.json` of a drive; nil where it cannot be read.
  init?(on path: String) {
    guard let reader = try? ISOReader(FilePath(path)), let bytes = try? reader.content(of: MediumRecord.path),
      let record = try? MediumRecord(decoding: bytes)
    else { return nil }
    image = record.image
    identifier = record.identifier
    version = record.lifeboat
  }

  /// In a few words.
  var summary: String { "Lifeboat medium \(image) (\(identifier), by Lifeboat \(version))" }
}
