// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import RecoveryManifest
import SystemPackage

/// `lifeboat init`.
struct InitVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a manifest to start from.",
    discussion: """
      You can build the manifest as it is; its comments show every option with an example. An existing file is never \
      overwritten.

        lifeboat init
        lifeboat init contoso.toml --image tier1 --image tier2
      """)

  static let stateAfterInterruption = "No manifest was overwritten."

  @Argument(help: "The manifest to write.", completion: .file(extensions: ["toml"]))
  var manifest = "rescue.toml"

  @Option(
    help: ArgumentHelp(
      "An image to put into it; repeat it for several. Without it: one image named rescue.", valueName: "name"))
  var image: [String] = []

  func validate() throws {
    for name in image where !Image.isName(name) {
      throw ValidationError("\"\(name)\" is not a valid image name: use lower-case letters, digits and hyphens.")
    }
    guard Set(image).count == image.count else { throw ValidationError("An image is named twice.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let path = FilePath(manifest)
    do {
      try AtomicFile.writeNew(Array(ManifestTemplate.text(images: image).utf8), to: path)
    } catch let failure as OperationFailure where failure.errno == .fileExists {
      throw CommandFailure.manifestExists(path)
    }
    console.print(path.string)
    console.note("Next: lifeboat check \(path)")
    return .success
  }
}
