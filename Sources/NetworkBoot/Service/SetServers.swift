// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// The addresses that a set has built into its start files: a computer that has loaded its kernel, or our GRUB, looks for
/// the rest there and nowhere else.
struct SetServers: Sendable, Hashable {
  /// What to say where they are not this service's.
  struct Complaint: Sendable, Hashable {
    /// Whether no computer finds back by itself; else some wires alone need a route.
    var isTrouble: Bool
    /// A sentence or two.
    var text: String
  }

  /// `http://10.66.0.2`, in the order of trying.
  let urls: [String]
  let httpPort: Int

  init(_ urls: [String], httpPort: Int) { (self.urls, self.httpPort) = (urls, httpPort) }

  /// `http://10.66.0.2, http://10.66.0.3`.
  var list: String { urls.joined(separator: ", ") }

  /// Compares them with what is served. That none of them is ours may be meant, behind a load balancer or NAT, and so
  /// nothing is refused.
  /// - Parameter addresses: all of this computer's, by interface: the built-in one need not be the first.
  func complaint(
    _ interfaces: [NetworkInterface], _ addresses: [String: Set<IPv4Address>] = NetworkInterface.addresses()
  ) -> Complaint? {
    let served = interfaces.filter { !$0.isLoopback }
    let strange = served.filter { interface in
      let own = (addresses[interface.name] ?? []).union([interface.address]).map { url(of: $0) }
      return !urls.contains { own.contains(Self.withPort($0)) }
    }
    guard let first = strange.first else { return nil }
    let ours = strange.map { Self.withoutPort80(url(of: $0.address)) }
    guard strange.count == served.count else {
      let names = strange.map(\.name).joined(separator: ", ")
      let hint = "publish again with --server \(ours.joined(separator: " --server ")) too where they have none"
      return Complaint(isTrouble: false, text: "computers on \(names) need a route to \(list); \(hint)")
    }
    return Complaint(
      isTrouble: true,
      text: "started computers look for the rest of the image at \(list), and this service is at "
        + "\(ours.joined(separator: ", ")): unless that leads here by another way, such as a load balancer or NAT, they "
        + "end without a boot server. \(remedy(first, addresses[first.name] ?? []))")
  }

  private func remedy(_ interface: NetworkInterface, _ others: Set<IPv4Address>) -> String {
    let publish = "ublish the media again with --server \(Self.withoutPort80(url(of: interface.address)))"
    let port = urls.lazy.compactMap { url -> Substring? in
      let parts = Self.withPort(url).dropFirst("http://".count).split(separator: ":")
      guard parts.count == 2, !parts[1].contains("/"), let address = IPv4Address(String(parts[0])),
        address == interface.address || others.contains(address)
      else { return nil }
      return parts[1]
    }.first
    return port.map { "Serve with --http-port \($0), or p\(publish)." } ?? "P\(publish)."
  }

  private func url(of address: IPv4Address) -> String { "http://\(address):\(httpPort)" }

  /// `http://10.66.0.2` is `http://10.66.0.2:80`; one with a path stays as it is, and is nothing of ours.
  private static func withPort(_ url: String) -> String {
    url.dropFirst("http://".count).contains { $0 == ":" || $0 == "/" } ? url : url + ":80"
  }

  private static func withoutPort80(_ url: String) -> String {
    url.hasSuffix(":80") ? String(url.dropLast(3)) : url
  }
}
