// SPDX-License-Identifier: GPL-3.0-or-later

extension Catalogue {
  /// A tool as listings show it; its JSON keys are stable.
  public struct Row: Sendable, Equatable, Codable {
    /// The tool's id.
    public var id: String
    /// What the menu shows.
    public var title: String
    /// One sentence.
    public var summary: String
    /// Its group in the menu.
    public var category: String
    /// `user`, `helpdesk` or `absent`.
    public var access: String
    /// What it can do to the computer.
    public var risk: Risk
    /// What it cannot work without, sorted.
    public var needs: [String]
    /// Debian packages by architecture (`x64`, `x86`).
    public var packages: [String: [String]]
    /// Installed size in KiB of its packages alone, by architecture.
    public var installedKiB: [String: Int]
    /// SPDX expression.
    public var licence: String
    /// The DaRT tool it answers.
    public var dart: String?
    /// Whether the group word `standard` holds it.
    public var standard: Bool

    /// Lists a tool.
    public init(_ tool: Tool, access: Access?) {
      id = tool.id
      title = tool.title
      summary = tool.summary
      category = tool.category
      self.access = access?.rawValue ?? "absent"
      risk = tool.risk
      needs = tool.needs.map(\.rawValue).sorted()
      packages = Dictionary(uniqueKeysWithValues: tool.packages.map { ($0.key.rawValue, $0.value) })
      installedKiB = Dictionary(uniqueKeysWithValues: tool.installedKiB.map { ($0.key.rawValue, $0.value) })
      licence = tool.licence
      dart = tool.dart
      standard = tool.standard
    }
  }

  /// Every tool with its access in an image; without one, in an image that says nothing about tools. The image's own
  /// tools come last.
  public func listing(for image: Image? = nil) -> [Row] {
    guard let image else { return tools.map { Row($0, access: $0.standard ? .user : nil) } }
    let access = Dictionary(image.tools.map { ($0.tool.id, $0.access) }) { first, _ in first }
    let own = image.tools.filter { self[$0.tool.id] == nil }
    return tools.map { Row($0, access: access[$0.id]) } + own.map { Row($0.tool, access: $0.access) }
  }
}
