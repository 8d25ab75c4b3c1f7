// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import RecoveryPlan
internal import SystemPackage

extension StepCache {
  /// One line of the cache's list.
  public struct Entry: Sendable, Codable, Equatable {
    /// `base x64 bookworm`.
    public var title: String
    /// Content key.
    public var key: Digest
    /// All results together.
    public var size: ByteCount
    /// Seconds since 1970 at which it was made or last used.
    public var used: Int64
    /// Whether it is the newest of its title.
    public var newest: Bool
  }

  /// All results, newest first within a title.
  public func entries() -> [Entry] {
    var entries = FileTree.names(in: folder.appending("steps")).compactMap { name -> Entry? in
      guard let key = Digest(hex: name), let stored = peek(key) else { return nil }
      let used = FileTree.status(of: path(key, "step.json"))?.modified ?? 0
      return Entry(title: stored.record.title, key: key, size: stored.size, used: used, newest: false)
    }
    entries.sort { ($0.title, -$0.used, $0.key) < ($1.title, -$1.used, $1.key) }
    for index in entries.indices {
      entries[index].newest = index == 0 || entries[index - 1].title != entries[index].title
    }
    return entries
  }

  /// The newest record of a title: what the last build of this step was made from.
  public func newestRecord(title: String) -> StepRecord? {
    entries().first { $0.title == title }.flatMap { peek($0.key)?.record }
  }

  /// What a package pool and its indexes occupy.
  public var packagesSize: ByteCount {
    let apt = folder.appending("apt")
    let sizes = FileTree.walk(apt).map { FileTree.status(of: apt.appending($0))?.size ?? 0 }
    return ByteCount(sizes.reduce(0, +))
  }

  /// Removes results, and returns those that were removed.
  /// - Parameter everything: also the newest of each title, and all indexes and packages.
  public func prune(everything: Bool) -> [Entry] {
    let doomed = entries().filter { everything || !$0.newest }
    for entry in doomed { FileTree.remove(path(entry.key)) }
    for name in FileTree.names(in: folder.appending("steps")) where Digest(hex: name).flatMap(peek) == nil {
      FileTree.remove(folder.appending("steps").appending(name))
    }
    if everything { FileTree.remove(folder.appending("apt")) }
    return doomed
  }

  /// Removes what killed builds left behind. Call it only with the lock held.
  public func sweep(asRoot: Bool) async {
    let work = folder.appending("work")
    for name in FileTree.names(in: work) { await Workshop.remove(work.appending(name), asRoot: asRoot) }
  }
}
