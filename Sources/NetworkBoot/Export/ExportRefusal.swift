// SPDX-License-Identifier: GPL-3.0-or-later
public import SystemPackage

/// Why nothing is exported.
public enum ExportRefusal: Sendable, Equatable {
  /// Computers that start from the set would ask elsewhere.
  case serverNotBuiltIn(String, servers: [String])
  /// The folder holds what no export wrote, or what was changed since.
  case folderTaken(FilePath, names: [String])

  var code: String {
    switch self {
    case .serverNotBuiltIn: "server-not-built-in"
    case .folderTaken: "folder-taken"
    }
  }

  var message: String {
    switch self {
    case .serverNotBuiltIn(let server, let servers):
      "the initrds of this set fetch their layers from \(servers.joined(separator: ", ")), which is built into them;"
        + " nobody would ask \(server)"
    case .folderTaken(let folder, let names):
      "\(folder) holds what no export wrote, or what was changed since: \(names.prefix(4).joined(separator: ", "))"
        + (names.count > 4 ? " and \(names.count - 4) more" : "")
    }
  }

  var remedy: String {
    switch self {
    case .serverNotBuiltIn: "Publish all images again with this server, or export for one of those servers."
    case .folderTaken: "Choose another folder, or move away what is yours."
    }
  }
}
