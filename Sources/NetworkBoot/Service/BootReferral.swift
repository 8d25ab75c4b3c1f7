// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// In mode `site`: whether the site's server sends a kind of client here, as the printed settings want it.
public struct BootReferral: Sendable, Hashable, Encodable {
  /// A stable name: `uefi-x64-http`.
  public var kind: String
  /// For people.
  public var title: String
  /// Whether it does, and nobody says otherwise.
  public var pointsHere: Bool
  /// Who does what, a clause for each.
  public var message: String

  /// `UEFI x64, PXE is sent here: …`.
  var line: String { "\(title) \(pointsHere ? "is sent here" : "is not sent here"): \(message)" }

  /// Compares what was answered with the settings for one interface.
  static func all(_ findings: [WireProbe.Finding], for interface: NetworkInterface, _ view: ServerView)
    -> [BootReferral]
  {
    DHCPServerSettings.Content(view, server: "\(interface.address)").wanted.map { kind, file in
      BootReferral(kind, file, findings.filter { $0.kind == kind }, own: interface.address)
    }
  }

  private init(_ kind: ClientKind, _ file: String, _ answers: [WireProbe.Finding], own: IPv4Address) {
    (self.kind, title) = (kind.rawValue, kind.title)
    let judged = answers.map { (server: $0.server, told: $0.told, fault: Self.fault($0.told, kind, file, own)) }
    let good = judged.filter { $0.fault == nil }
    // A plain DHCP server beside the one that names the file takes nothing away.
    let others = judged.filter { answer in
      answer.fault != nil && (good.isEmpty || answer.server.role != .dhcp)
    }
    pointsHere = !good.isEmpty && others.isEmpty
    let clauses =
      good.map { "\($0.server.address) names \(file)" }
      + others.map { "\($0.server.address) \($0.fault ?? "")" }
    message = answers.isEmpty ? "nobody answers" : clauses.joined(separator: "; ")
  }

  /// What is wrong with an answer; nil for one that leads here.
  private static func fault(_ told: BootTold, _ kind: ClientKind, _ file: String, _ own: IPv4Address) -> String? {
    guard let named = told.file else {
      let asksIt =
        kind.bootProtocol == .pxe && told.vendorClass?.hasPrefix("PXEClient") == true && !told.hasVendorOptions
      return asksIt
        ? "names no boot file, but says PXEClient (option 60), so that firmware asks its port 4011"
        : "names no boot file (file, option 67)"
    }
    guard named == file else { return "names \(named), and not \(file)" }
    if kind.isIPXE { return nil }
    if kind.bootProtocol == .http {
      let isTaken = told.vendorClass?.hasPrefix("HTTPClient") == true
      return isTaken ? nil : "does not say HTTPClient (option 60), so that firmware passes it over"
    }
    if let next = told.nextServer { return next == own ? nil : "names the server \(next) (siaddr), and not \(own)" }
    return told.serverName == "\(own)" ? nil : "does not name the server \(own) (siaddr, option 66)"
  }
}
