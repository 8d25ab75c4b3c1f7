// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

private let canHaveNetworks = ["busybox", "ip", "python3", "unshare"].allSatisfy { Tool.isInstalled($0) }

/// The second stage of a start from the network, as busybox' shell runs it, against foreign servers in a network
/// namespace of its own: python's, which knows no ranges, and busybox', which does.
@Suite(.enabled(if: canHaveNetworks, "needs busybox, iproute2, python3 and network namespaces"))
struct NetworkBootTests {
  private static let content = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })

  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    try folder.write("good/layers/object", Self.content)
    try folder.write("bad/layers/object", Self.content.dropLast() + [Self.content[Self.content.count - 1] ^ 1])
    try folder.write("short/layers/object", Array(Self.content.prefix(1000)))
    try folder.write("long/layers/object", Self.content + [0])
    try folder.write("empty/other", "")
  }

  /// Fetches one layer from servers that serve these folders, in this order.
  /// - Parameter part: what an earlier try has left.
  private func fetch(_ servers: [String], part: [UInt8]? = nil) async throws -> (status: String, output: String) {
    if let part { try folder.write("file", part) }
    let urls = servers.indices.map { "http://127.0.0.1:\(8001 + $0)" }
    let starts = servers.enumerated().map { index, name in
      let place = folder.appending(name).string
      switch name {
      case "nobody": return ":"
      case "ranges": return "busybox httpd -f -p 127.0.0.1:\(8001 + index) -h '\(folder.appending("good"))' &"
      default: return "python3 -m http.server --bind 127.0.0.1 --directory '\(place)' \(8001 + index) >/dev/null 2>&1 &"
      }
    }
    let script = """
      set -u
      ip link set lo up
      \(starts.joined(separator: "\n"))
      for port in \(servers.indices.filter { servers[$0] != "nobody" }.map { $0 == 0 ? "1F41" : "1F42" }.joined(separator: " ")); do
        until grep -q "0100007F:$port 00000000:0000 0A" /proc/net/tcp; do sleep 0.1; done
      done
      lifeboat_say() { printf "$@"; }
      . '\(SourceTests.build.appending("initramfs/lifeboat/network-boot"))'
      lifeboat_servers='\(urls.joined(separator: " "))'
      lifeboat_pauses='0 0 0 0 0'
      lifeboat_fetch 10-base.squashfs \(Self.content.count) \(Digest(of: Self.content)) layers/object '\(folder.appending("file"))'
      printf '\\nstatus %d\\n' "$?"
      kill $(jobs -p) 2>/dev/null
      """
    let outcome = try await Tool.run("unshare", ["-rn", "busybox", "sh", "-c", script])
    let status = outcome.lines.last { $0.hasPrefix("status ") } ?? "\(outcome)"
    return (status, outcome.output)
  }

  private var fetched: [UInt8]? { try? FileTree.bytes(of: folder.appending("file")) }

  @Test(arguments: [
    ["good"], ["ranges"], ["nobody", "good"], ["empty", "good"], ["bad", "good"], ["short", "good"],
  ])
  func aGoodServerIsEnough(servers: [String]) async throws {
    let result = try await fetch(servers)
    #expect(result.status == "status 0" && result.output.contains("100 %  checked"), "\(result)")
    #expect(fetched == Self.content)
  }

  @Test(arguments: ["good", "ranges"], [1, 100_000, 299_999]) func aBrokenTransferGoesOn(server: String, at: Int)
    async throws
  {
    let result = try await fetch([server], part: Array(Self.content.prefix(at)))
    #expect(result.status == "status 0", "\(result)")
    #expect(fetched == Self.content)
  }

  /// What another server sent of it may be wrong: then all of it comes from one.
  @Test func aWrongPartIsThrownAway() async throws {
    let result = try await fetch(["ranges"], part: [UInt8](repeating: 9, count: 5000))
    #expect(result.status == "status 0" && result.output.contains("sent something else"), "\(result)")
    #expect(fetched == Self.content)
  }

  @Test(arguments: [["bad"], ["bad", "long"], ["nobody", "bad"], ["long"]]) func wrongBytes(servers: [String])
    async throws
  {
    let result = try await fetch(servers)
    #expect(result.status == "status 2", "\(result)")
    #expect((fetched ?? []).isEmpty)
  }

  @Test(arguments: [["nobody"], ["empty"], ["short"], ["nobody", "empty"]]) func nobodyHasIt(servers: [String])
    async throws
  {
    let result = try await fetch(servers)
    #expect(result.status == "status 1", "\(result)")
    #expect(fetched != Self.content)
  }
}
