// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import NetworkBootPolicy
import NetworkBootProtocol
import RecoveryManifest
import RecoveryPartition
import Signing
import StrictTOML

extension Fuzz {
  private static let catalogue = try? Catalogue.builtIn()

  static func manifest(_ bytes: [UInt8]) {
    guard let catalogue else { return }
    let outcome = ManifestReader.read(bytes: bytes, file: "rescue.toml", catalogue: catalogue)
    precondition(outcome.manifest != nil || !Diagnostic.render(outcome.diagnostics).isEmpty, "refused without a reason")
  }

  static func bootPolicy(_ bytes: [UInt8]) {
    let outcome = BootPolicyReader.read(bytes: bytes, file: "policy.toml", images: ["tier1"])
    guard let policy = outcome.policy else {
      return precondition(!Diagnostic.render(outcome.diagnostics).isEmpty, "refused without a reason")
    }
    var view = ServerView()
    policy.apply(to: &view)
    _ = policy.explanation
  }

  /// The record of a medium, the index of a site, and what a server says of its newest release.
  static func records(_ bytes: [UInt8]) {
    _ = try? MediumRecord(decoding: bytes)
    _ = try? SiteIndex(decoding: bytes)
    _ = try? Release(decoding: bytes)
  }
}
