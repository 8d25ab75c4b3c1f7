// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import RecoveryManifest
import StrictTOML
import SystemPackage

/// `lifeboat check`.
struct CheckVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say everything that is wrong with a manifest.",
    discussion: """
      Every error and warning with its line, its column and what to do about it, all at once. The exit status is 65 \
      when there is an error. Nothing is fetched or built.

        lifeboat check rescue.toml
        lifeboat check --schema > lifeboat.schema.json
      """)

  @Argument(help: "The manifest.", completion: .file(extensions: ["toml"]))
  var manifest = "rescue.toml"

  @Flag(help: "Print the JSON Schema of manifests, for editors, and check nothing.") var schema = false
  @Flag(help: "One JSON document on standard output.") var json = false

  func run(on console: Console) async throws -> ExitStatus {
    guard !schema else {
      console.print(ManifestSchema.jsonSchema())
      return .success
    }
    let path = FilePath(manifest)
    let bytes = try FileTree.bytes(of: path)
    let (read, diagnostics) = ManifestReader.read(bytes: bytes, file: path.string, catalogue: try .builtIn())
    let missing = read.map { ManifestFiles(of: $0, beside: path).missing } ?? []
    let outcome = CheckOutcome(file: path.string, read, diagnostics, missing)
    if json {
      try console.printJSON(outcome)
    } else {
      if !diagnostics.isEmpty { console.note(Diagnostic.render(diagnostics)) }
      for failure in missing { console.complain(failure) }
      if outcome.valid { console.print(outcome.summary) } else { console.note(outcome.summary) }
    }
    return outcome.valid ? .success : .badInput
  }
}

/// What a check has found.
struct CheckOutcome: Encodable {
  var file: String
  var valid: Bool
  /// The names of the images, when the manifest could be read.
  var images: [String]
  var diagnostics: [Diagnostic]
  /// Files and hooks that the manifest names and that are not there.
  var missing: [ErrorReport]

  init(file: String, _ manifest: Manifest?, _ diagnostics: [Diagnostic], _ missing: [OperationFailure]) {
    self.file = file
    self.diagnostics = diagnostics
    self.missing = missing.map { ErrorReport($0) }
    valid = manifest != nil && missing.isEmpty
    images = manifest?.images.map(\.name) ?? []
  }

  /// `rescue.toml: 2 images (tier1, tier2), 1 warning`.
  var summary: String {
    let errors = diagnostics.count { $0.severity == .error } + missing.count
    let warnings = diagnostics.count - (errors - missing.count)
    var parts = valid ? ["\(images.count.counted("image")) (\(images.joined(separator: ", ")))"] : []
    if errors > 0 { parts.append(errors.counted("error")) }
    if warnings > 0 { parts.append(warnings.counted("warning")) }
    return "\(file): \(parts.joined(separator: ", "))" + (valid && warnings == 0 ? ", nothing wrong" : "")
  }

}

/// The files of the host that a manifest names.
struct ManifestFiles {
  /// A failure for each that cannot be read, as a build would meet it.
  var missing: [OperationFailure] = []

  init(of manifest: Manifest, beside path: FilePath) {
    let folder = path.removingLastComponent()
    for name in Set(manifest.images.flatMap { $0.files.values + $0.hooks }).sorted() {
      let file = folder.pushing(FilePath(name))
      do { try OperationFailure.wrap("open", file) { try FileDescriptor.open(file, .readOnly).close() } } catch {
        if let failure = error as? OperationFailure { missing.append(failure) }
      }
    }
  }
}
