// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import HostSystem
internal import NIOPosix
internal import Synchronization
internal import SystemPackage

/// The set that is served now. It follows the link `current`, and keeps the last good set where a new one is no good.
///
///     every second ─▶ current ─┬─ the same: nothing
///                              ├─ another set, whole and trusted: it is served from now on
///                              └─ gone, damaged, not trusted: said once; the last good set stays
///
/// Transfers hold their own open files, so a switch does not touch them.
final class SiteFollower: Sendable {
  private struct State {
    var set: BootSet
    var number: Int
    /// What was said last about the site, so that it is said once.
    var trouble: String?
  }

  private let state: Mutex<State>
  private let site: Site
  private let key: FilePath?
  private let events: EventLog

  /// Opens the current set.
  /// - Parameter key: the only key to be trusted; nil for the site's own, if it has one.
  /// - Throws: `Site.Failure`, `NetworkBootFailure.objectsMissing`, and what a key throws that cannot be used.
  init(_ site: Site, trusting key: FilePath?, events: EventLog) async throws {
    (self.site, self.key, self.events) = (site, key, events)
    let set = try await Self.read(site, site.currentNumber, key)
    state = Mutex(State(set: set, number: set.index.number))
  }

  /// The set that is served now.
  var current: BootSet { state.withLock { $0.set } }

  /// Looks once.
  /// - Returns: whether another set is served now.
  func look() async -> Bool {
    do {
      let number = site.currentNumber
      let (known, trouble) = state.withLock { ($0.number, $0.trouble) }
      guard number != known || trouble != nil else { return false }
      let set = try await Self.read(site, number, key)
      state.withLock { $0 = State(set: set, number: set.index.number) }
      if trouble != nil { events.say(.init(.site, "the site \(site.folder) is back")) }
      guard number != known else { return false }
      events.say(.init(.set, "set \(set.index.number) is served from now on; transfers of set \(known) go on"))
      return true
    } catch is CancellationError {
      return false
    } catch {
      complain(error)
      return false
    }
  }

  /// Reads a set and looks whether all its objects are there.
  private static func read(_ site: Site, _ number: Int?, _ key: FilePath?) async throws -> BootSet {
    guard let number else { throw Site.Failure.nothingPublished(site.folder) }
    let set = BootSet(try await site.set(number, trusting: key), of: site)
    let missing = set.missing()
    guard missing.isEmpty else {
      throw NetworkBootFailure.objectsMissing(site.folder, set: number, names: missing)
    }
    return set
  }

  private func complain(_ error: any Error) {
    let reason = (error as? any Diagnosable)?.message ?? "\(error)"
    let isNews = state.withLock { state in
      defer { state.trouble = reason }
      return state.trouble != reason
    }
    guard isNews else { return }
    let number = current.index.number
    events.say(.init(.site, .trouble, "\(reason); set \(number) stays, as far as its files can be read"))
  }
}
