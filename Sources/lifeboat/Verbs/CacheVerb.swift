// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
@preconcurrency import Glibc
import HostSystem
import SystemLayers
import SystemPackage

/// `lifeboat cache`.
struct CacheVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "List the results that builds can use again, or remove them.",
    discussion: """
      The cache is in $XDG_CACHE_HOME/lifeboat, or in ~/.cache/lifeboat. Lifeboat can make everything in it again.

        lifeboat cache
        lifeboat cache --prune
        lifeboat cache --clear
      """)

  @Flag(help: "Remove results that a newer result of the same step has replaced.") var prune = false
  @Flag(help: "Remove everything, packages and indexes included.") var clear = false
  @Flag(help: "One JSON document on standard output.") var json = false

  func validate() throws {
    if prune, clear { throw ValidationError("Use --prune or --clear, not both: --clear removes everything.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let cache = try StepCache(StepCache.defaultFolder(environment: console.environment))
    guard prune || clear else {
      try show(CacheList(folder: cache.folder.string, entries: cache.entries(), packages: cache.packagesSize), console)
      return .success
    }
    let lock = try cache.lock()
    defer { withExtendedLifetime(lock) {} }
    let packages = clear ? cache.packagesSize : .zero
    let removed = cache.prune(everything: clear)
    await cache.sweep(asRoot: geteuid() == 0)
    if json {
      try console.printJSON(CacheList(folder: cache.folder.string, entries: removed, packages: packages))
    } else {
      let sum = removed.reduce(packages) { $0 + $1.size }
      console.print("removed \(removed.count.counted("result"))\(clear ? " and all packages" : ""), \(sum)")
    }
    return .success
  }

  private func show(_ list: CacheList, _ console: Console) throws {
    if json { return try console.printJSON(list) }
    let rows = list.entries.map { [$0.title, $0.key.short, $0.size.description, $0.newest ? "" : "replaced"] }
    console.print(Columns.text([["STEP", "KEY", "SIZE", ""]] + rows))
    let sum = list.entries.reduce(ByteCount.zero) { $0 + $1.size }
    console.print("\(list.folder): results \(sum), packages and indexes \(list.packages)")
  }
}

/// The cache's content as it is shown, or what was removed of it.
struct CacheList: Encodable {
  var folder: String
  var entries: [StepCache.Entry]
  var packages: ByteCount
}
