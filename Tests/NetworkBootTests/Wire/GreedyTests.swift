// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// One computer that takes all that it can get, beside one that wants a single file.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct GreedyTests {
  private struct Outcome: Decodable {
    var served: Int
    var refused: Int
    /// Parts of the file that the modest one had, and the greedy one's transfers on average, when the first of all
    /// transfers was complete.
    var modest: Double
    var greedy: Double
  }

  @Test(arguments: [("http", 160, 128), ("tftp", 48, 32)])
  func aGreedyNeighbourIsHeldToItsLimit(_ way: String, _ asked: Int, _ limit: Int) async throws {
    let disk = TestSite.bytes(way == "http" ? 8_000_000 : 1_400_000)
    let site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: disk)], entries: ["uefi-http": "boot/demo.iso"])
    let outcome = try await TestWire.with { wire in
      for address in ["10.66.0.9", "10.66.0.10"] {
        try await wire.ip("-n \(wire.namespace("client")) address add \(address)/24 dev eth0")
      }
      return try await wire.serve(site.path) { _ in
        let command = wire.command(
          in: "client", ["python3", "-c", Self.program, way, "\(asked)", "\(disk.count)"])
        return try JSONDecoder().decode(Outcome.self, from: Data(try await command.output()))
      }
    }
    #expect(outcome.served == limit + 1 && outcome.refused == asked - limit, "\(outcome)")
    #expect(outcome.modest > outcome.greedy / 4, "\(outcome)")
  }

  /// All in one process, so that none of them is slow by itself; the modest one comes last.
  private static let program = """
    import json, select, socket, struct, sys
    way, asked, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    class HTTP:
        def __init__(self, address):
            self.socket, self.got, self.head = socket.socket(), 0, b""
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 << 10)
            self.socket.bind((address, 0))
            self.socket.connect(("10.66.0.2", 80))
            try: self.socket.sendall(b"GET /boot/demo.iso HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            except OSError: pass
        def take(self):
            data = self.socket.recv(65536)
            if not data: return False
            if b"\\r\\n\\r\\n" not in self.head:
                self.head += data
                if not self.head.startswith(b"HTTP/1.1 200 "): return False
                if b"\\r\\n\\r\\n" not in self.head: return True
                data = self.head.split(b"\\r\\n\\r\\n", 1)[1]
            self.got += len(data)
            return True
    class TFTP:
        def __init__(self, address):
            self.socket, self.got, self.block = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0, 1
            self.socket.bind((address, 0))
            self.socket.sendto(b"\\0\\1boot/demo.iso\\0octet\\0blksize\\0001428\\0", ("10.66.0.2", 69))
        def take(self):
            data, source = self.socket.recvfrom(2048)
            if data[:2] == b"\\0\\5": return False
            if data[:2] == b"\\0\\6": number = 0
            else:
                number = struct.unpack("!H", data[2:4])[0]
                if number != self.block: return True
                self.got, self.block = self.got + len(data) - 4, self.block + 1
            self.socket.sendto(struct.pack("!HH", 4, number), source)
            return True
    kind = HTTP if way == "http" else TFTP
    all = [kind("10.66.0.9") for _ in range(asked)] + [kind("10.66.0.10")]
    modest, refused, served, answer = all[-1], 0, 0, None
    poll, open = select.epoll(), {}
    for one in all:
        one.socket.setblocking(False)
        poll.register(one.socket, select.EPOLLIN)
        open[one.socket.fileno()] = one
    while open:
        ready = poll.poll(60)
        if not ready: raise SystemExit("%d stand still, the modest one has %d bytes" % (len(open), modest.got))
        for number, _ in ready:
            one = open[number]
            try: goes = one.take()
            except OSError: goes = False
            if goes and one.got < size: continue
            poll.unregister(number)
            del open[number]
            if one.got < size:
                refused += 1
                continue
            served += 1
            if answer is None:
                others = [other.got for other in all[:-1] if other.got]
                answer = {"modest": modest.got / size, "greedy": sum(others) / len(others) / size}
    print(json.dumps(dict(answer, served=served, refused=refused)))
    """
}
