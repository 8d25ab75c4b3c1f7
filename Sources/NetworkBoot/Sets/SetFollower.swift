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
///
/// The first key is kept: once a set is signed, sets without a signature or by another key are not trusted until the
/// service is started anew, whatever becomes of the site's `site-key.pub`.
final class SetFollower: Sendable {
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
    let set = try await Self.read(site, try site.number(), key)
    state = Mutex(State(set: set, number: set.index.number))
  }

  /// The set that is served now.
  var current: BootSet { state.withLock { $0.set } }

  /// Looks once.
  /// - Returns: whether another set is served now.
  func look() async -> Bool {
    do {
      let (known, trouble) = state.withLock { ($0.number, $0.trouble) }
      guard site.currentNumber != known || trouble != nil else { return false }
      let number = try site.number()
      let set = try await Self.read(site, number, key, signedBy: current.signedBy)
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
  /// - Parameter first: the key of the sets before, which stays the only one.
  private static func read(_ site: Site, _ number: Int, _ key: FilePath?, signedBy first: String? = nil) async throws
    -> BootSet
  {
    let opened = try await site.set(number, trusting: key)
    if let first, opened.signedBy != first {
      throw NetworkBootFailure.keyChanged(site.folder, set: number, signedBy: opened.signedBy, first: first)
    }
    let set = BootSet(opened, of: site)
    if let path = set.forbidden() { throw Site.Failure.notReadable(path) }
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
