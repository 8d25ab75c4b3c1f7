// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import StrictTOML

/// Why there is no manifest or no catalogue to work with.
public enum ManifestFailure: Diagnosable, Equatable {
  /// The manifest has errors; all its diagnostics, warnings included, in the order of the text.
  case invalidManifest([Diagnostic])
  /// Files of the catalogue have errors.
  case invalidCatalogue([Diagnostic])
  /// The catalogue's own files cannot be read.
  case catalogueUnreadable(reason: String)

  /// Stable identifier.
  public var code: String {
    switch self {
    case .invalidManifest: "invalid-manifest"
    case .invalidCatalogue: "invalid-catalogue"
    case .catalogueUnreadable: "catalogue-unreadable"
    }
  }

  /// Every diagnostic as compilers write it.
  public var message: String {
    switch self {
    case .invalidManifest(let diagnostics), .invalidCatalogue(let diagnostics): Diagnostic.render(diagnostics)
    case .catalogueUnreadable(let reason): "the catalogue of tools cannot be read: \(reason)"
    }
  }

  /// The diagnostics carry their own remedies.
  public var remedy: String? {
    switch self {
    case .invalidManifest: nil
    case .invalidCatalogue, .catalogueUnreadable: "Install Lifeboat again with: make install"
    }
  }

  /// The user's manifest is bad input; the catalogue is Lifeboat's own.
  public var kind: FailureKind {
    switch self {
    case .invalidManifest: .badInput
    case .invalidCatalogue, .catalogueUnreadable: .defect
    }
  }
}
