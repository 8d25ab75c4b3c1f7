// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import TestSupport

/// A DHCP client that says of itself whatever a test wants, in the client's namespace: a Python program with a socket.
struct WireClient: Sendable {
  let wire: TestWire

  /// An answer, by the numbers of its options in hexadecimal.
  struct Answer: Decodable, Sendable {
    var mac: String
    var server: String
    /// Where the packet came from: address and port.
    var source: String
    var yours: String
    var next: String
    var file: String
    var type: Int?
    var vendor: String?
    var boot: String?
    /// The whole packet in hexadecimal.
    var packet: String
  }

  /// Sends one DISCOVER for each client and gathers answers until each has so many.
  /// - Parameter clients: hardware address, vendor class, architecture (option 93; negative for none), answers to wait for.
  func discover(_ clients: [(mac: String, vendor: String, architecture: Int, answers: Int)]) async throws -> [Answer] {
    let arguments = clients.flatMap { [$0.mac, $0.vendor, "\($0.architecture)", "\($0.answers)"] }
    return try await run("discover", arguments)
  }

  /// The same as iPXE that speaks HTTP asks: user class and features beside the firmware's vendor class.
  func discoverIPXE(_ mac: String, vendor: String, architecture: Int, answers: Int) async throws -> [Answer] {
    try await run("ipxe", [mac, vendor, "\(architecture)", "\(answers)"])
  }

  /// Sends one DISCOVER for each client without looking at any answer.
  func send(_ clients: [(mac: String, vendor: String, architecture: Int)]) async throws {
    _ = try await discover(clients.map { ($0.mac, $0.vendor, $0.architecture, 0) })
  }

  /// Sends one DISCOVER as it would come from a relay agent, once for each number of agents that it may have passed.
  func sendRelayed(_ mac: String, by relay: String, hops: ClosedRange<Int>) async throws {
    _ = try await run("relayed", [mac, relay, "\(hops.lowerBound)", "\(hops.upperBound)"])
  }

  /// Gets an address from the site's server as any computer does.
  func lease(_ mac: String) async throws -> [Answer] { try await run("lease", [mac]) }

  /// Broadcasts an OFFER of a boot file in the name of a server (option 54) that may be somebody else, or nobody.
  func forgeOffer(of server: String, to mac: String) async throws { _ = try await run("forge", [server, mac]) }

  /// Asks the PXE boot server at an address, from the client's own address and a port that the kernel chooses, which an
  /// answer has to come back to.
  func askBootServer(_ server: String, from own: String, mac: String, vendor: String, architecture: Int) async throws
    -> [Answer]
  {
    try await run("ask", [server, own, mac, vendor, "\(architecture)"])
  }

  /// Sends DISCOVERs of so many clients without looking at any answer; some of the options fill a frame.
  func flood(_ count: Int, vendor: String = "HTTPClient:Arch:00016:UNDI:003000", architecture: Int = 16) async throws {
    _ = try await run("flood", ["\(count)", vendor, "\(architecture)"])
  }

  private func run(_ verb: String, _ arguments: [String]) async throws -> [Answer] {
    let command = wire.command(in: "client", ["python3", "-c", Self.program, verb] + arguments)
    let text = try await command.text()
    return try text.split(separator: "\n").map { try JSONDecoder().decode(Answer.self, from: Data($0.utf8)) }
  }

  private static let program = """
    import socket, struct, sys, json, random
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind(("", 68))
    s.settimeout(20)
    def option(code, value): return bytes([code, len(value)]) + value
    def send(mac, kind, vendor="", arch=-1, extra=b"", hops=0, relay=bytes(4), own="0.0.0.0",
             to=("255.255.255.255", 67)):
        card = bytes.fromhex(mac.replace(":", ""))
        packet = struct.pack("!BBBBIHH4s4s4s4s16s", 1, 1, 6, hops, int.from_bytes(card[2:], "big"), 0,
                             0x8000 if own == "0.0.0.0" else 0, socket.inet_aton(own), bytes(4), bytes(4), relay, card)
        packet += bytes(192) + b"\\x63\\x82\\x53\\x63" + option(53, bytes([kind]))
        packet += option(55, bytes([1, 3, 6, 43, 54, 60, 66, 67]))
        if vendor: packet += option(60, vendor.encode())
        if arch >= 0: packet += option(93, struct.pack("!H", arch)) + option(94, bytes([1, 3, 0]))
        packet += extra + b"\\xff"
        s.sendto(packet + bytes(max(0, 300 - len(packet))), to)
    def receive():
        data, source = s.recvfrom(4096)
        options, i = {}, 240
        while i < len(data) and data[i] != 255:
            if data[i] == 0: i += 1; continue
            options[data[i]] = options.get(data[i], b"") + data[i + 2:i + 2 + data[i + 1]]
            i += 2 + data[i + 1]
        text = lambda code: options[code].rstrip(b"\\0").decode("latin1") if code in options else None
        ip = lambda value: ".".join(str(b) for b in value)
        return dict(mac=":".join("%02x" % b for b in data[28:34]), server=ip(options.get(54, b"")), yours=ip(data[16:20]),
                    source="%s:%d" % source, next=ip(data[20:24]), file=data[108:236].split(b"\\0")[0].decode("latin1"),
                    type=options[53][0] if 53 in options else None, vendor=text(60), boot=text(67),
                    packet=data.hex())
    verb, words = sys.argv[1], sys.argv[2:]
    if verb in ("discover", "ipxe"):
        wanted = {}
        extra = option(77, b"iPXE") + option(175, b"\\x13\\1\\1") if verb == "ipxe" else b""
        for mac, vendor, arch, answers in zip(*[iter(words)] * 4):
            wanted[mac] = int(answers)
            send(mac, 1, vendor, int(arch), extra)
        while any(n > 0 for n in wanted.values()):
            answer = receive()
            if answer["mac"] in wanted:
                wanted[answer["mac"]] -= 1
                print(json.dumps(answer))
    elif verb == "lease":
        send(words[0], 1)
        offer = receive()
        print(json.dumps(offer))
        number = lambda text: bytes(int(part) for part in text.split("."))
        send(words[0], 3, extra=option(50, number(offer["yours"])) + option(54, number(offer["server"])))
        print(json.dumps(receive()))
    elif verb == "relayed":
        number = lambda text: bytes(int(part) for part in text.split("."))
        for hops in range(int(words[2]), int(words[3]) + 1):
            send(words[0], 1, "HTTPClient:Arch:00016:UNDI:003000", 16, hops=hops, relay=number(words[1]))
    elif verb == "ask":
        address, own, mac, vendor, arch = words
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(20)
        s.bind((own, 0))
        send(mac, 3, vendor, int(arch), own=own, to=(address, 4011))
        print(json.dumps(receive()))
    elif verb == "forge":
        card = bytes.fromhex(words[1].replace(":", ""))
        number = bytes(int(part) for part in words[0].split("."))
        packet = struct.pack("!BBBBI4x12s4s16s192x", 2, 1, 6, 0, 7, bytes(12), bytes(4), card) + b"\\x63\\x82\\x53\\x63"
        packet += option(53, b"\\2") + option(54, number) + option(60, b"PXEClient") + option(67, b"forged.efi") + b"\\xff"
        f = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        f.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        f.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")
        f.bind(("", 67))
        f.sendto(packet, ("255.255.255.255", 68))
    elif verb == "flood":
        random.seed(7)
        for i in range(int(words[0])):
            send("52:54:%02x:%02x:%02x:%02x" % tuple(random.randbytes(4)), 1, words[1], int(words[2]),
                 extra=option(43, bytes(255)) * (i % 5))
    """
}
