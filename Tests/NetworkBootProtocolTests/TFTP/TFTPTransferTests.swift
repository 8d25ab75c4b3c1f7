// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBootProtocol
import Testing

@Suite("TFTP packets") struct TFTPPacketTests {
  private func problem(_ bytes: [UInt8]) -> NetworkBootProtocolFailure.TFTPProblem? {
    do throws(NetworkBootProtocolFailure) {
      _ = try TFTPPacket(parsing: bytes)
      return nil
    } catch {
      if case .tftp(let problem) = error { return problem }
      return nil
    }
  }

  @Test("each kind, byte by byte (RFC 1350 §5, RFC 2347)") func golden() throws {
    let request = TFTPRequest(
      name: text("grub/grub.cfg"),
      options: [TFTPOption(.tsize, 0), TFTPOption(.blksize, 1468), TFTPOption(.windowsize, 4)])
    let list = text("tsize\u{0}0\u{0}blksize\u{0}1468\u{0}windowsize\u{0}4\u{0}")
    let pairs: [(TFTPPacket, [UInt8])] = [
      (.read(request), hex("0001") + text("grub/grub.cfg\u{0}octet\u{0}") + list),
      (.write(TFTPRequest(name: text("a"))), hex("0002") + text("a\u{0}octet\u{0}")),
      (.data(block: 0x0102, [7, 8]), hex("0003 0102 0708")), (.data(block: 65535, []), hex("0003 ffff")),
      (.acknowledgement(block: 0x0102), hex("0004 0102")),
      (.error(.fileNotFound, text("no")), hex("0005 0001") + text("no\u{0}")),
      (.options(request.options), hex("0006") + list),
    ]
    for (packet, bytes) in pairs {
      #expect(packet.serialised == bytes)
      #expect(try TFTPPacket(parsing: bytes) == packet)
    }
    #expect(TFTPPacket.dataHeader(block: 258) == hex("0003 0102"))
  }

  @Test("what is no packet is refused; what firmware really sends is not") func limits() throws {
    #expect(problem([]) == .truncated(bytes: 0) && problem([0]) == .truncated(bytes: 1))
    #expect(problem([0, 4, 0]) == .truncated(bytes: 3) && problem([0, 3]) == .truncated(bytes: 2))
    #expect(problem([0, 0]) == .operation(0) && problem([0, 7, 0, 0]) == .operation(7))
    #expect(problem([0, 1] + text("name")) == .unterminated)
    #expect(problem([0, 1] + text("name\u{0}octet")) == .unterminated)
    let long = [0, 1] + [UInt8](repeating: 97, count: 504) + text("\u{0}octet\u{0}")
    #expect(problem(long) == .oversized(bytes: 513, limit: 512))
    #expect(problem([0, 3, 0, 1] + [UInt8](repeating: 0, count: 65465)) == .oversized(bytes: 65469, limit: 65468))
    #expect(try TFTPPacket(parsing: [0, 4, 0, 1, 9, 9]) == .acknowledgement(block: 1))
    #expect(try TFTPPacket(parsing: [0, 5, 0, 8] + text("User aborted")) == .error(.badOptions, text("User aborted")))
    #expect(try TFTPPacket(parsing: [0, 5, 0, 0]) == .error(.undefined, []))
    let padded = [0, 1] + text("a\u{0}octet\u{0}tsize\u{0}0\u{0}\u{0}\u{0}\u{0}")
    #expect(try TFTPPacket(parsing: padded) == .read(TFTPRequest(name: text("a"), options: [TFTPOption(.tsize, 0)])))
    let cut = [0, 1] + text("a\u{0}octet\u{0}tsize\u{0}")
    #expect(try TFTPPacket(parsing: cut) == .read(TFTPRequest(name: text("a"))))
    let problems: [NetworkBootProtocolFailure.TFTPProblem] = [
      .truncated(bytes: 1), .oversized(bytes: 2, limit: 1), .operation(9), .unterminated,
    ]
    #expect(Set(problems.map(\.description)).count == problems.count)
  }
}

@Suite("TFTP transfers") struct TFTPTransferTests {
  typealias Step = TFTPTransfer.Step

  private func transfer(_ size: Int, _ options: [TFTPOption] = [], _ change: (inout TFTPLimits) -> Void = { _ in })
    throws -> TFTPTransfer
  {
    var limits = TFTPLimits()
    change(&limits)
    return try TFTPTransfer(TFTPRequest(name: text("a"), options: options), size: size, limits: limits)
  }

  private func ack(_ block: UInt16) -> TFTPTransfer.Event { .packet(.acknowledgement(block: block)) }
  private func blocks(_ range: ClosedRange<Int>, after seconds: Int = 1) -> Step {
    Step(send: .blocks(range), timer: .seconds(seconds))
  }

  @Test("without options: block by block (RFC 1350)") func plain() throws {
    var transfer = try transfer(1000)
    #expect(transfer.lastBlock == 2 && transfer.range(of: 1) == 0..<512 && transfer.range(of: 2) == 512..<1000)
    #expect(transfer.start() == blocks(1...1))
    #expect(transfer.handle(ack(1)) == blocks(2...2))
    #expect(transfer.handle(ack(2)) == Step(outcome: .complete))
    #expect(transfer.handle(ack(2)) == Step() && transfer.handle(.timeout) == Step(), "over is over")
  }

  @Test(
    "the last block is short, if need be empty", arguments: [(0, 1), (1, 1), (511, 1), (512, 2), (513, 2), (1024, 3)])
  func lastBlock(size: Int, last: Int) throws {
    let transfer = try transfer(size)
    #expect(transfer.lastBlock == last && transfer.range(of: last).count == size % 512)
    #expect(transfer.range(of: last + 1).isEmpty && transfer.range(of: 0).isEmpty == (size == 0))
    #expect(try self.transfer(-5).size == 0)
  }

  @Test("OACK has what was asked for, and no more (RFC 2347)") func options() throws {
    var all = try transfer(
      5000, [TFTPOption(.windowsize, 4), TFTPOption(.blksize, 1468), TFTPOption(.tsize, 0), TFTPOption(.timeout, 3)])
    #expect(
      all.options
        == .options([
          TFTPOption(.blksize, 1468), TFTPOption(.timeout, 3), TFTPOption(.tsize, 5000), TFTPOption(.windowsize, 4),
        ]))
    #expect(all.start() == Step(send: .options, timer: .seconds(3)))
    #expect(all.handle(ack(1)) == Step(), "only 0 acknowledges options")
    #expect(all.handle(.timeout) == Step(send: .options, timer: .seconds(3)))
    #expect(all.handle(ack(0)) == blocks(1...4, after: 3))
    var unknown = try transfer(5, [TFTPOption(name: text("multicast"), value: [])])
    #expect(unknown.start() == blocks(1...1), "nothing known was asked for, so there is no OACK")
    let upper = try transfer(5, [TFTPOption(name: text("BLKSIZE"), value: text("1024"))])
    #expect(upper.blockSize == 1024)
  }

  @Test("never more than asked, than the path carries, than may be on the way") func negotiation() throws {
    func size(_ asked: Int, mtu: Int = 1500) throws -> Int {
      try transfer(5, [TFTPOption(.blksize, asked)]) { $0 = TFTPLimits(mtu: mtu) }.blockSize
    }
    #expect(try size(8) == 8 && size(1468) == 1468 && size(1469) == 1468 && size(65464) == 1468 && size(70000) == 1468)
    #expect(try size(65464, mtu: 9000) == 8968 && size(1468, mtu: 1400) == 1368 && size(65464, mtu: 1 << 20) == 65464)
    #expect(TFTPLimits(mtu: 0).block == 8)
    func window(_ asked: Int, _ change: (inout TFTPLimits) -> Void = { _ in }) throws -> Int {
      try transfer(5, [TFTPOption(.windowsize, asked), TFTPOption(.blksize, 1468)], change).window
    }
    #expect(try window(1) == 1 && window(4) == 4 && window(16) == 16 && window(65535) == 16)
    #expect(try window(64) { $0.window = 64 } == 64)
    #expect(
      try window(64) {
        $0.window = 64; $0.flight = ByteCount(16 * 1472)
      } == 16)
    #expect(try window(64) { $0.flight = ByteCount(1) } == 1)
    #expect(try transfer(5, []) { $0.window = 64 }.window == 1)
  }

  @Test("a value that no RFC allows is error 8")
  func badOptions() {
    let bad: [(String, String)] = [
      ("blksize", "7"), ("blksize", ""), ("blksize", "abc"), ("blksize", "-1"), ("blksize", "1e3"),
      ("blksize", String(repeating: "9", count: 19)), ("timeout", "0"), ("timeout", "256"), ("tsize", "x"),
      ("windowsize", "0"), ("windowsize", " 4"),
    ]
    for (name, value) in bad {
      #expect(throws: TFTPRefusal.badOption(name)) {
        _ = try transfer(5, [TFTPOption(name: text(name), value: text(value))])
      }
    }
    #expect(throws: TFTPRefusal.badOption("tsize")) {
      _ = try transfer(5, [TFTPOption(.tsize, 0), TFTPOption(name: text("TSIZE"), value: text("0"))])
    }
    #expect(TFTPRefusal.badOption("tsize").packet == .error(.badOptions, text("option tsize")))
  }

  @Test("the count goes from 65535 to 0") func rollover() throws {
    var transfer = try transfer(8 * 200_000, [TFTPOption(.blksize, 8), TFTPOption(.windowsize, 16)])
    _ = transfer.start()
    var step = transfer.handle(ack(0))
    while case .blocks(let range) = step.send {
      let last = range.upperBound
      if range.contains(65_536) { #expect(UInt16(truncatingIfNeeded: 65_536) == 0) }
      step = transfer.handle(ack(UInt16(truncatingIfNeeded: last)))
    }
    #expect(step.outcome == .complete && transfer.acknowledged == 200_001)
  }

  @Test("an acknowledgement inside a window: what follows it is sent again (RFC 7440 §4)") func partialWindow() throws {
    var transfer = try transfer(512 * 100, [TFTPOption(.windowsize, 4)])
    _ = transfer.start()
    #expect(transfer.handle(ack(0)) == blocks(1...4))
    #expect(transfer.handle(ack(2)) == blocks(3...6))
    #expect(transfer.handle(ack(1)) == Step(), "a late one is no question")
    #expect(transfer.handle(ack(7)) == Step(), "nor one of what was never sent")
    #expect(transfer.handle(ack(2)) == blocks(3...6), "the first block of the window was lost")
    #expect(transfer.handle(ack(2)) == Step(), "but that is answered once")
    #expect(transfer.handle(ack(6)) == blocks(7...10))
  }

  @Test("duplicate acknowledgements double nothing: no Sorcerer's Apprentice") func apprentice() throws {
    var transfer = try transfer(512 * 100)
    _ = transfer.start()
    for block in 1...50 {
      #expect(transfer.handle(ack(UInt16(block))) == blocks(block + 1...block + 1))
      for _ in 0..<3 { #expect(transfer.handle(ack(UInt16(block))) == Step()) }
    }
  }

  @Test("silence: five repetitions, each after twice the time, then the client is given up") func silence() throws {
    var transfer = try transfer(5000)
    _ = transfer.start()
    _ = transfer.handle(ack(1))
    for seconds in [2, 4, 8, 8, 8] { #expect(transfer.handle(.timeout) == blocks(2...2, after: seconds)) }
    #expect(transfer.handle(.timeout) == Step(outcome: .gaveUp))
    var other = try self.transfer(5000)
    _ = other.start()
    for _ in 0..<5 { _ = other.handle(.timeout) }
    #expect(other.handle(ack(1)) == blocks(2...2), "an answer forgives all")
    var fixed = try self.transfer(5000, [TFTPOption(.timeout, 255)])
    #expect(fixed.start().timer == .seconds(255))
    #expect(fixed.handle(.timeout).timer == .seconds(255))
  }

  @Test("a client's ERROR ends it: a size probe, a refusal, an abort; it is never answered") func errors() throws {
    let probe = TFTPTransfer.Event.packet(.error(.badOptions, text("User aborted")))
    for code in [TFTPErrorCode.badOptions, .undefined] {
      var transfer = try transfer(5000, [TFTPOption(.tsize, 0)])
      _ = transfer.start()
      #expect(transfer.handle(.packet(.error(code, text("x")))) == Step(outcome: .sizeProbe))
    }
    var refused = try transfer(5000, [TFTPOption(.blksize, 1024)])
    _ = refused.start()
    #expect(refused.handle(probe) == Step(outcome: .refused(.badOptions, "User aborted")))
    var aborted = try transfer(5000, [TFTPOption(.tsize, 0)])
    _ = aborted.start()
    _ = aborted.handle(ack(0))
    _ = aborted.handle(ack(1))
    #expect(aborted.handle(probe) == Step(outcome: .aborted(.badOptions, "User aborted")))
    let outcomes: [TFTPTransfer.Outcome] = [
      .complete, .sizeProbe, .refused(.undefined, "a"), .aborted(.undefined, "a"), .gaveUp, .violation,
    ]
    #expect(Set(outcomes.map(\.message)).count == outcomes.count)
  }

  @Test("what no reading client sends ends it with error 4") func violations() throws {
    let packets: [TFTPPacket] = [
      .data(block: 1, []), .options([]), .read(TFTPRequest(name: [])), .write(TFTPRequest(name: [])),
    ]
    for packet in packets {
      var transfer = try transfer(5000)
      _ = transfer.start()
      #expect(transfer.handle(.packet(packet)) == Step(send: .error(.illegalOperation), outcome: .violation))
    }
  }

  @Test("a transfer is small: thousands fit in little memory") func memory() {
    #expect(MemoryLayout<TFTPTransfer>.size <= 80)
  }

  @Test("what is refused before a transfer begins, with the packet that says so") func refusals() throws {
    #expect(throws: TFTPRefusal.write) { _ = try TFTPRequest(name: text("a")).object(isWrite: true) }
    for mode in ["netascii", "mail", "", "octet2"] {
      #expect(throws: TFTPRefusal.mode(mode)) { _ = try TFTPRequest(name: text("a"), mode: text(mode)).object() }
    }
    #expect(try TFTPRequest(name: text("/a"), mode: text("OcTeT")).object() == ObjectName("a"))
    #expect(throws: TFTPRefusal.badName(.parentFolder)) { _ = try TFTPRequest(name: text("../a")).object() }
    let name = try ObjectName("a")
    let refusals: [(TFTPRefusal, UInt16)] = [
      (.write, 2), (.mode("mail"), 4), (.badOption("tsize"), 8), (.badName(.percent), 1), (.notFound(name), 1),
      (.busy, 0),
    ]
    for (refusal, number) in refusals {
      guard case .error(let code, _) = refusal.packet else {
        Issue.record("\(refusal)")
        continue
      }
      #expect(code.rawValue == number && !refusal.message.isEmpty)
    }
    #expect(TFTPRefusal.badName(.percent).packet == TFTPRefusal.notFound(name).packet, "nothing to be learnt")
  }
}
