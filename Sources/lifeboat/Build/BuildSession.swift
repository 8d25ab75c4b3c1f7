// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import RecoveryManifest
import RecoveryPlan
import Signing
import SystemLayers
import SystemPackage

/// Joins the stages for one command: manifest and host become a plan, the plan becomes systems, systems become media.
struct BuildSession: Sendable {
  let manifest: Manifest
  let planner: Planner
  let builder: SystemBuilder
  let cache: StepCache
  /// The folder that the manifest's `files` and `hooks` are relative to.
  let manifestFolder: FilePath
  /// Signs the media, or nil.
  let signingKey: FilePath?
  let progress: ProgressEvent.Handler

  /// Asks the archive and makes the plan; fetches indexes, builds nothing.
  func plan() async throws -> (plan: Plan, archive: SystemBuilder.Archive) {
    try SystemBuilder.checkTimeZones(manifest.images)
    let program = planner.needsProgram ? try OwnProgram.running() : nil
    async let programs = HostPrograms.versions(withStrip: program != nil)
    let signer = if let signingKey { try await SiteKey.describe(signingKey).publicKey } else { String?.none }
    var recipes = try SystemBuilder.recipes()
    recipes[.boot] = try FileTree.digest(of: InstalledData.folder(of: "BootAssembly"))
    // What is missing on this machine is said before the archive has answered.
    async let answer = builder.consult(planner.stacks, mirror: manifest.mirror)
    let versions = try await programs
    let archive = try await answer
    var surroundings = Planner.Surroundings(
      lifeboat: Version.current, programs: versions, recipes: recipes, files: try fileDigests(),
      signer: signer, times: archive.times, notes: archive.notes)
    surroundings.program = program?.digest
    return (try planner.plan(archive.resolved, surroundings), archive)
  }

  /// The digests of what the manifest's `files` and `hooks` name; whether a file can be executed goes into the image too.
  private func fileDigests() throws -> [String: Digest] {
    var digests: [String: Digest] = [:]
    for name in manifest.images.flatMap({ $0.files.values + $0.hooks }) where digests[name] == nil {
      let path = manifestFolder.pushing(FilePath(name))
      let content = try OperationFailure.wrap("read", path) { try Digest(ofFile: path) }
      let isExecutable = (FileTree.status(of: path)?.permissions ?? 0) & 0o111 != 0
      digests[name] = isExecutable ? Digest(of: "executable \(content)") : content
    }
    return digests
  }
}

/// The programs of the host that shape results, with what they call their version.
enum HostPrograms {
  private static let questions = [
    ExternalCommand("mmdebstrap", ["--version"], package: "mmdebstrap"),
    ExternalCommand("mksquashfs", ["-version"], package: "squashfs-tools"),
    ExternalCommand("grub-mkimage", ["--version"], package: "grub-common"),
    ExternalCommand("mkfs.vfat", ["--help"], package: "dosfstools"),
    ExternalCommand("mcopy", ["--version"], package: "mtools"),
    ExternalCommand("tar", ["--version"], package: "tar"),
  ]

  /// - Throws: `ExternalCommand.Failure.notInstalled` with the package to install.
  static func versions(withStrip: Bool) async throws -> [String: String] {
    let strip = withStrip ? [ExternalCommand("strip", ["--version"], package: "binutils")] : []
    return try await withThrowingTaskGroup(of: (String, String).self) { group in
      for question in questions + strip {
        group.addTask { (question.program, try await version(question)) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  private static func version(_ question: ExternalCommand) async throws -> String {
    do {
      return firstLine(try await question.text())
    } catch ExternalCommand.Failure.failed(_, _, let lines) {
      // `mksquashfs -version` exits with 1 on some releases.
      return firstLine(lines.joined(separator: "\n"))
    }
  }

  private static func firstLine(_ text: String) -> String {
    text.split(separator: "\n").first.map(String.init) ?? ""
  }
}
