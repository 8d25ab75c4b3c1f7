// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import TrialMachine

/// A network of its own: a namespace with a tap for a virtual computer, a DHCP server that knows nothing of booting, and
/// an HTTP server, both foreign programs. Nothing of it is seen outside.
struct NetworkLab: Sendable {
  /// Where the HTTP server is; the first address is nobody's.
  static let servers = ["http://10.77.0.9", "http://10.77.0.1"]
  static var isPossible: Bool {
    getuid() == 0 && ["ip", "busybox", "python3"].allSatisfy { Tool.isInstalled($0) }
  }

  /// What the computer is asked for by: QEMU's first or second hardware address, and the UUID that `inventory` gives it.
  private var identity: String {
    "tier1/52540012345\(hasOtherNetwork ? 7 : 6)/6b1f5a0e-9c43-4b0e-8c0e-2f5d5d3f0a11"
  }
  static let inventory = ["-uuid", "6b1f5a0e-9c43-4b0e-8c0e-2f5d5d3f0a11"]

  let folder: FilePath
  /// Whether the HTTP server hands out parts of files: busybox' does, Python's does not.
  var knowsRanges = false
  /// Whether the computer has another adapter before this one, in a network where nobody answers.
  var hasOtherNetwork = false
  private let name = "lifeboat-\(getpid())-\(UInt16.random(in: 0...UInt16.max))"
  private var served: FilePath { folder.appending("www") }
  private var log: FilePath { folder.appending("http.log") }

  init(_ folder: FilePath, knowsRanges: Bool = false, hasOtherNetwork: Bool = false) {
    self.folder = folder
    self.knowsRanges = knowsRanges
    self.hasOtherNetwork = hasOtherNetwork
  }

  /// Has the server answer what the computer asks for approval with.
  func admit(_ answer: String) {
    let place = served.appending("admission/\(identity)")
    try? FileTree.makeFolder(place.removingLastComponent())
    try? AtomicFile.write(Array((answer + "\n").utf8), to: place)
  }

  /// Takes the HTTP server (the one with ranges) away for 20 seconds.
  func pause() { try? AtomicFile.write([], to: folder.appending("pause")) }

  /// What the HTTP server was asked for, and said.
  var requests: String { (try? FileTree.text(of: log)) ?? "" }

  /// Lays the objects of a set out under their names; `change` may give one other content.
  func serve(_ site: Site, _ index: SetIndex, change: (SetIndex.Object) throws -> [UInt8]? = { _ in nil }) throws {
    for object in index.objects {
      let place = served.appending(object.name)
      try FileTree.makeFolder(place.removingLastComponent())
      if let bytes = try change(object) {
        try AtomicFile.write(bytes, to: place)
      } else {
        try FileTree.makeLink(place, to: site.path(of: object).string)
      }
    }
  }

  /// Starts a computer in the network and waits for a line of its serial port.
  func start(
    _ machine: TrialMachine, limit: Duration, until predicate: @escaping @Sendable (String) -> Bool
  ) async throws -> [String] {
    try await raise()
    do {
      let lines = try await watch(machine, limit, predicate)
      await lower()
      return lines
    } catch {
      await lower()
      throw error
    }
  }

  private func watch(
    _ machine: TrialMachine, _ limit: Duration, _ predicate: @escaping @Sendable (String) -> Bool
  ) async throws -> [String] {
    var machine = machine
    machine.console = .output
    machine.hasNetwork = true
    var arguments = try machine.command().arguments
    guard let place = arguments.firstIndex(where: { $0.hasPrefix("user,id=network") }) else { return [] }
    arguments[place] = "tap,id=network,ifname=\(hasOtherNetwork ? "tap1" : "tap0"),script=no,downscript=no"
    if hasOtherNetwork {
      arguments += [
        "-netdev", "tap,id=other,ifname=tap0,script=no,downscript=no", "-device", "e1000,netdev=other,romfile=",
      ]
    }
    // A kernel that QEMU starts by itself has that place.
    if arguments.contains("-kernel") { arguments = arguments.map { $0.replacing(",bootindex=0", with: "") } }
    let computer = inside(["qemu-system-x86_64"] + arguments)
    let (stream, continuation) = AsyncStream.makeStream(of: String.self)
    return try await withThrowingTaskGroup(of: [String]?.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        defer { continuation.finish() }
        try await computer.run { continuation.yield($0) }
        return nil
      }
      for server in try servers() {
        group.addTask {
          try await server.run()
          return nil
        }
      }
      group.addTask {
        try await Task.sleep(for: limit)
        return nil
      }
      group.addTask {
        var lines: [String] = []
        for await line in stream {
          // Progress is drawn over itself.
          lines += line.split(separator: "\r").map(String.init)
          if predicate(line) {
            if let address = Self.address(in: lines), try await answers(address) { lines.insert(Self.reachable, at: 0) }
            return lines
          }
        }
        return nil
      }
      let first = try await group.next().flatMap { $0 }
      guard let first else { throw Ended(requests: requests) }
      return first
    }
  }

  /// The first line of a computer that still answered at its address when it had said what was waited for.
  static let reachable = "(answers at its address)"

  private static func address(in lines: [String]) -> String? {
    lines.compactMap { $0.firstMatch(of: /has the address ([0-9.]*[0-9])/).map { String($0.1) } }.last
  }

  private func answers(_ address: String) async throws -> Bool {
    let asking = inside(["busybox", "arping", "-f", "-c", "3", "-w", "4", "-I", "tap0", address])
    return try await Tool.run(asking.program, asking.arguments).status == 0
  }

  struct Ended: Error { var requests: String }

  private func servers() throws -> [ExternalCommand] {
    let leases = folder.appending("leases")
    try AtomicFile.write([], to: leases)
    let settings = folder.appending("udhcpd.conf")
    let text = """
      start 10.77.0.100
      end 10.77.0.120
      interface tap0
      lease_file \(leases)
      pidfile \(folder.appending("udhcpd.pid"))
      option subnet 255.255.255.0
      option lease 600

      """
    try AtomicFile.write(Array(text.utf8), to: settings)
    return [
      inside(["busybox", "udhcpd", "-f", settings.string]),
      knowsRanges
        ? pausing
        : inside([
          "sh", "-c", "exec python3 -m http.server 80 --bind 10.77.0.1 --directory \"$1\" >\"$2\" 2>&1", "sh",
          served.string, log.string,
        ]),
    ]
  }

  /// busybox' server, ended and started again when asked to.
  private var pausing: ExternalCommand {
    let script = """
      trap 'kill $server; exit' TERM
      while :; do
        busybox httpd -f -p 10.77.0.1:80 -h "$1" & server=$!
        until [ -e "$2" ]; do sleep 0.2; done
        kill $server; sleep 20; rm "$2"
      done
      """
    return inside(["sh", "-c", script, "sh", served.string, folder.appending("pause").string])
  }

  private func raise() async throws {
    await lower()
    try await ExternalCommand("ip", ["netns", "add", name], package: "iproute2").run()
    for command in [
      "link set lo up", "tuntap add tap0 mode tap", "addr add 10.77.0.1/24 dev tap0", "link set tap0 up",
      "tuntap add tap1 mode tap", "link set tap1 up",
    ] {
      try await inside(["ip"] + command.split(separator: " ").map(String.init)).run()
    }
  }

  private func lower() async { _ = try? await Tool.run("ip", ["netns", "delete", name]) }

  private func inside(_ words: [String]) -> ExternalCommand {
    ExternalCommand("ip", ["netns", "exec", name] + words, package: "iproute2")
  }
}
