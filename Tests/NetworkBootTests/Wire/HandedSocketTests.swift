// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import Signing
import SystemPackage
import TestSupport
import Testing

/// The service with sockets that somebody else has opened, as systemd does, and without any right of its own.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct HandedSocketTests {
  /// A signed one: its signature has to be checked by a user whom no password database knows.
  private func site() async throws -> TestSite {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "shimx64.efi", bytes: [1, 2, 3]), .init(name: "boot/demo.iso", bytes: [4, 5])],
      entries: ["uefi-x64-pxe": "shimx64.efi", "uefi-http": "boot/demo.iso"])
    try await TemporaryFolder.with { keys in
      let key = try await SiteKey.create(at: keys.appending("key"), comment: "test")
      let index = try FileTree.bytes(of: site.folder.appending("sets/1/index.json"))
      try site.folder.write("sets/1/index.json.sig", try await SiteKey.sign(index, with: keys.appending("key")))
      try site.folder.write("site-key.pub", key.publicKey + "\n")
    }
    return site
  }

  /// A program that opens the sockets of the unit as systemd does, becomes a user without a name, as `DynamicUser=` makes
  /// one, and starts the service.
  private func words(_ program: FilePath, _ site: FilePath, without port: Int? = nil, _ options: [String] = []) throws
    -> [String]
  {
    let unit = try FileTree.text(of: Repository.path("packaging/systemd/lifeboat.socket"))
    let lines = unit.split(separator: "\n").filter { $0.hasPrefix("Listen") && !$0.hasSuffix(":\(port ?? 0)") }
    let launcher = """
      import os, socket, sys
      lines, program = sys.argv[1].split(), sys.argv[2:]
      for number, line in enumerate(lines):
          kind, place = line.split("=")
          address, port = place.rsplit(":", 1)
          s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "ListenStream" else socket.SOCK_DGRAM)
          s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
          if kind != "ListenStream": s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
          s.bind((address, int(port)))
          if kind == "ListenStream": s.listen(512)
          os.dup2(s.detach(), 20 + number)
      for number in range(len(lines)): os.dup2(20 + number, 3 + number)
      os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(lines)))
      os.closerange(3 + len(lines), 64)
      os.execvp("setpriv", ["setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", "--bounding-set=-all",
                            "--inh-caps=-all", "--no-new-privs"] + program)
      """
    return ["python3", "-c", launcher, lines.joined(separator: " "), program.string, "serve", "--site", site.string]
      + options
  }

  @Test func itAnswersWithoutAnyRight() async throws {
    let site = try await site()
    try await ExternalCommand("chmod", ["-R", "a+rX", site.path.string]).run()
    try await TemporaryFolder.with { folder in
      let program = try await Repository.readableProgram(in: folder)
      let words = try words(program, site.path, ["--shadow", "reply", "--wait", "2"])
      try await TestWire.with { wire in
        // A second interface, on no wire of ours: answers go out of the one that was asked.
        try await wire.ip("-n \(wire.namespace("srv")) link add aside0 type veth peer name aside1")
        try await wire.ip("-n \(wire.namespace("srv")) address add 10.88.0.1/24 dev aside0")
        try await wire.ip("-n \(wire.namespace("srv")) link set aside0 up")
        try await wire.serving("srv", words, until: "ready") { log in
          #expect(log.lines.contains("  10.66.0.1 (dhcp), offers an address"), "\(log.lines)")
          #expect(log.lines.contains { $0.contains("set 1, signed by SHA256:") }, "\(log.lines)")
          let status = try await Self.status(wire)
          #expect(status.contains("CapEff:\t0000000000000000") && status.contains("Uid:\t64321"), "\(status)")
          let client = WireClient(wire: wire)
          let answers = try await client.discover([
            ("52:54:00:00:00:03", "PXEClient:Arch:00007:UNDI:003016", 7, 2),
            ("52:54:00:00:00:05", "HTTPClient:Arch:00016:UNDI:003000", 16, 2),
          ])
          let ours = answers.filter { $0.server == "10.66.0.2" }
          #expect(ours.compactMap(\.boot) == ["http://10.66.0.2/boot/demo.iso"], "\(answers)")
          #expect(ours.contains { $0.type == nil && $0.file == "shimx64.efi" }, "\(answers)")
          try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
          for url in ["http://10.66.0.2/boot/demo.iso", "tftp://10.66.0.2/boot/demo.iso"] {
            #expect(try await wire.command(in: "client", ["curl", "--silent", url]).output() == [4, 5])
          }
          // An interface that comes back is served through the same sockets.
          let server = wire.namespace("srv")
          try await wire.ip("-n \(server) address del 10.66.0.2/24 dev eth0")
          try await log.line(with: "eth0 (10.66.0.2/24) is gone")
          try await wire.ip("-n \(server) address add 10.66.0.7/24 dev eth0")
          try await log.line(with: "eth0 (10.66.0.7/24) is served")
          let later = try await client.discover([("52:54:00:00:00:06", "HTTPClient:Arch:00016:UNDI:003000", 16, 2)])
          #expect(later.contains { $0.boot == "http://10.66.0.7/boot/demo.iso" }, "\(later)")
        }
      }
    }
  }

  @Test func aMissingSocketIsNamed() async throws {
    let site = try await site()
    try await ExternalCommand("chmod", ["-R", "a+rX", site.path.string]).run()
    try await TemporaryFolder.with { folder in
      let program = try await Repository.readableProgram(in: folder)
      let words = try words(program, site.path, without: 68, ["--shadow", "reply"])
      try await TestWire.with { wire in
        let failure = try await #require(throws: ExternalCommand.Failure.self) {
          try await wire.command(in: "srv", words).run()
        }
        #expect(failure.message.contains("but not UDP port 68 (DHCP client)"), "\(failure)")
        #expect(failure.message.contains("Add to lifeboat.socket: ListenDatagram=255.255.255.255:68"), "\(failure)")
      }
    }
  }

  private static func status(_ wire: TestWire) async throws -> String {
    let process = "$(ss -Hlntp 'sport = :80' | sed 's/.*pid=\\([0-9]*\\).*/\\1/')"
    return try await wire.command(in: "srv", ["sh", "-c", "cat /proc/\(process)/status"]).text()
  }
}
