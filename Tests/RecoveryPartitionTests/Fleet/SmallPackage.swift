// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

extension FleetPackage {
  /// What packages are made of.
  static let templates = Repository.path("Sources/RecoveryPartition/Resources/fleet")

  /// Of a medium with hardly anything in it.
  static func small(version: String? = "2026.11") async throws -> FleetPackage {
    let medium = try await SmallMedia.shared.iso()
    let set = try await RecoverySet(medium, key: nil) { _ in }
    return try FleetPackage(set, from: medium, version: version, templates: templates)
  }
}
