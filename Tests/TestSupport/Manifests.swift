// SPDX-License-Identifier: GPL-3.0-or-later

/// Manifests as small as they can be.
public enum Manifests {
  /// One image, for x64, with one own tool of one small package.
  /// - Parameters:
  ///   - mirror: as TOML, with its quotes.
  ///   - more: lines for the image.
  public static func aid(title: String = "First aid", mirror: String? = nil, more: [String] = []) -> String {
    """
    lifeboat = 1
    \(mirror.map { "mirror = \($0)" } ?? "")

    [[image]]
    name = "aid"
    title = "\(title)"
    architectures = ["x64"]
    \(more.joined(separator: "\n"))
    [image.tools]
    user = ["meter"]

    \(meter)
    """
  }

  /// The tool of `aid`.
  public static let meter = """
    [[tool]]
    id = "meter"
    title = "Meter"
    summary = "Shows how fast data moves."
    category = "files"
    packages = ["pv"]
    command = "pv --help"
    risk = "safe"
    licence = "Artistic-2.0"

    """
}
