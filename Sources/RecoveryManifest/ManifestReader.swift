// SPDX-License-Identifier: GPL-3.0-or-later
public import StrictTOML

/// Reads a manifest: text in, values and every diagnostic out; no file, clock or network.
public enum ManifestReader {
  /// Reads and checks a manifest.
  /// - Parameters:
  ///   - text: the manifest.
  ///   - file: how diagnostics name it.
  ///   - catalogue: the tools that images can have.
  /// - Returns: the manifest, or nil where there is an error; and all errors and warnings in the order of the text.
  ///   After a syntax error nothing else is known, so it comes alone; so does a format that is too new.
  public static func read(
    _ text: String, file: String, catalogue: Catalogue
  ) -> (manifest: Manifest?, diagnostics: [Diagnostic]) {
    read(bytes: Array(text.utf8), file: file, catalogue: catalogue)
  }

  /// Reads and checks a manifest as it lies in the file: bytes that are not UTF-8 are a syntax error with a place.
  public static func read(
    bytes: [UInt8], file: String, catalogue: Catalogue
  ) -> (manifest: Manifest?, diagnostics: [Diagnostic]) {
    let (tree, found) = ManifestSchema.format.read(bytes, file: file)
    guard let root = tree else { return (nil, found.sorted) }
    var sink = found
    let ownTools = ownTools(root, catalogue: catalogue, into: &sink)
    var resolver = ImageResolver(
      drafts: root["image"]?.items.map(ImageDraft.init) ?? [],
      defaults: root["defaults"].map(Settings.init) ?? Settings(), toolbox: Toolbox(catalogue, own: ownTools),
      sink: sink)
    let images = resolver.resolve()
    if !resolver.sink.hasErrors { resolver.warn(about: images, own: ownTools) }
    sink = resolver.sink
    guard !sink.hasErrors else { return (nil, sink.sorted) }
    return (Manifest(images: images, mirror: root["mirror"]?.string), sink.sorted)
  }

  /// Reads and checks a manifest.
  /// - Throws: `invalidManifest` with all diagnostics.
  public static func manifest(
    from text: String, file: String, catalogue: Catalogue
  ) throws(ManifestFailure) -> (manifest: Manifest, warnings: [Diagnostic]) {
    let (manifest, diagnostics) = read(text, file: file, catalogue: catalogue)
    guard let manifest else { throw .invalidManifest(diagnostics) }
    return (manifest, diagnostics)
  }

  private static func ownTools(
    _ root: TOMLNode, catalogue: Catalogue, into sink: inout DiagnosticSink
  ) -> [(tool: Tool, position: SourcePosition)] {
    var found: [(tool: Tool, position: SourcePosition)] = []
    var lines: [String: Int] = [:]
    for node in root["tool"]?.items ?? [] {
      guard let id = node["id"]?.located, let tool = Tool(checked: node) else { continue }
      if catalogue[id.value] != nil {
        sink.error(
          .duplicateTool, at: id.position, "\(Printable.quoted(id.value)) is already a tool of the catalogue",
          remedy: "Choose another id.")
      } else if let first = lines[id.value] {
        sink.error(
          .duplicateTool, at: id.position,
          "there are two tools \(Printable.quoted(id.value)); the first is on line \(first)",
          remedy: "Choose another id.")
      } else {
        found.append((tool, id.position))
        lines[id.value] = id.position.line
      }
    }
    return found
  }
}
