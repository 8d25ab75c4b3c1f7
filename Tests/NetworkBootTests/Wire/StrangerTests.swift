// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// What strangers with nmap and other tools find of the service: the documented ports, the names of the set, no more.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct StrangerTests {
  private let disk = TestSite.bytes(200_000)

  private func with(
    _ body: @escaping @Sendable (TestWire, WireLog) async throws -> Void
  ) async throws {
    let site = try TestSite()
    try site.publish(
      1,
      [
        .init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso"),
        // A name of nmap's list, to see that it looks.
        .init(name: "pxelinux.0", bytes: Array("a loader".utf8)),
      ], entries: ["uefi-http": "boot/demo.iso"])
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      try await wire.serve(site.path) { try await body(wire, $0) }
    }
  }

  private func nmap(_ wire: TestWire, _ words: String...) async throws -> String {
    try await wire.command(in: "client", ["nmap", "-n", "-Pn", "--host-timeout", "8m"] + words).text()
  }

  /// All 65535 of TCP. Of UDP, the kernel tells which are closed at most 1000 times a second on the whole, so that a scan
  /// of all takes a minute and a half: `make lab-test` makes it. Else it is of those below 1024 and around 4011, and the
  /// socket table tells of the rest (`WireTests`).
  @Test(.enabled(if: Tool.isInstalled("nmap"), "nmap is not installed"))
  func aScanFindsTheDocumentedPortsAlone() async throws {
    try await with { wire, _ in
      // This kernel's limits, of the server's namespace alone, would make the scan of UDP take hours.
      let limits = "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit"
      try await wire.command(in: "srv", ["sh", "-c", limits]).run()
      let tcp = try await nmap(wire, "-sS", "-p-", "-T5", "10.66.0.2")
      #expect(Self.ports(tcp) == ["80/tcp open"], "\(tcp)")
      let range = LabSite.isWanted ? "-p-" : "-p1-1023,4000-4020,8080"
      let rate = LabSite.isWanted ? 800 : 300
      let udp = try await nmap(
        wire, "-sU", range, "-T5", "--min-rate", "\(rate - 100)", "--max-rate", "\(rate)", "--max-retries", "6",
        "10.66.0.2")
      #expect(
        Set(Self.ports(udp)) == ["67/udp open|filtered", "69/udp open", "4011/udp open|filtered"]
          || Set(Self.ports(udp)) == ["67/udp open|filtered", "69/udp open|filtered", "4011/udp open|filtered"],
        "\(udp)")
    }
  }

  private static func ports(_ report: String) -> [String] {
    report.split(separator: "\n").map { $0.split(separator: " ") }
      .filter { $0.count > 1 && ($0[0].hasSuffix("/tcp") || $0[0].hasSuffix("/udp")) && $0[1].hasPrefix("open") }
      .map { "\($0[0]) \($0[1])" }
  }

  @Test(.enabled(if: Tool.isInstalled("nmap"), "nmap is not installed"))
  func itsScriptsFindNamesOfTheSetGetAndHead() async throws {
    try await with { wire, _ in
      let methods = try await nmap(wire, "-p80", "--script", "http-methods", "10.66.0.2")
      #expect(!methods.contains("POST") && !methods.contains("PUT") && !methods.contains("TRACE"), "\(methods)")
      // nmap's tftp-enum gives its port back before it listens there for the answer, and so misses quick ones: its list of
      // names is asked for here by a socket that stays.
      let ask = """
        import socket, sys
        names = [line.strip() for line in open(sys.argv[1], "rb") if line.strip() and line[:1] not in b"#"]
        found = []
        for name in names + [b"boot/demo.iso", b"boot/demo.iso.bak"]:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(1)
            for _ in range(60):  # the server takes 100 of one client's requests a second
                s.sendto(b"\\0\\1" + name + b"\\0octet\\0", ("10.66.0.2", 69))
                try: answer, source = s.recvfrom(2000)
                except TimeoutError: continue
                break
            if answer[:2] != b"\\0\\5":
                found.append(name.decode())
                s.sendto(b"\\0\\5\\0\\0\\0", source)
        print(len(names) > 20, found)
        """
      let list = "/usr/share/nmap/nselib/data/tftplist.txt"
      let found = try await wire.command(in: "client", ["python3", "-c", ask, list]).text()
      #expect(found == "True ['pxelinux.0', 'boot/demo.iso']\n", "\(found)")
      let dhcp = try await nmap(wire, "-e", "eth0", "--script", "broadcast-dhcp-discover")
      // It asks as an ordinary computer: the site's server answers, and this one does not.
      #expect(
        dhcp.contains("Server Identifier: 10.66.0.1") && !dhcp.contains("Server Identifier: 10.66.0.2\n"), "\(dhcp)")
    }
  }

  /// The spellings that have opened other servers' files, as curl, atftp and bare packets send them.
  @Test func noSpellingLeadsOutOfTheSet() async throws {
    let program = """
      import socket, sys, urllib.parse
      names = [b"../../../../etc/passwd", b"/etc/passwd", b"//etc//passwd", b"boot/../../etc/passwd", b"....//....//etc/passwd",
          b"..\\\\..\\\\etc\\\\passwd", b"%2e%2e/%2e%2e/etc/passwd", b"%252e%252e/etc/passwd", b"boot/demo.iso%00.txt",
          b"\\xc0\\xae\\xc0\\xae/etc/passwd", b"\\xe0\\x80\\xae/etc/passwd", b"boot/\\xff\\xfe", b"file:///etc/passwd",
          b"sets/1/index.json", b"current", b"index.json", b"boot", b"boot/", b"~root", b"proc/self/environ", b"a" * 300]
      given = []
      for name in names:
          s = socket.create_connection(("10.66.0.2", 80), 30)
          s.sendall(b"GET /" + name + b" HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
          answer = b""
          while True:
              piece = s.recv(65536)
              if not piece: break
              answer += piece
          if answer[9:12] not in (b"400", b"404"): given.append((name, answer[:40]))
          u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          u.settimeout(30)
          u.sendto(b"\\0\\1" + name + b"\\0octet\\0", ("10.66.0.2", 69))
          answer = u.recv(2000)
          if answer[:2] != b"\\0\\5": given.append((name, answer[:40]))
      for inside in (b"boot/demo.iso\\0.txt", b"boot\\0/demo.iso"):
          s = socket.create_connection(("10.66.0.2", 80), 30)
          s.sendall(b"GET /" + inside + b" HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
          answer = s.recv(65536)
          if answer[9:12] not in (b"400", b"404"): given.append((inside, answer[:40]))
      for request in (b"\\0\\2mine\\0octet\\0", b"\\0\\2boot/demo.iso\\0octet\\0tsize\\00010\\0"):
          u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          u.settimeout(30)
          u.sendto(request, ("10.66.0.2", 69))
          if u.recv(2000)[:4] != b"\\0\\5\\0\\2": given.append(request)
      print(given)
      """
    try await with { [disk] wire, log in
      let outcome = try await wire.command(in: "client", ["python3", "-c", program]).text()
      #expect(outcome == "[]\n")
      func atftp(_ name: String, _ target: FilePath) async throws -> Tool.Outcome {
        let words = ["atftp", "--get", "--remote-file", name, "--local-file", target.string, "10.66.0.2"]
        return try await Tool.run("ip", ["netns", "exec", wire.namespace("client")] + words)
      }
      let whole = wire.scratch.appending("whole")
      let good = try await atftp("boot/demo.iso", whole)
      #expect(try FileTree.bytes(of: whole) == disk, "atftp gets what there is: \(good)")
      for name in ["../../etc/passwd", "/etc/passwd", "boot/%2e%2e/%2e%2e/etc/passwd"] {
        let target = wire.scratch.appending("got")
        let outcome = try await atftp(name, target)
        #expect(((try? FileTree.bytes(of: target)) ?? []).isEmpty, "atftp, \(name): \(outcome)")
        let status = try await wire.command(
          in: "client",
          [
            "curl", "--silent", "--path-as-is", "--output", target.string, "--write-out", "%{http_code}",
            "http://10.66.0.2/\(name)",
          ]
        ).text()
        #expect(status == "404", "curl, \(name)")
      }
      try FileTree.makeFolder(wire.scratch.appending("put"))
      try AtomicFile.write(Array("mine".utf8), to: wire.scratch.appending("put/mine"))
      let put = ["atftp", "--put", "--local-file", wire.scratch.appending("put/mine").string, "--remote-file", "mine"]
      _ = try? await wire.command(in: "client", put + ["10.66.0.2"]).run()
      try await log.line(with: "it wants to store a file")
      #expect(try await wire.command(in: "client", ["curl", "-s", "http://10.66.0.2/boot/demo.iso"]).output() == disk)
    }
  }

  /// The site lies on a disk of its own, which fills up and then fails: full is nothing to a server that writes nothing.
  @Test func aFullDiskIsNothingAndAnEmptiedOneIsTold() async throws {
    let (site, folder) = (try TestSite(), try TemporaryFolder())
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: disk)], entries: ["uefi-http": "boot/demo.iso"])
    let program = try Repository.program("lifeboat").string
    // The mount is the server's alone, and goes with it.
    let script = """
      mount -t tmpfs -o size=1m tmpfs "$1" && cp -a "$2"/. "$1" && { cat /dev/zero >"$1/rest" 2>/dev/null; df "$1" | tail -n 1; }
      place=$1 program=$3
      shift 3
      exec "$program" serve --site "$place" "$@"
      """
    let words = ["sh", "-c", script, "sh", folder.path.string, site.path.string, program]
    try await TestWire.with { [disk] wire in
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      try await wire.serving("srv", words + wire.own + ["--wait", "0"], until: "ready") { log in
        #expect(log.lines.contains { $0.contains("100%") }, "the disk is full")
        let url = "http://10.66.0.2/boot/demo.iso"
        #expect(try await wire.command(in: "client", ["curl", "-s", url]).output() == disk)
        let files = try await wire.command(in: "srv", ["pgrep", "-f", "serve --site \(folder.path)"]).text()
        let process = try #require(files.split(separator: "\n").first.map(String.init))
        let objects = "/proc/\(process)/root\(folder.path)/objects"
        try await ExternalCommand("find", [objects, "-type", "f", "-delete"]).run()
        let code = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url]
        #expect(try await wire.command(in: "client", code).text() == "503")
        let ask = """
          import socket
          s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          s.settimeout(60)
          s.sendto(b"\\0\\1boot/demo.iso\\0octet\\0", ("10.66.0.2", 69))
          print(s.recv(2000))
          """
        let told = try await wire.command(in: "client", ["python3", "-c", ask]).text()
        #expect(told == "b'\\x00\\x05\\x00\\x00cannot read the file\\x00'\n", "\(told)")
        try await log.line(with: "No such file or directory")
      }
    }
  }
}
