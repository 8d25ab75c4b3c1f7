// SPDX-License-Identifier: GPL-3.0-or-later

/// One recovery tool: an entry of the catalogue, or of the manifest's own `[[tool]]`.
public struct Tool: Sendable, Equatable {
  /// Unique, `[a-z0-9-]+`.
  public var id: String
  /// What the menu shows.
  public var title: String
  /// One sentence.
  public var summary: String
  /// Groups tools in the menu, such as `disks`.
  public var category: String
  /// Debian packages per architecture; an architecture that is absent here cannot have the tool.
  public var packages: [Architecture: [String]]
  /// The POSIX sh command line that the menu starts.
  public var command: String
  /// What its end means, in words for people: by exit status (`2`), or by a bit of it that is set (`bit 3`).
  public var results: [String: String]
  /// What it can do to the computer.
  public var risk: Risk
  /// What the tool cannot work without.
  public var needs: Set<Need>
  /// Installed size in KiB of its packages alone, per architecture.
  public var installedKiB: [Architecture: Int]
  /// SPDX expression of its main program.
  public var licence: String
  /// The DaRT tool it answers, or nil.
  public var dart: String?
  /// Whether the group `standard` holds it; the group `all` holds every tool of the catalogue.
  public var standard: Bool

  /// Wraps the values as they are; `ManifestReader` and `Catalogue` are what validates them.
  public init(
    id: String, title: String, summary: String, category: String, packages: [Architecture: [String]], command: String,
    results: [String: String] = [:], risk: Risk, needs: Set<Need> = [], installedKiB: [Architecture: Int] = [:],
    licence: String = "",
    dart: String? = nil,
    standard: Bool = false
  ) {
    self.id = id
    self.title = title
    self.summary = summary
    self.category = category
    self.packages = packages
    self.command = command
    self.results = results
    self.risk = risk
    self.needs = needs
    self.installedKiB = installedKiB
    self.licence = licence
    self.dart = dart
    self.standard = standard
  }

  /// Whether an image of that architecture can have it.
  public func exists(on architecture: Architecture) -> Bool {
    packages[architecture] != nil && (architecture == .x64 || !needs.contains(.lifeboat))
  }
}
