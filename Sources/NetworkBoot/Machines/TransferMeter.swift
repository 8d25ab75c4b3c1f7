// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NetworkBootProtocol
internal import Synchronization

/// One file on its way to one client, counted while it goes.
final class TransferMeter: Sendable {
  /// The ways by which files go out.
  enum Way: String, Sendable, CaseIterable { case http, tftp }

  let way: Way
  /// The object's name.
  let name: String
  /// Where it goes.
  let address: IPv4Address
  private let start = NIODeadline.now()
  private let count = Atomic<Int64>(0)
  private let isOver = Atomic(false)

  init(_ way: Way, _ name: String, to address: IPv4Address) {
    (self.way, self.name, self.address) = (way, name, address)
  }

  /// Bytes so far.
  var bytes: Int64 {
    get { count.load(ordering: .relaxed) }
    set { count.store(newValue, ordering: .relaxed) }
  }

  /// Bytes a second so far.
  var rate: Int64 {
    let seconds = Double((NIODeadline.now() - start).nanoseconds) * 1e-9
    return seconds > 0 ? Int64(Double(bytes) / seconds) : 0
  }

  /// Whether this is the first time that its end is told.
  func end() -> Bool { !isOver.exchange(true, ordering: .relaxed) }
}
