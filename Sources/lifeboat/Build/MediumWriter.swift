// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import MediumWriting
import RecoveryManifest
import RecoveryPlan
import Signing
import SystemLayers
import SystemPackage

/// Turns finished systems into ISO files.
struct MediumWriter: Sendable {
  let session: BuildSession
  let plan: Plan
  let results: [Digest: Result<StepCache.Stored, any Error>]
  let output: FilePath
  /// What the record has to say of the archives.
  let notes: ArchiveNotes

  /// What became of one medium.
  struct Outcome: Sendable, Encodable {
    var name: String
    var path: String
    var identifier: String
    var size: ByteCount?
    var sha256: Digest?
    /// `written`, `unchanged` or `failed`.
    var state: String
    var seconds: Double
    /// Stable identifier of the error.
    var code: String?
    var error: String?
    var remedy: String?
    /// How a process would end that had this error alone.
    var status = ExitStatus.success

    private enum CodingKeys: CodingKey {
      case name, path, identifier, size, sha256, state, seconds, code, error, remedy
    }
  }

  /// Writes one medium unless the same one stands there already.
  func write(_ medium: Plan.Medium) async throws -> Outcome {
    let start = ContinuousClock.now
    let path = output.appending(medium.name + ".iso")
    var outcome = Outcome(
      name: medium.name, path: path.string, identifier: medium.identifier, size: nil, sha256: nil, state: "written",
      seconds: 0)
    let systems = try medium.systems.map(systemFiles)
    AtomicFile.removeLeftovers(of: path)
    if let digest = await standing(medium, at: path) {
      outcome.state = "unchanged"
      outcome.sha256 = digest
    } else {
      let written = try await assemble(medium, systems, to: path)
      outcome.sha256 = written
      try AtomicFile.write(Array("\(written)  \(medium.name).iso\n".utf8), to: checksumFile(path))
    }
    outcome.size = (FileTree.status(of: path)?.size).map { ByteCount($0) }
    outcome.seconds = (ContinuousClock.now - start) / .seconds(1)
    return outcome
  }

  /// The outcome of a medium that could not be made.
  func failure(_ medium: Plan.Medium, _ report: ErrorReport) -> Outcome {
    Outcome(
      name: medium.name, path: output.appending(medium.name + ".iso").string, identifier: medium.identifier, size: nil,
      sha256: nil, state: "failed", seconds: 0, code: report.code, error: report.message, remedy: report.remedy,
      status: report.status)
  }

  private func checksumFile(_ path: FilePath) -> FilePath { FilePath(path.string + ".sha256") }

  /// The digest of the file at a path, if that file is this very medium, undamaged.
  private func standing(_ medium: Plan.Medium, at path: FilePath) async -> Digest? {
    guard let line = try? FileTree.text(of: checksumFile(path)), let expected = Digest(hex: line.prefix(64)),
      let record = try? MediumVerification.record(of: ISOReader(path)), record.identifier == medium.identifier,
      let actual = try? await ISOImage.digest(of: path, progress: session.progress), actual == expected
    else { return nil }
    return actual
  }

  private func result(_ key: Digest) throws -> StepCache.Stored {
    guard let result = results[key] else {
      throw SystemLayersFailure.dependencyFailed(step: plan.step(key)?.title ?? key.short)
    }
    return try result.get()
  }

  private func systemFiles(_ system: Plan.System) throws -> SystemFiles {
    for key in system.steps { _ = try result(key) }
    let cache = session.cache
    var layers: [(name: String, file: FilePath)] = [("10-base.squashfs", cache.path(system.base, "layer.squashfs"))]
    for (index, key) in system.tools.enumerated() {
      layers.append(("\(20 + index)-tools.squashfs", cache.path(key, "layer.squashfs")))
    }
    if let program = system.program { layers.append(("80-program.squashfs", cache.path(program, "layer.squashfs"))) }
    layers.append(("90-settings.squashfs", cache.path(system.settings, "layer.squashfs")))
    return SystemFiles(
      architecture: system.architecture, kernel: cache.path(system.base, "vmlinuz"),
      initrd: cache.path(system.initramfs, "initrd.img"), layers: layers)
  }

  private func assemble(_ medium: Plan.Medium, _ systems: [SystemFiles], to path: FilePath) async throws -> Digest {
    let keys = medium.systems.flatMap(\.steps) + [medium.loaders]
    let timestamp = keys.compactMap { plan.step($0)?.timestamp }.max() ?? 0
    let loaders = session.cache.path(medium.loaders)
    return try await session.cache.withScratchFolder { scratch in
      var builder = MediumBuilder(
        image: medium.image, lifeboat: Version.current, identifier: medium.identifier, timestamp: timestamp,
        loaders: LoaderFiles(amd64: loaders.appending("amd64"), i386: loaders.appending("i386")), scratch: scratch)
      builder.withoutSuites = notes.incompleteSuites
      builder.loadersWithoutSuites = notes.loadersWithoutSuites
      builder.foreignArchives = notes.foreignArchives
      let built = try await builder.build(systems, signingKey: session.signingKey, progress: session.progress)
      _ = try await ISOImage.write(
        built.tree, to: path, finish: StructureSeal.finish(signingKey: session.signingKey), progress: session.progress)
      return try await ISOImage.digest(of: path, progress: session.progress)
    }
  }
}
