// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Packets that claim to be somebody else's.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct ForgeryTests {
  private let disk = TestSite.bytes(600_000)
  private let client16 = (
    mac: "52:54:00:00:00:05", vendor: "HTTPClient:Arch:00016:UNDI:003000", architecture: 16, answers: 2
  )

  private func site() throws -> TestSite {
    let site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: disk)], entries: ["uefi-http": "boot/demo.iso"])
    return site
  }

  /// A transfer belongs to one address and port on each side (RFC 1350, section 4).
  @Test func aTransferIsNotEndedByAnotherPort() async throws {
    let program = """
      import hashlib, socket, struct, time
      def udp(address):
          s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          s.bind((address, 0))
          s.settimeout(60)
          return s
      mine, others = udp("10.66.0.9"), [udp("10.66.0.9"), udp("10.66.0.10")]
      mine.sendto(b"\\0\\1boot/demo.iso\\0octet\\0blksize\\0001428\\0", ("10.66.0.2", 69))
      data, peer = mine.recvfrom(2048)
      content, block = b"", 0
      while True:
          if block in (0, 100, 200):
              for other in others:
                  for packet in (b"\\0\\5\\0\\0gone\\0", b"\\0\\5\\0\\5\\0", b"\\0\\4\\xff\\xff",
                                 struct.pack("!HH", 4, block + 1), b"\\0\\3\\0\\1" + bytes(512), b"\\0\\1boot/demo.iso\\0octet\\0", b"\\0", b""):
                      other.sendto(packet, peer)
              time.sleep(0.3)
          mine.sendto(struct.pack("!HH", 4, block), peer)
          block += 1
          while data[:4] != struct.pack("!HH", 3, block):
              data, source = mine.recvfrom(2048)
              if source != peer: raise SystemExit("from %s: %r" % (source, data[:40]))
          content += data[4:]
          if len(data) < 1432: break
      mine.sendto(struct.pack("!HH", 4, block), peer)
      for other in others:
          other.settimeout(0.5)
          try:
              while True:
                  data = other.recv(2048)
                  if data[:2] != b"\\0\\5": raise SystemExit("another port was given %r" % data[:40])
          except OSError: pass
      print(hashlib.sha256(content).hexdigest())
      """
    let site = try site()
    try await TestWire.with { [disk] wire in
      for address in ["10.66.0.9", "10.66.0.10"] {
        try await wire.ip("-n \(wire.namespace("client")) address add \(address)/24 dev eth0")
      }
      try await wire.serve(site.path) { log in
        let digest = try await wire.command(in: "client", ["python3", "-c", program]).text()
        #expect(digest == "\(Digest(of: disk).hex)\n")
        try await log.line(with: "tftp 10.66.0.9: boot/demo.iso, 600.0 kB in")
      }
    }
  }

  /// What anybody on the wire can do: an OFFER in another boot server's name makes this one keep silent, which the log
  /// says, and the policy can forbid. One in our own name does nothing.
  @Test func aForgedOfferIsSaidAndCanBeIgnored() async throws {
    let site = try site()
    try await TestWire.with { [client16] wire in
      let client = WireClient(wire: wire)
      let silence = "the boot server 10.66.0.77 answers on eth0; nothing is offered beside it"
      try await wire.serve(site.path) { log in
        try await client.forgeOffer(of: "10.66.0.2", to: "52:54:00:00:00:66")
        let before = try await client.discover([client16])
        #expect(before.contains { $0.boot == "http://10.66.0.2/boot/demo.iso" }, "\(before)")
        #expect(!log.lines.contains { $0.contains("nothing is offered beside it") }, "\(log.lines)")
        try await client.forgeOffer(of: "10.66.0.77", to: "52:54:00:00:00:66")
        try await log.line(with: silence)
        try await client.send([("52:54:00:00:00:07", client16.vendor, 16)])
        try await log.line(with: "52:54:00:00:00:07: no answer: the boot server 10.66.0.77 boots machines here")
      }
      let policy = wire.scratch.appending("policy.toml")
      try AtomicFile.write(Array("lifeboat-serve = 1\nyield = false\n".utf8), to: policy)
      try await wire.serve(site.path, ["--policy", policy.string]) { log in
        try await client.forgeOffer(of: "10.66.0.77", to: "52:54:00:00:00:66")
        try await log.line(with: "10.66.0.77 answers on eth0")
        let after = try await client.discover([client16])
        #expect(after.contains { $0.boot == "http://10.66.0.2/boot/demo.iso" }, "\(after)")
        #expect(!log.lines.contains { $0.contains("nothing is offered beside it") }, "\(log.lines)")
      }
    }
  }
}
