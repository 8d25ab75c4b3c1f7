// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import NetworkBootPolicy
import RecoveryManifest
import StrictTOML
import SystemPackage

/// `lifeboat check`.
struct CheckVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Report every mistake in a manifest or a policy.",
    discussion: """
      Reports every error and warning at once, each with its line, its column and what to do about it. The exit status \
      is 65 if there is an error. Fetches and builds nothing.

        lifeboat check rescue.toml
        lifeboat check --schema > lifeboat.schema.json
        lifeboat check --policy /etc/lifeboat/policy.toml
      """)

  @Argument(help: "The manifest, or the policy.", completion: .file(extensions: ["toml"]))
  var manifest = "rescue.toml"

  @Flag(help: "The file is a policy of the network boot server. Only serve can tell whether a set has its images.")
  var policy = false
  @Flag(help: "Print the JSON Schema of manifests or policies, for editors, and check nothing.") var schema = false
  @Flag(help: "One JSON document on standard output.") var json = false

  func run(on console: Console) async throws -> ExitStatus {
    guard !schema else {
      console.print(policy ? BootPolicySchema.jsonSchema() : ManifestSchema.jsonSchema())
      return .success
    }
    let path = FilePath(manifest)
    let bytes = try FileTree.bytes(of: path)
    if policy {
      let (_, diagnostics) = BootPolicyReader.read(bytes: bytes, file: path.string, images: nil)
      return try report(CheckOutcome(policy: path.string, diagnostics), on: console)
    }
    let (read, diagnostics) = ManifestReader.read(bytes: bytes, file: path.string, catalogue: try .builtIn())
    let missing = read.map { ManifestFiles(of: $0, beside: path).missing } ?? []
    return try report(CheckOutcome(file: path.string, read, diagnostics, missing), missing, on: console)
  }

  private func report(
    _ outcome: CheckOutcome, _ missing: [OperationFailure] = [], on console: Console
  ) throws -> ExitStatus {
    if json {
      try console.printJSON(outcome)
    } else {
      if !outcome.diagnostics.isEmpty { console.note(Diagnostic.render(outcome.diagnostics)) }
      for failure in missing { console.complain(failure) }
      if outcome.valid, let warning = outcome.unprotected { console.note(warning) }
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
  /// `manifest` or `policy`.
  var kind = "manifest"
  /// The images whose start menu anybody can edit.
  var withoutMenuPassword: [String] = []

  init(file: String, _ manifest: Manifest?, _ diagnostics: [Diagnostic], _ missing: [OperationFailure]) {
    self.file = file
    self.diagnostics = diagnostics
    self.missing = missing.map { ErrorReport($0) }
    valid = manifest != nil && missing.isEmpty
    images = manifest?.images.map(\.name) ?? []
    withoutMenuPassword = manifest.map { Self.unprotectedImages(of: $0.images) } ?? []
  }

  /// The images of a manifest that have no menu password.
  static func unprotectedImages(of images: [Image]) -> [String] {
    images.filter { $0.menuPassword == nil }.map(\.name)
  }

  /// What an image without a menu password means, or nil where each has one.
  var unprotected: String? { Self.warning(of: withoutMenuPassword) }

  /// The same for any images, by their names.
  static func warning(of names: [String]) -> String? {
    guard !names.isEmpty else { return nil }
    return """
      lifeboat: warning: no menu-password for \(names.joined(separator: ", ")): whoever is at the keyboard can edit the \
      start menu, and so get a root shell. Set menu-password (grub-mkpasswd-pbkdf2 makes one); see docs/security.md.
      """
  }

  init(policy file: String, _ diagnostics: [Diagnostic]) {
    (self.file, self.diagnostics, missing, images) = (file, diagnostics, [], [])
    valid = !diagnostics.contains { $0.severity == .error }
    kind = "policy"
  }

  /// `rescue.toml: 2 images (tier1, tier2), 1 warning`.
  var summary: String {
    let errors = diagnostics.count { $0.severity == .error } + missing.count
    let warnings = diagnostics.count - (errors - missing.count)
    let contents =
      kind == "policy" ? "a policy" : "\(images.count.counted("image")) (\(images.joined(separator: ", ")))"
    var parts = valid ? [contents] : []
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
