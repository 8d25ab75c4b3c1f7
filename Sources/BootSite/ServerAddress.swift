// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc

/// Where starting computers fetch from: what the second stage, a shell and busybox' wget, can make use of.
package enum ServerAddress {
  /// Checks `http://ADDRESS[:PORT][/PATH]` and takes slashes off its end.
  /// - Throws: `Site.Failure.badServer`.
  package static func checked(_ text: String) throws(Site.Failure) -> String {
    guard text.hasPrefix("http://") else {
      throw .badServer(text, reason: "it does not begin with http://; the digests, not TLS, protect what is fetched")
    }
    guard let parts = text.wholeMatch(of: /http:\/\/([^\/:]+)(:([0-9]{1,5}))?((\/[A-Za-z0-9._~-]+)*)\/*/) else {
      throw .badServer(text, reason: "it is not of the form http://ADDRESS:PORT/PATH")
    }
    var address = in_addr()
    guard inet_pton(AF_INET, String(parts.1), &address) == 1 else {
      throw .badServer(text, reason: "a starting computer asks no name server, so this must be an IPv4 address")
    }
    if let port = parts.3.map({ Int($0) ?? 0 }), !(1...65535).contains(port) {
      throw .badServer(text, reason: "\(port) is not a port number")
    }
    return "http://\(parts.1)\(parts.2 ?? "")\(parts.4)"
  }
}
