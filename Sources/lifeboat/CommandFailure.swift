// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage

/// What only the command itself can refuse.
enum CommandFailure: Diagnosable, Equatable {
  /// `init` would write over something.
  case manifestExists(FilePath)
  /// No image of the manifest has this name.
  case noSuchImage(name: String, names: [String])

  var code: String {
    switch self {
    case .manifestExists: "manifest-exists"
    case .noSuchImage: "no-such-image"
    }
  }

  var message: String {
    switch self {
    case .manifestExists(let path): "\(path) already exists; init never overwrites"
    case .noSuchImage(let name, let names):
      "the manifest has no image \"\(name)\"; it has \(names.joined(separator: ", "))"
    }
  }

  var remedy: String? {
    switch self {
    case .manifestExists: "Give another file name, or move that file away first."
    case .noSuchImage: "Choose one of these images."
    }
  }

  var kind: FailureKind {
    switch self {
    case .manifestExists: .cannotCreate
    case .noSuchImage: .badRequest
    }
  }
}
