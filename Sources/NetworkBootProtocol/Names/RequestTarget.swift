// SPDX-License-Identifier: GPL-3.0-or-later

/// What an HTTP request asks for (RFC 9112 §3.2): an object, and the query that tells more about who asks.
public struct RequestTarget: Sendable, Hashable {
  /// The object.
  public var name: ObjectName
  /// What stands after the first `?`, not decoded; empty without one. Scripts of iPXE tell the machine's UUID here.
  public var query: String

  /// The longest query, in bytes.
  public static let longestQuery = 512

  /// Reads the target of a request line.
  ///
  /// A path is the rule. A complete URL is taken too, as RFC 9112 §3.2.2 demands, if it is for this server.
  /// - Parameter authorities: what this server is called, `10.66.0.2` or `boot.example:8080`; case does not matter.
  /// - Throws: `.name`.
  public init(parsing bytes: some Collection<UInt8>, authorities: [String]) throws(NetworkBootProtocolFailure) {
    var path = Array(bytes.prefix { $0 != UInt8(ascii: "?") })
    let query = bytes.dropFirst(path.count + 1)
    if path.first != UInt8(ascii: "/") { path = try Self.path(of: path, authorities: authorities) }
    // A prefix of that length is told from an allowed name by its length alone.
    name = try ObjectName(path: path, backslashes: false)
    guard query.count <= Self.longestQuery, query.allSatisfy(Self.allowsInQuery) else { throw .name(.query) }
    self.query = String(decoding: query, as: UTF8.self)
  }

  /// The path of `http://authority/path`.
  private static func path(of url: [UInt8], authorities: [String]) throws(NetworkBootProtocolFailure) -> [UInt8] {
    let scheme = Array("http://".utf8)
    guard url.count > scheme.count, url.prefix(scheme.count).map(lowercase) == scheme else { throw .name(.noPath) }
    let rest = url.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != UInt8(ascii: "/") }
    guard authorities.contains(where: { $0.utf8.map(lowercase) == authority.map(lowercase) }) else {
      throw .name(.otherServer(printable(authority)))
    }
    return Array(rest.dropFirst(authority.count))
  }

  private static func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  /// The characters of a query (RFC 3986 §3.4), percent signs included: it is never a name.
  private static func allowsInQuery(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7f && !"\"#<>\\^`{|}".utf8.contains(byte)
  }
}
