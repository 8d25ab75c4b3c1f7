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
    var target: String
    /// What was said last about the site, so that it is said once.
    var trouble: String?
  }

  private let state: Mutex<State>
  private let reader: SiteReader
  private let events: EventLog

  /// Opens the current set.
  init(_ reader: SiteReader, events: EventLog) async throws {
    let target = try reader.currentTarget()
    state = Mutex(State(set: try await reader.read(target), target: target))
    self.reader = reader
    self.events = events
  }

  /// The set that is served now.
  var current: BootSet { state.withLock { $0.set } }

  /// Looks once.
  /// - Returns: whether another set is served now.
  func look() async -> Bool {
    do {
      let target = try reader.currentTarget()
      let (known, trouble) = state.withLock { ($0.target, $0.trouble) }
      guard target != known || trouble != nil else { return false }
      let set = try await reader.read(target)
      state.withLock { $0 = State(set: set, target: target) }
      if trouble != nil { events.say(.init(.site, "the site \(reader.site) is back")) }
      guard target != known else { return false }
      events.say(.init(.set, "set \(set.index.number) is served from now on; transfers of the last one go on"))
      return true
    } catch is CancellationError {
      return false
    } catch {
      complain(error)
      return false
    }
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
