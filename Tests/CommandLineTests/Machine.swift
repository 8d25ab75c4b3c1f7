// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Foundation
import HostSystem
import SystemPackage
import TestSupport

/// The machines of `Fixtures/machines`.
enum Machine {
  private struct Fixture: Decodable { var machine: MachineDescription }

  /// What stands in one of them.
  static func survey(_ name: String) throws -> DriveSurvey {
    let bytes = try FileTree.bytes(of: Repository.path("Fixtures/machines/\(name).json"))
    return DriveSurvey(try JSONDecoder().decode(Fixture.self, from: Data(bytes)).machine)
  }
}
