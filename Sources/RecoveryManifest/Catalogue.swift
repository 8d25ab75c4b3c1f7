// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import StrictTOML
internal import SystemPackage

/// The tools that Lifeboat knows: data files, one per tool.
public struct Catalogue: Sendable, Equatable {
  /// In the order of the menu: by category, then by id.
  public let tools: [Tool]

  /// Wraps tools, sorting them.
  public init(tools: [Tool]) {
    let rank = Dictionary(uniqueKeysWithValues: ManifestSchema.categories.enumerated().map { ($1, $0) })
    self.tools = tools.sorted {
      (rank[$0.category] ?? rank.count, $0.id) < (rank[$1.category] ?? rank.count, $1.id)
    }
  }

  /// The tool of an id, or nil.
  public subscript(id: String) -> Tool? { tools.first { $0.id == id } }

  /// Reads tool files; pure.
  /// - Parameter files: `name` is the file's name with or without folders, `text` its contents.
  /// - Throws: `invalidCatalogue` with every error of every file.
  public static func read(files: [(name: String, text: String)]) throws(ManifestFailure) -> Catalogue {
    var tools: [Tool] = []
    var diagnostics: [Diagnostic] = []
    for file in files {
      let (tool, found) = readTool(file.text, file: file.name)
      diagnostics += found
      if let tool { tools.append(tool) }
    }
    guard diagnostics.isEmpty else { throw .invalidCatalogue(diagnostics) }
    return Catalogue(tools: tools)
  }

  /// The catalogue that is installed with Lifeboat.
  /// - Throws: `catalogueUnreadable` where its files are not there, `invalidCatalogue` where they are damaged.
  public static func builtIn() throws(ManifestFailure) -> Catalogue {
    let files: [(name: String, text: String)]
    do {
      let folder = try InstalledData.folder(of: "RecoveryManifest").appending("tools")
      files = try FileTree.names(in: folder).filter { $0.hasSuffix(".toml") }.map { name in
        (name: name, text: try FileTree.text(of: folder.appending(name)))
      }
    } catch let missing as InstalledData.Missing {
      throw .catalogueUnreadable(reason: missing.message)
    } catch {
      throw .catalogueUnreadable(reason: "\(error)")
    }
    guard !files.isEmpty else { throw .catalogueUnreadable(reason: "it has no tools") }
    return try read(files: files)
  }

  private static func readTool(_ text: String, file: String) -> (tool: Tool?, diagnostics: [Diagnostic]) {
    var sink = DiagnosticSink(file: file, text: text)
    guard let root = TOMLNode.parse(Array(text.utf8), as: "tool file", into: &sink) else { return (nil, sink.sorted) }
    var checker = ShapeChecker(sink: sink, root: ManifestSchema.catalogueTool)
    checker.check(root, is: ManifestSchema.catalogueTool)
    let stem = String((file.split(separator: "/").last ?? "").split(separator: ".").first ?? "")
    if let id = root["id"]?.located, id.value != stem {
      checker.report { sink in
        sink.error(
          .idMismatch, at: id.position, "id must be the file's name, \(Printable.quoted(stem))",
          remedy: "Write id = \(Printable.quoted(stem)), or name the file \(Printable.text(id.value)).toml.")
      }
    }
    return (Tool(checked: root), checker.sink.sorted)
  }
}
