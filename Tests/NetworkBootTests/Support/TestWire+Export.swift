// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport

/// What an export is for: other people's servers in the namespace `srv`.
extension TestWire {
  /// Runs nginx with an export beside `body`; its logs and its own files are in memory, and go with it.
  func withNginx(_ export: FilePath, _ body: @escaping @Sendable () async throws -> Void) async throws {
    // ip netns exec gives its program a mount namespace.
    let script = """
      for place in /run /var/log/nginx /var/lib/nginx; do mount -t tmpfs tmpfs "$place"; done
      nginx -t -p "$1" -c nginx.conf 2>&1 && exec nginx -p "$1" -c nginx.conf -g "daemon off;"
      """
    try await serving("srv", ["sh", "-c", script, "sh", export.string], until: "test is successful") { _ in
      let wait = ["--retry", "20", "--retry-connrefused", "--retry-delay", "1", "http://10.66.0.2/"]
      _ = try await command(in: "srv", ["curl", "--silent", "--max-time", "60"] + wait).text()
      try await body()
    }
  }

  /// Runs dnsmasq with an export's settings beside `body`.
  func withExportedDnsmasq(
    _ export: FilePath, _ body: @escaping @Sendable (WireLog) async throws -> Void
  ) async throws {
    let words = [
      "dnsmasq", "--keep-in-foreground", "--conf-file=\(export.appending("dnsmasq.conf"))", "--user=root",
      "--pid-file=", "--log-facility=-",
    ]
    try await serving("srv", words, until: "proxy on subnet 10.66.0.2", body)
  }
}
