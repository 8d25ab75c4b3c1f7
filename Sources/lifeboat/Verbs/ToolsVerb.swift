// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import RecoveryManifest
import SystemPackage

/// `lifeboat tools`.
struct ToolsVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "tools",
    abstract: "List the recovery tools that an image can include.",
    discussion: """
      ACCESS is what an image grants whose manifest does not mention tools: user (anyone at the keyboard), helpdesk \
      (locked until the help desk is connected) or absent. Sizes are those of the tool's own packages once installed; \
      a dash means that the architecture cannot have the tool. DART names the Microsoft tool that it replaces.

        lifeboat tools
        lifeboat tools --manifest rescue.toml --image tier1
      """)

  @Option(
    help: ArgumentHelp("Show the access that an image of this manifest grants.", valueName: "file"),
    completion: .file(extensions: ["toml"]))
  var manifest: String?

  @Option(help: ArgumentHelp("Which image of the manifest; the first one if not given.", valueName: "name"))
  var image: String?

  @Flag(help: "One JSON document on standard output.") var json = false

  func validate() throws {
    if image != nil, manifest == nil { throw ValidationError("--image needs --manifest.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let catalogue = try Catalogue.builtIn()
    let rows = catalogue.listing(for: try chosenImage(catalogue))
    if json {
      try console.printJSON(rows)
    } else {
      let head = ["TOOL", "ACCESS", "RISK", "X64", "X86", "DART", "TITLE"]
      console.print(Columns.text([head] + rows.map(cells)))
    }
    return .success
  }

  private func chosenImage(_ catalogue: Catalogue) throws -> Image? {
    guard let manifest else { return nil }
    let path = FilePath(manifest)
    let read = try ManifestReader.manifest(from: try FileTree.text(of: path), file: path.string, catalogue: catalogue)
    let images = read.manifest.images
    guard let name = image else { return images.first }
    guard let found = images.first(where: { $0.name == name }) else {
      throw CommandFailure.noSuchImage(name: name, names: images.map(\.name))
    }
    return found
  }

  private func cells(_ row: Catalogue.Row) -> [String] {
    let sizes = [Architecture.x64, .x86].map { architecture in
      row.packages[architecture.rawValue] == nil
        ? "-" : "\(ByteCount(Int64(row.installedKiB[architecture.rawValue] ?? 0) << 10))"
    }
    return [row.id, row.access, row.risk.rawValue] + sizes + [row.dart ?? "", row.title]
  }
}
