// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// Ports that somebody else has, and ports that this user may not have.
@Suite(.serialized, .timeLimit(.minutes(20))) struct PortTests {
  private let site: TestSite

  init() throws {
    site = try TestSite()
    try site.publish(1, [.init(name: "a", bytes: [1])])
  }

  @Test func theHolderOfAPortIsNamed() async throws {
    let socket = try ListeningSocket.bound(to: .tftp(0), interface: nil)
    let port = ServicePort.tftp(socket.port)
    let process = "\(getpid())"
    #expect(throws: NetworkBootFailure.self) { try ListeningSocket.bound(to: port, interface: nil) }
    let holder = try #require(PortHolder.find(port))
    #expect(holder.description.hasSuffix("(process \(process))"), "\(holder)")
    withExtendedLifetime(socket) {}
    #expect(PortHolder.find(.http(socket.port)) == nil, "another transport is another port")
  }

  @Test func aTakenPortEndsTheProgramAndNamesTheHolder() async throws {
    let outcome = try await TestService.with(site) { [site] service in
      try await Repository.lifeboat([
        "serve", "--site", site.path.string, "--interface", "lo", "--http-port", "0", "--tftp-port",
        "\(service.tftpPort)",
      ])
    }
    #expect(outcome.status == 75)
    #expect(outcome.errors.contains("(TFTP) on lo is taken by"), "\(outcome)")
    #expect(outcome.errors.contains("(process \(getpid()))"))
  }

  /// An ordinary user, or root without the right: what the kernel says is told with the way out.
  @Test func aForbiddenPortIsExplained() async throws {
    let first = try String(decoding: FileTree.bytes(of: "/proc/sys/net/ipv4/ip_unprivileged_port_start"), as: UTF8.self)
    guard let first = Int(first.filter(\.isNumber)), first > 80 else {
      try Test.cancel("here anybody may listen on port 80")
    }
    let program = try Repository.program("lifeboat").string
    let prefix = getuid() == 0 ? ["setpriv", "--bounding-set", "-net_bind_service"] : ["env"]
    let outcome = try await Tool.run(
      prefix[0], prefix.dropFirst() + [program, "serve", "--site", site.path.string, "--interface", "lo"])
    #expect(outcome.status == 71, "\(outcome)")
    #expect(outcome.errors.contains("this user may not listen on TCP port 80 (HTTP)"))
    #expect(outcome.errors.contains("setpriv --inh-caps=+net_bind_service"))
  }

  @Test func anInterfaceHasToBeThere() async throws {
    let outcome = try await Repository.lifeboat([
      "serve", "--site", site.path.string, "--interface", "none0", "--dry-run",
    ])
    #expect(outcome.status == 69 && outcome.errors.contains("no network interface \"none0\""), "\(outcome)")
  }

  @Test func tablesOfTheKernelAreRead() {
    let table = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
         1: 0100007F:0050 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
         2: 0100007F:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
         3: broken
      """
    #expect(PortHolder.sockets(in: table, port: .http(80)) == ["4711"])
    #expect(PortHolder.sockets(in: table, port: .tftp(80)) == ["4711", "4712"])
    #expect(PortHolder.sockets(in: "", port: .http(80)).isEmpty)
  }

  /// Runs the program until it says that it is ready, and sends it a signal.
  @Test(arguments: ["INT", "TERM"])
  func aSignalEndsItCleanly(_ signal: String) async throws {
    let script = """
      "$0" serve --site "$1" --interface lo --http-port 0 --tftp-port 0 --mode site \\
        --state "$1/state" --admin "$1/admin.sock" >"$1/log" 2>&1 &
      process=$!
      until grep -q '^ready' "$1/log"; do kill -0 $process || break; done
      kill -\(signal) $process
      wait $process
      echo $?
      cat "$1/log"
      """
    let outcome = try await Tool.run("sh", ["-c", script, try Repository.program("lifeboat").string, site.path.string])
    #expect(outcome.lines.first == "0", "\(outcome)")
    #expect(outcome.lines.last == "ended")
  }
}
