// SPDX-License-Identifier: GPL-3.0-or-later

/// What an organisation wants to have built: a parsed, validated manifest with `extends` and defaults applied.
///
///     rescue.toml ──▶ ManifestReader ──▶ Manifest ──▶ RecoveryPlan
///                       │    ▲
///                       ▼    └── Catalogue (tool files)
///                  [Diagnostic]   every error at once, each with line, column and remedy
///
/// Pure: it takes text and returns values; reading files is its caller's.
public struct Manifest: Sendable, Equatable {
  /// The images in the order of the manifest.
  public var images: [Image]
  /// A repository to take packages from instead of the host's own apt sources (URL or absolute path), or nil.
  public var mirror: String?

  /// Wraps images.
  public init(images: [Image], mirror: String? = nil) {
    self.images = images
    self.mirror = mirror
  }
}

/// The processor architectures, as DaRT names them.
public enum Architecture: String, Sendable, Codable, CaseIterable, Comparable {
  /// Debian amd64.
  case x64
  /// Debian i386.
  case x86

  /// Debian's name.
  public var debian: String { self == .x64 ? "amd64" : "i386" }
  /// x64 before x86.
  public static func < (a: Architecture, b: Architecture) -> Bool { a.rawValue < b.rawValue }
}

/// Who may start a tool at the keyboard.
public enum Access: String, Sendable, Codable, CaseIterable {
  /// Anyone.
  case user
  /// Visible, locked until the help desk is connected.
  case helpdesk
}

/// What a tool can do to the computer.
public enum Risk: String, Sendable, Codable, CaseIterable {
  /// Only reads and shows.
  case safe
  /// May change files or settings on the disk.
  case changesData = "changes-data"
  /// Can make data unrecoverable.
  case destroysData = "destroys-data"
  /// Can show passwords, keys or the contents of protected files.
  case revealsSecrets = "reveals-secrets"
}

/// What a tool cannot work without.
public enum Need: String, Sendable, Codable, CaseIterable {
  /// Lifeboat's own program in the image; it exists for x64 alone.
  case lifeboat
  /// A working network connection.
  case network
  /// The rights of the system administrator of the recovery system.
  case root
  /// A Windows installation on a disk of the computer.
  case windows
}
