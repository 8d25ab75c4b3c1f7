// SPDX-License-Identifier: GPL-3.0-or-later
import SystemPackage

/// Where the service keeps what is its own, where nobody says otherwise: as systemd gives it (systemd.exec(5)), else where
/// a service of that name would have it.
struct ServicePlaces {
  /// What was said about machines, and the record.
  let state: FilePath
  /// The socket for administrators.
  let admin: FilePath

  init(_ environment: [String: String]) {
    // systemd gives several folders with colons between them; the unit asks for one.
    func folder(_ variable: String, _ standard: FilePath) -> FilePath {
      environment[variable]?.split(separator: ":").first.map { FilePath(String($0)) } ?? standard
    }
    state = folder("STATE_DIRECTORY", "/var/lib/lifeboat")
    admin = folder("RUNTIME_DIRECTORY", "/run/lifeboat").appending("admin.sock")
  }
}
