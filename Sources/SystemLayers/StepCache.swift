// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
public import HostSystem
public import RecoveryPlan
internal import Synchronization
public import SystemPackage

/// Results of steps by content key, under `$XDG_CACHE_HOME/lifeboat`.
///
///     lock                  held while a build runs
///     steps/KEY/step.json   what the step was, and the digest of each result
///     steps/KEY/…           the results
///     apt/…                 indexes and packages, see `PackageIndex`
///     work/…                what is being made; worthless once its process is gone
///
/// A result comes into `steps` by one rename when it is complete and on the disk. Before a result is used its
/// digests are checked: a damaged one is removed and made again.
public final class StepCache: Sendable {
  /// The cache's folder.
  public let folder: FilePath
  private let checked = Mutex<[Digest: Stored]>([:])

  /// Opens a cache; makes the folder if needed.
  /// - Throws: `OperationFailure`.
  public init(_ folder: FilePath) throws {
    self.folder = folder
    for name in ["steps", "apt", "work"] { try FileTree.makeFolder(folder.appending(name)) }
  }

  /// `$XDG_CACHE_HOME/lifeboat`, or `~/.cache/lifeboat`.
  /// - Throws: `SystemLayersFailure.noCacheFolder` where there is no home, as for a service: nothing is made in `/`.
  public static func defaultFolder(environment: [String: String]) throws(SystemLayersFailure) -> FilePath {
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return FilePath(cache).appending("lifeboat") }
    guard let home = environment["HOME"], home.hasPrefix("/"), home.contains(where: { $0 != "/" }) else {
      throw .noCacheFolder
    }
    return FilePath(home).appending(".cache/lifeboat")
  }

  /// Takes the cache for this process.
  /// - Throws: `FileLock.Busy` if another build holds it.
  public func lock() throws -> FileLock { try FileLock(folder.appending("lock")) }

  /// A finished step.
  public struct Stored: Sendable, Codable, Equatable {
    /// What the step was.
    public var record: StepRecord
    /// The results by name.
    public var outputs: [String: Output]

    /// All results together.
    public var size: ByteCount { outputs.values.reduce(.zero) { $0 + $1.size } }
  }

  /// One result of a step.
  public struct Output: Sendable, Codable, Equatable {
    /// The size of a file, or the sum of a folder's files.
    public var size: ByteCount
    /// The digest of a file, or of a folder's names and contents.
    public var sha256: Digest
  }

  /// Where a step's result stands, or would stand.
  public func path(_ key: Digest, _ output: String = "") -> FilePath {
    let place = folder.appending("steps").appending(key.hex)
    return output.isEmpty ? place : place.appending(output)
  }

  /// The record of a result, without looking at the result itself.
  public func peek(_ key: Digest) -> Stored? {
    guard let bytes = try? FileTree.bytes(of: path(key, "step.json")) else { return nil }
    return try? JSONDecoder().decode(Stored.self, from: Data(bytes))
  }

  /// A result that is proven to be whole, or nil. A damaged one is removed.
  /// - Parameter damaged: told the name of a result that had to be removed.
  public func find(_ key: Digest, damaged: (String) -> Void = { _ in }) -> Stored? {
    if let known = checked.withLock({ $0[key] }) { return known }
    guard let stored = peek(key), stored.record.key == key else {
      if FileTree.kind(of: path(key)) != nil {
        damaged("step.json")
        FileTree.remove(path(key))
      }
      return nil
    }
    for (name, output) in stored.outputs where (try? Self.measure(path(key, name))) != output {
      damaged(name)
      FileTree.remove(path(key))
      return nil
    }
    checked.withLock { $0[key] = stored }
    return stored
  }

  /// A fresh folder in which a step puts its results.
  public func begin(_ step: Step) throws -> FilePath {
    let random = String(UInt64.random(in: 0 ... .max), radix: 36)
    let place = folder.appending("work").appending("\(step.key.short)-\(random)")
    try FileTree.makeFolder(place)
    return place
  }

  /// A folder for what is needed only while `body` runs.
  public func withScratchFolder<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    let place = folder.appending("work").appending("scratch-" + String(UInt64.random(in: 0 ... .max), radix: 36))
    try FileTree.makeFolder(place)
    defer { FileTree.remove(place) }
    return try await body(place)
  }

  /// Puts the results of a step in place, all at once.
  /// - Throws: `OperationFailure`; `SystemLayersFailure.incomplete` if a named result is missing.
  public func commit(_ step: Step, from place: FilePath, outputs: [String]) throws -> Stored {
    var stored = Stored(record: StepRecord(step), outputs: [:])
    for name in outputs {
      guard FileTree.kind(of: place.appending(name)) != nil else {
        throw SystemLayersFailure.incomplete(step: step.title, file: name)
      }
      stored.outputs[name] = try Self.measure(place.appending(name))
      try FileTree.synchronise(place.appending(name))
    }
    try AtomicFile.write(Array(StableJSON.text(stored).utf8), to: place.appending("step.json"))
    if FileTree.kind(of: path(step.key)) != nil { FileTree.remove(path(step.key)) }
    try OperationFailure.wrap("rename", path(step.key)) { try AtomicFile.move(place, to: path(step.key)) }
    checked.withLock { $0[step.key] = stored }
    return stored
  }

  private static func measure(_ path: FilePath) throws -> Output {
    if FileTree.kind(of: path) == .folder {
      let size = FileTree.walk(path).reduce(Int64(0)) { sum, name in
        let file = path.appending(name)
        return FileTree.kind(of: file) == .file ? sum + (FileTree.status(of: file)?.size ?? 0) : sum
      }
      return Output(size: ByteCount(size), sha256: try FileTree.digest(of: path))
    }
    let digest = try OperationFailure.wrap("read", path) { try Digest(ofFile: path) }
    return Output(size: ByteCount(FileTree.status(of: path)?.size ?? 0), sha256: digest)
  }
}
