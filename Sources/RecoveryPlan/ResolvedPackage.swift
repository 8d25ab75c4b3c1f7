// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import RecoveryManifest

/// A Debian package in one exact version, as the archive's signed indexes name it.
public struct ResolvedPackage: Sendable, Hashable, Codable, Comparable {
  /// Package name, such as `nwipe`.
  public var name: String
  /// Debian version, such as `0.34-1+b1`.
  public var version: String
  /// File name in the archive, such as `nwipe_0.34-1+b1_amd64.deb`.
  public var file: String
  /// Size of that file.
  public var size: ByteCount
  /// Digest of that file.
  public var sha256: Digest

  /// Names a package version.
  public init(name: String, version: String, file: String, size: ByteCount, sha256: Digest) {
    self.name = name
    self.version = version
    self.file = file
    self.size = size
    self.sha256 = sha256
  }

  /// Orders by file name.
  public static func < (a: ResolvedPackage, b: ResolvedPackage) -> Bool { a.file < b.file }
}

/// What a stack of layers asks of the archive: the packages of each layer by name, bottom first.
public struct LayerStack: Sendable, Hashable {
  /// Debian release.
  public var release: String
  /// For this architecture.
  public var architecture: Architecture
  /// The names asked for by each layer; the first is the base.
  public var requests: [[String]]

  /// Whether it is a system from its base on, and not boot loaders alone.
  public var isSystem: Bool { requests[0] == SystemRecipe.basePackages(architecture) }

  /// Names a stack.
  public init(release: String, architecture: Architecture, requests: [[String]]) {
    self.release = release
    self.architecture = architecture
    self.requests = requests
  }
}

/// The archive's answer to a `LayerStack`: what each layer adds to those below it, with all dependencies.
public struct ResolvedStack: Sendable, Equatable {
  /// One sorted list for each layer, bottom first.
  public var layers: [[ResolvedPackage]]

  /// Wraps the lists.
  public init(layers: [[ResolvedPackage]]) { self.layers = layers }
}
