// SPDX-License-Identifier: GPL-3.0-or-later
import NetworkBootProtocol
import TestSupport
import Testing

/// 20,000 wrong packets for each protocol; `LIFEBOAT_FUZZ_PACKETS=1000000` for more. What would trap ends the test.
@Suite("Wrong packets of every kind") struct FuzzTests {
  @Test("DHCP: read or refused, written as read, answered within limits") func dhcp() throws {
    var mutator = Mutator(seed: 4)
    let seeds = Firmware.allCases.map(\.discover) + [try Wire.offer(to: Firmware.x64.packet()).serialised()]
    let views = [
      ServerView.everything, ServerView.everything.with { $0.shadow = .commit },
      ServerView.everything.with {
        $0.mode = .site
        $0.uefiNaming = .atBootServer
        $0.policy = .approve
      },
    ]
    let wait = try #require(views[1].decide(.x64).wait)
    var read = 0
    var answered = 0
    for index in 0..<Mutator.count {
      let bytes = mutator.mutate(seeds[index % seeds.count])
      guard let packet = try? DHCPPacket(parsing: bytes) else { continue }
      read += 1
      // Options from the fields before are written behind, so a packet may grow by what it had there.
      let written = try packet.serialised(limit: .max)
      #expect(written.count <= bytes.count + 300)
      #expect(try DHCPPacket(parsing: written) == packet)
      for (arrival, plane) in [(Wire.broadcast, Plane.dhcp), (Wire.unicast, .bootServer)] {
        guard let answer = views[index % views.count].decide(packet, arrival: arrival, at: plane).answer else {
          continue
        }
        answered += 1
        let count = try answer.bytes().count
        #expect((300...1472).contains(count) && count <= answer.limit)
        #expect(answer.packet.transaction == packet.transaction && answer.packet.operation == .reply)
      }
      if case .answer(let answer, let commit) = wait.step(seeing: packet) {
        #expect(try answer.bytes().count <= answer.limit)
        #expect(try (commit?.packet.serialised().count ?? 0) <= 576)
      }
      _ = SeenServer(observing: packet, on: "eth0", own: Wire.server)
    }
    #expect(read > Mutator.count / 10 && answered > Mutator.count / 100, "the changes are small enough to matter")
  }

  @Test("TFTP: read or refused, written as read; a transfer takes anything") func tftp() throws {
    var mutator = Mutator(seed: 5)
    let options = [
      TFTPOption(.tsize, 0), TFTPOption(.blksize, 1468), TFTPOption(.windowsize, 4), TFTPOption(.timeout, 3),
    ]
    let seeds: [TFTPPacket] = [
      .read(TFTPRequest(name: text("/grub/grub.cfg"), options: options)), .write(TFTPRequest(name: text("a"))),
      .data(block: 1, [1, 2, 3]), .acknowledgement(block: 1), .error(.undefined, text("no")), .options(options),
    ]
    var transfer = try TFTPTransfer(TFTPRequest(name: text("a"), options: options), size: 1 << 30)
    _ = transfer.start()
    for index in 0..<Mutator.count {
      guard let packet = try? TFTPPacket(parsing: mutator.mutate(seeds[index % seeds.count].serialised)) else {
        continue
      }
      #expect(try TFTPPacket(parsing: packet.serialised) == packet)
      let step = transfer.handle(.packet(packet))
      if case .blocks(let range) = step.send { #expect(range.count <= transfer.window) }
      if case .read(let request) = packet, let name = try? request.object() {
        expectHarmless(name)
        if let other = try? TFTPTransfer(request, size: index) {
          #expect(other.blockSize <= 1468 && other.window <= 16 && other.options.serialised.count <= 512)
          transfer = other
          _ = transfer.start()
        }
      } else if step.outcome != nil {
        transfer = try TFTPTransfer(TFTPRequest(name: text("a"), options: options), size: 1 << 30)
        _ = transfer.start()
      }
    }
  }

  @Test("names: refused, or harmless and stable") func names() throws {
    var mutator = Mutator(seed: 6)
    let seeds = ["/grub/x86_64-efi/command.lst", "\\boot\\..\\a", "http://10.66.0.2/a?b=c", "//a/./%2e%2e/b"].map(text)
    for index in 0..<Mutator.count {
      let bytes = mutator.mutate(seeds[index % seeds.count])
      if let name = try? ObjectName(tftp: bytes) { expectHarmless(name) }
      if let target = try? RequestTarget(parsing: bytes, authorities: ["10.66.0.2"]) { expectHarmless(target.name) }
    }
  }

  private func expectHarmless(_ name: ObjectName) {
    let parts = name.text.split(separator: "/", omittingEmptySubsequences: false)
    #expect(!parts.contains { $0.isEmpty || $0 == "." || $0 == ".." })
    #expect(
      name.text.utf8.count <= ObjectName.longest && name.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x5c })
    #expect((try? ObjectName(name.text)) == name)
  }
}
