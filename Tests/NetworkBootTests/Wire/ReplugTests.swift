// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// What goes away under the running program: the interface that it was told to serve, the disk that the site lies on.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct ReplugTests {
  private let disk = TestSite.bytes(200_000)

  /// An adapter that is pulled out and put in again is another one to the kernel, with the same name.
  @Test func aNamedInterfaceThatIsMadeAnewIsServedAgain() async throws {
    let site = try TestSite()
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: disk)], entries: ["uefi-http": "boot/demo.iso"])
    try await TestWire.with { [disk] wire in
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      let urls = ["http://10.66.0.2/boot/demo.iso", "tftp://10.66.0.2/boot/demo.iso"]
      @Sendable func expectFiles() async throws {
        for url in urls {
          let curl = wire.command(in: "client", ["curl", "--silent", "--max-time", "60", url])
          #expect(try await curl.output() == disk, "\(url)")
        }
      }
      try await wire.serve(site.path, ["--interface", "eth0"]) { log in
        try await expectFiles()
        let (server, bridge) = (wire.namespace("srv"), wire.namespace("wire"))
        try await wire.ip("-n \(server) link del eth0")
        try await log.line(with: "eth0 (10.66.0.2/24) is gone")
        try await wire.ip("-n \(bridge) link add srv type veth peer name eth0 netns \(server)")
        try await wire.ip("-n \(bridge) link set srv master bridge up")
        try await wire.ip("-n \(server) link set eth0 up")
        try await wire.ip("-n \(server) address add 10.66.0.2/24 dev eth0")
        try await log.line(with: "eth0 (10.66.0.2/24) is served")
        // The client need not find out by itself that the adapter's address is another one too.
        try await wire.ip("-n \(wire.namespace("client")) neigh flush dev eth0")
        try await expectFiles()
        let http16 = "HTTPClient:Arch:00016:UNDI:003000"
        let answers = try await WireClient(wire: wire).discover([("52:54:00:00:00:05", http16, 16, 2)])
        #expect(answers.contains { $0.boot == urls[0] }, "\(answers)")
      }
    }
  }

  /// The end of the disk is taken away beneath the file system, while a client is in the middle of a file.
  @Test(.enabled(if: Loop.isAllowed && Tool.isInstalled("mke2fs"), "needs loop devices and mke2fs"))
  func aDiskThatFailsIsNotTakenForAClientThatLeft() async throws {
    let (site, folder) = (try TestSite(), try TemporaryFolder())
    let large = TestSite.bytes(64 << 20)
    try site.publish(1, [.init(name: "boot/demo.iso", bytes: large)], entries: ["uefi-http": "boot/demo.iso"])
    let image = folder.appending("image")
    try await ExternalCommand("mke2fs", ["-q", "-t", "ext4", "-d", site.path.string, image.string, "100M"]).run()
    let program = try Repository.program("lifeboat").string
    // The mount is the server's alone, and goes with it.
    let script = "mkdir \"$2\" && mount -o loop,ro \"$1\" \"$2\" && shift 2 && exec \"$@\""
    let place = folder.appending("site").string
    let words = ["sh", "-ec", script, "sh", image.string, place, program, "serve", "--site", place]
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      try await wire.serving("srv", words + wire.own + ["--wait", "0"], until: "ready") { log in
        let got = wire.scratch.appending("got")
        let curl = [
          "curl", "--silent", "--limit-rate", "2M", "--output", got.string, "--write-out",
          "%{exitcode} %{size_download}",
          "http://10.66.0.2/boot/demo.iso",
        ]
        async let said = Tool.run("ip", ["netns", "exec", wire.namespace("client")] + curl)
        try await wire.until { (FileTree.status(of: got)?.size ?? 0) > 1 << 20 }
        try await ExternalCommand("truncate", ["--size", "8M", image.string]).run()
        let line = try await log.line(with: "boot/demo.iso: its file cannot be read: ")
        #expect(line.contains("Input/output error"), "\(line)")
        let ends = try await said.output.split(separator: " ").compactMap { Int($0) }
        #expect(ends.count == 2 && [18, 56].contains(ends[0]) && ends[1] < large.count, "\(ends)")
        #expect(!log.lines.contains { $0.contains("the client left") })
      }
    }
  }
}
