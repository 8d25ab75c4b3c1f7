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

  let folder: FilePath
  private let name = "lifeboat-\(getpid())"
  private var served: FilePath { folder.appending("www") }
  private var log: FilePath { folder.appending("http.log") }

  init(_ folder: FilePath) { self.folder = folder }

  /// What the HTTP server was asked for, and said.
  var requests: String { (try? FileTree.text(of: log)) ?? "" }

  /// Lays the objects of a set out under their names; `change` may give one other content.
  func serve(_ site: Site, _ index: SiteIndex, change: (SiteIndex.Object) throws -> [UInt8]? = { _ in nil }) throws {
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
    arguments[place] = "tap,id=network,ifname=tap0,script=no,downscript=no"
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
          if predicate(line) { return lines }
        }
        return nil
      }
      let first = try await group.next().flatMap { $0 }
      guard let first else { throw Ended(requests: requests) }
      return first
    }
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
      inside([
        "sh", "-c", "exec python3 -m http.server 80 --bind 10.77.0.1 --directory \"$1\" >\"$2\" 2>&1", "sh",
        served.string, log.string,
      ]),
    ]
  }

  private func raise() async throws {
    await lower()
    try await ExternalCommand("ip", ["netns", "add", name], package: "iproute2").run()
    for command in ["link set lo up", "tuntap add tap0 mode tap", "addr add 10.77.0.1/24 dev tap0", "link set tap0 up"]
    {
      try await inside(["ip"] + command.split(separator: " ").map(String.init)).run()
    }
  }

  private func lower() async { _ = try? await Tool.run("ip", ["netns", "delete", name]) }

  private func inside(_ words: [String]) -> ExternalCommand {
    ExternalCommand("ip", ["netns", "exec", name] + words, package: "iproute2")
  }
}
