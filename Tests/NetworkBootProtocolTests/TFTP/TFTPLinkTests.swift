// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBootProtocol
import TestSupport
import Testing

/// A link that loses, doubles and delays packets, between a transfer and a client that is plain RFC 7440. Time is a
/// number that jumps to the next event, so nothing waits.
private struct SimulatedLink {
  struct Faults: Sendable {
    var loss = 0.0
    var doubling = 0.0
    /// Packets take 1 to this many ticks, and leave one tick after the other, so that they overtake each other.
    var jitter = 1
  }

  private enum Arrival {
    case toClient(TFTPPacket)
    case toServer(TFTPPacket)
    case serverTimer
    case clientTimer
  }

  private(set) var received: [UInt8] = []
  private(set) var outcome: TFTPTransfer.Outcome?
  private(set) var blocksSent = 0
  private(set) var clientIsDone = false
  private var file: [UInt8]
  private var transfer: TFTPTransfer
  private let faults: Faults
  private var random: SplitMix
  private var queue: [Arrival] = []
  /// When each of the queue arrives, and as the how manieth it was sent: one number, because comparing is all the work.
  private var keys: [Int] = []
  private var now = 0
  private var order = 0
  private var serverTimer: Int?
  private var clientTimer: Int?
  private var expected = 1
  private var unacknowledged = 0
  private var hasToldGap = false

  init(_ transfer: TFTPTransfer, file: [UInt8], faults: Faults, seed: UInt64) {
    self.transfer = transfer
    self.file = file
    self.faults = faults
    random = SplitMix(seed: seed)
  }

  /// Runs until nothing more can happen; false if that takes more events than it may.
  mutating func run() -> Bool {
    let most = 400 * (transfer.lastBlock + 50)
    obey(transfer.start())
    startClientTimer()
    for _ in 0..<most {
      guard let next = pop() else { return true }
      now = next.time
      switch next.arrival {
      case .toServer(let packet): obey(transfer.handle(.packet(packet)))
      case .toClient(let packet): clientTakes(packet)
      case .serverTimer: obey(transfer.handle(.timeout))
      case .clientTimer where !clientIsDone && outcome == nil:
        acknowledge()
        startClientTimer()
      case .clientTimer: clientTimer = nil
      }
    }
    return false
  }

  /// The packets on the way are few; each side has one timer.
  private mutating func pop() -> (time: Int, arrival: Arrival)? {
    let first = keys.min() ?? .max
    let timer = min(serverTimer ?? .max, clientTimer ?? .max)
    if first < .max, first >> 32 <= timer, let index = keys.firstIndex(of: first) {
      keys.remove(at: index)
      return (first >> 32, queue.remove(at: index))
    }
    guard timer < .max else { return nil }
    if serverTimer == timer {
      serverTimer = nil
      return (timer, .serverTimer)
    }
    clientTimer = nil
    return (timer, .clientTimer)
  }

  private mutating func push(_ arrival: Arrival, after ticks: Int) {
    order += 1
    keys.append((now + ticks) << 32 | order)
    queue.append(arrival)
  }

  private mutating func carry(_ packet: (TFTPPacket) -> Arrival, _ content: TFTPPacket, place: Int = 0) {
    for copy in 0..<2 {
      if copy == 1, Double.random(in: 0..<1, using: &random) >= faults.doubling { return }
      if Double.random(in: 0..<1, using: &random) < faults.loss { continue }
      push(packet(content), after: place + Int.random(in: 1...faults.jitter, using: &random))
    }
  }

  private mutating func obey(_ step: TFTPTransfer.Step) {
    switch step.send {
    case .nothing: break
    case .options: carry({ .toClient($0) }, transfer.options)
    case .error(let code): carry({ .toClient($0) }, .error(code, []))
    case .blocks(let range):
      for block in range {
        blocksSent += 1
        let bytes = Array(file[transfer.range(of: block)])
        carry(
          { .toClient($0) }, .data(block: UInt16(truncatingIfNeeded: block), bytes), place: block - range.lowerBound)
      }
    }
    if step.outcome != nil { serverTimer = nil }
    if let timer = step.timer { serverTimer = now + ticks(timer) }
    if let end = step.outcome { outcome = end }
  }

  private func ticks(_ duration: Duration) -> Int { Int(duration.components.seconds) * 1000 }

  private mutating func startClientTimer() { clientTimer = now + 3000 }

  private mutating func acknowledge() {
    unacknowledged = 0
    carry({ .toServer($0) }, .acknowledgement(block: UInt16(truncatingIfNeeded: expected - 1)))
  }

  /// RFC 7440 §4: blocks in order are kept, and acknowledged at the end of a window; a gap is told at once, one time. An
  /// old block says that our acknowledgement was lost if it is the last one we have, and is an echo otherwise.
  private mutating func clientTakes(_ packet: TFTPPacket) {
    switch packet {
    case .options where expected == 1 && received.isEmpty: acknowledge()
    case .data(let block, let bytes) where block == UInt16(truncatingIfNeeded: expected) && !clientIsDone:
      received += bytes
      expected += 1
      unacknowledged += 1
      hasToldGap = false
      clientIsDone = bytes.count < transfer.blockSize
      if clientIsDone || unacknowledged == transfer.window { acknowledge() }
      startClientTimer()
    case .data(let block, _):
      let ahead = Int(block &- UInt16(truncatingIfNeeded: expected)) < 0x8000
      if ahead ? !hasToldGap : block == UInt16(truncatingIfNeeded: expected - 1) && unacknowledged == 0 {
        hasToldGap = ahead
        acknowledge()
      }
    default: break
    }
  }
}

@Suite("TFTP over a bad link") struct TFTPLinkTests {
  private func run(size: Int, block: Int, window: Int, faults: SimulatedLink.Faults, seed: UInt64) throws
    -> SimulatedLink
  {
    var limits = TFTPLimits()
    limits.window = 64
    limits.repetitions = 30
    let options = window == 0 ? [] : [TFTPOption(.blksize, block), TFTPOption(.windowsize, window)]
    let request = TFTPRequest(name: text("a"), options: options)
    let file = ImageMaker.bytes(size, seed: seed)
    var link = SimulatedLink(
      try TFTPTransfer(request, size: size, limits: limits), file: file, faults: faults, seed: seed)
    let ends = link.run()
    #expect(ends, "window \(window), seed \(seed)")
    #expect(link.received == file, "window \(window), seed \(seed)")
    #expect(link.clientIsDone)
    return link
  }

  @Test("a good link carries each block once", arguments: [0, 1, 2, 4, 16, 63, 64])
  func good(window: Int) throws {
    for size in [0, 1, 64, 64 * 64, 10_000] {
      let link = try run(size: size, block: 64, window: window, faults: .init(), seed: 1)
      #expect(link.outcome == .complete)
      #expect(link.blocksSent == size / (window == 0 ? 512 : 64) + 1)
    }
  }

  @Test(
    "loss, doubling and overtaking: it always ends, and the bytes are right", arguments: 1...64)
  func bad(window: Int) throws {
    for (index, faults) in [
      SimulatedLink.Faults(loss: 0.05, doubling: 0, jitter: 1), .init(loss: 0, doubling: 0.3, jitter: 1),
      .init(loss: 0, doubling: 0, jitter: 4), .init(loss: 0.1, doubling: 0.1, jitter: 3),
    ].enumerated() {
      let link = try run(
        size: 10_000, block: 100, window: window, faults: faults, seed: UInt64(window * 10 + index))
      #expect(link.outcome == .complete || link.outcome == .gaveUp, "the last acknowledgement may never come")
    }
  }

  @Test("doubled acknowledgements do not multiply blocks") func apprentice() throws {
    let link = try run(
      size: 20_000, block: 100, window: 1, faults: .init(loss: 0, doubling: 1, jitter: 1), seed: 3)
    #expect(link.blocksSent == 201)
    let windowed = try run(
      size: 20_000, block: 100, window: 16, faults: .init(loss: 0, doubling: 1, jitter: 1), seed: 3)
    #expect(windowed.blocksSent <= 2 * (201 + 16))
  }

  @Test("more than 65,535 blocks", arguments: [1, 16]) func rollover(window: Int) throws {
    let link = try run(
      size: 8 * 70_000 + 3, block: 8, window: window, faults: .init(loss: 0.001, doubling: 0.001, jitter: 2), seed: 9)
    #expect(link.outcome == .complete)
  }

  @Test("a link that carries nothing is given up") func dead() throws {
    var link = SimulatedLink(
      try TFTPTransfer(TFTPRequest(name: text("a")), size: 5000), file: [UInt8](repeating: 0, count: 5000),
      faults: .init(loss: 1, doubling: 0, jitter: 1), seed: 1)
    let ends = link.run()
    #expect(ends && link.outcome == .gaveUp && link.blocksSent == 6)
  }
}
