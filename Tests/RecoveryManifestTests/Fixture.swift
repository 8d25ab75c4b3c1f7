// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import StrictTOML
import Testing

@testable import RecoveryManifest

/// The manifests under `Fixtures/manifests` and the built-in catalogue, as tests want them.
enum Fixture {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Fixtures/manifests")

  static func text(_ path: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
  }

  /// Names in `bad/`, without their extension.
  static let badNames: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("bad").path)) ?? []
    return names.filter { $0.hasSuffix(".toml") }.map { String($0.dropLast(5)) }.sorted()
  }()

  static let catalogue = Result { try Catalogue.builtIn() }

  static func read(
    _ text: String, _ catalogue: Catalogue? = nil
  ) throws -> (manifest: Manifest?, diagnostics: [Diagnostic]) {
    let catalogue = try catalogue ?? Self.catalogue.get()
    return ManifestReader.read(text, file: "test.toml", catalogue: catalogue)
  }

  /// The images of a manifest that must be right.
  static func images(_ text: String, _ catalogue: Catalogue? = nil) throws -> [Image] {
    let (manifest, diagnostics) = try read(text, catalogue)
    #expect(diagnostics.isEmpty, "\(Diagnostic.render(diagnostics))")
    return try #require(manifest).images
  }

  /// A catalogue small enough to reason about: `a` and `b` standard, `c` not, `d` for x64 alone.
  static let small = Catalogue(tools: [
    tool("a", standard: true), tool("b", standard: true), tool("c"), tool("d", only: [.x64]),
  ])

  private static func tool(
    _ id: String, standard: Bool = false, only: [Architecture] = Architecture.allCases
  ) -> Tool {
    Tool(
      id: id, title: id.uppercased(), summary: id, category: "disks",
      packages: Dictionary(uniqueKeysWithValues: only.map { ($0, ["package-" + id]) }), command: id, risk: .safe,
      standard: standard)
  }
}
