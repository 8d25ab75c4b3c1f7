// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite

/// The server that an export is for, one of those that computers were told of when the set was published.
struct ExportServer: Sendable, Hashable {
  /// `http://192.0.2.10:8080/boot`, as it is built into the initrds.
  let url: String
  /// `192.0.2.10`.
  let address: String
  /// 80 where the URL says nothing.
  let port: Int
  /// `/boot`; empty for none.
  let path: String

  /// - Parameter wanted: as it was given; nil for the first of the set's.
  /// - Throws: `Site.Failure.badServer`; `NetworkBootFailure.export` for one that the set does not know.
  init(_ wanted: String?, in index: SetIndex) throws {
    let url = try wanted.map { text throws(Site.Failure) in try ServerAddress.checked(text) } ?? index.servers.first
    guard let url, index.servers.contains(url) else {
      throw NetworkBootFailure.export(.serverNotBuiltIn(wanted ?? "", servers: index.servers))
    }
    guard let parts = url.wholeMatch(of: /http:\/\/([^\/:]+)(?::([0-9]+))?(\/.*)?/) else {
      throw Site.Failure.badServer(url, reason: "it is not of the form http://ADDRESS:PORT/PATH")
    }
    self.url = url
    address = String(parts.1)
    port = parts.2.flatMap { Int($0) } ?? 80
    path = parts.3.map(String.init) ?? ""
  }
}
