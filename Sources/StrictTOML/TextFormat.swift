// SPDX-License-Identifier: GPL-3.0-or-later

/// A file format for people: TOML whose keys are all known, described once.
///
///     bytes ──▶ TextFormat.read ──▶ tree of values ──▶ the format's own reader
///                     │ TOMLDocument, ShapeChecker
///                     ▼
///                [Diagnostic]   every error at once, each with line, column and remedy
///
/// From the same description follow the JSON Schema for editors and the reference in Markdown.
package struct TextFormat: Sendable {
  /// What such a file is called: `manifest`.
  package var noun: String
  /// The key of the top level that has the format's version.
  package var versionKey: String
  /// The newest version that this Lifeboat reads.
  package var version: Int
  /// The whole file.
  package var root: TableShape

  package init(noun: String, versionKey: String, version: Int, root: TableShape) {
    (self.noun, self.versionKey, self.version, self.root) = (noun, versionKey, version, root)
  }

  /// Such files are written by people; what is longer than this (in bytes) is some other file.
  package static let longest = 1 << 20

  /// Reads a text and holds it against the description.
  /// - Returns: the values, nil where nothing more can be said: no TOML, or a newer format; and what was found. With
  ///   errors the tree has values of wrong kinds and lacks others.
  package func read(_ bytes: [UInt8], file: String) -> (root: TOMLNode?, sink: DiagnosticSink) {
    var sink = DiagnosticSink(file: file, text: String(decoding: bytes, as: UTF8.self))
    guard let tree = TOMLNode.parse(bytes, as: noun, into: &sink), isReadable(tree, into: &sink) else {
      return (nil, sink)
    }
    var checker = ShapeChecker(sink: sink, root: root)
    checker.check(tree, is: root)
    return (tree, checker.sink)
  }

  /// A newer format may give every key another meaning, so nothing else of it is judged.
  private func isReadable(_ tree: TOMLNode, into sink: inout DiagnosticSink) -> Bool {
    guard let node = tree[versionKey], let found = node.integer, found > version else { return true }
    sink.error(
      .unsupportedVersion, at: node.position,
      "the \(noun) has format \(found); this Lifeboat reads format \(version)",
      remedy: "Install a newer Lifeboat, or write the \(noun) in format \(version).")
    return false
  }
}
