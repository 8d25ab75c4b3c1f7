// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
@preconcurrency import Glibc
import HostSystem
import RecoveryManifest
import RecoveryPlan
import StrictTOML
import SystemLayers
import SystemPackage

/// The arguments that `plan` and `build` share.
struct BuildOptions: ParsableArguments {
  @Argument(help: "The manifest.", completion: .file(extensions: ["toml"]))
  var manifest = "rescue.toml"

  @Option(help: ArgumentHelp("Only this image; repeat it for several.", valueName: "name"))
  var image: [String] = []

  @Option(
    help: ArgumentHelp(
      "x64 or x86: only media for this architecture. both: one medium with all architectures of an image, which chooses by the computer's processor. Without it: one medium for each.",
      valueName: "x64|x86|both"))
  var arch: Choice?

  @Option(help: ArgumentHelp("Sign the media with this OpenSSH Ed25519 key.", valueName: "key"), completion: .file())
  var sign: String?

  @Flag(help: "Fetch nothing; use the package indexes and packages fetched before.")
  var offline = false

  @Flag(
    help:
      "Go on without a suite whose index on the mirror is not the signed one, and so without its (security) updates. Never goes on without the release itself."
  )
  var allowIncompleteSuites = false

  /// What `--arch` takes.
  enum Choice: String, ExpressibleByArgument, CaseIterable {
    case x64, x86, both
  }

  private var selection: Planner.Selection {
    let architectures: Planner.Selection.Architectures =
      switch arch {
      case .x64?: .only(.x64)
      case .x86?: .only(.x86)
      case .both?: .together
      case nil: .each
      }
    return Planner.Selection(images: image.isEmpty ? nil : image, architectures: architectures)
  }

  /// Reads the manifest and joins the stages.
  func session(on console: Console, progress: @escaping ProgressEvent.Handler) throws -> BuildSession {
    let path = FilePath(manifest)
    let manifest = try readManifest(path, on: console)
    let folder = path.removingLastComponent()
    let cache = try StepCache(StepCache.defaultFolder(environment: console.environment))
    var options = SystemBuilder.Options(
      asRoot: geteuid() == 0, availableMemory: HostMemory.available(), manifestFolder: folder.isEmpty ? "." : folder)
    options.offline = offline
    options.warn = { console.note("lifeboat: warning: \($0)") }
    options.allowIncompleteSuites = allowIncompleteSuites
    return BuildSession(
      manifest: manifest, planner: try Planner(manifest, selection),
      builder: SystemBuilder(cache: cache, options: options, progress: progress), cache: cache,
      manifestFolder: options.manifestFolder, signingKey: sign.map { FilePath($0) }, progress: progress)
  }

  private func readManifest(_ path: FilePath, on console: Console) throws -> Manifest {
    let catalogue = try Catalogue.builtIn()
    let (manifest, warnings) = try ManifestReader.manifest(
      from: try FileTree.text(of: path), file: path.string, catalogue: catalogue)
    if !warnings.isEmpty { console.note(Diagnostic.render(warnings)) }
    return manifest
  }
}

/// How much memory may be used without harm.
enum HostMemory {
  /// `MemAvailable` of proc(5); zero where it cannot be read.
  static func available() -> ByteCount {
    let text = (try? FileTree.text(of: "/proc/meminfo")) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
    return ByteCount((kibibytes ?? 0) << 10)
  }
}
