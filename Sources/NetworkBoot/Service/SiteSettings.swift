// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// What the site's own DHCP server has to be told in mode `site`, in the words of one such server.
public struct SiteSettings: Sendable, Hashable, Encodable {
  /// The interface that it is about.
  public var interface: String
  /// The text for each server: `ISC dhcpd`, `Kea`, `dnsmasq`, `Windows DHCP`.
  public var texts: [Text]

  /// The settings of one kind of server.
  public struct Text: Sendable, Hashable, Encodable {
    /// Which server.
    public var server: String
    /// What to put into its configuration, line by line.
    public var lines: [String]
  }

  /// A kind of client by its number (option 93), and what it is sent.
  struct Row: Sendable, Hashable {
    var kind: ClientKind
    var architectures: [Int]
    /// A name for TFTP, or a URL.
    var file: String
  }

  init(for interface: NetworkInterface, _ view: ServerView) {
    self.interface = interface.name
    let server = "\(interface.address)"
    let rows = Self.rows(view, server)
    texts = [
      Text(server: "ISC dhcpd", lines: Self.isc(rows, server)),
      Text(server: "Kea", lines: Self.kea(rows, server)),
      Text(server: "dnsmasq", lines: Self.dnsmasq(rows, server)),
      Text(server: "Windows DHCP", lines: Self.windows(rows, server)),
    ]
  }

  /// What there is a file for, one row for each kind. iPXE is left out: it needs another test than the architecture.
  private static func rows(_ view: ServerView, _ server: String) -> [Row] {
    guard let image = view.defaultImage, let files = view.images[image] else { return [] }
    return [ClientKind.biosPXE, .ia32PXE, .x64PXE, .ia32HTTP, .x64HTTP].compactMap { kind in
      guard let name = files[kind.loader] else { return nil }
      let port = view.httpPort == 80 ? "" : ":\(view.httpPort)"
      let file = kind.loader.isFetchedByHTTP ? "http://\(server)\(port)/\(name)" : name.text
      return Row(kind: kind, architectures: kind.architectures.map { Int($0.rawValue) }, file: file)
    }
  }

  private static func isc(_ rows: [Row], _ server: String) -> [String] {
    var lines = ["option arch code 93 = unsigned integer 16;", "class \"lifeboat\" {"]
    lines.append("  match if substring(option vendor-class-identifier, 0, 9) = \"PXEClient\"")
    lines.append("        or substring(option vendor-class-identifier, 0, 10) = \"HTTPClient\";")
    for (index, row) in rows.enumerated() {
      let test = row.architectures.map { "option arch = \(hexadecimal($0))" }.joined(separator: " or ")
      lines.append("  \(index == 0 ? "if" : "elsif") \(test) {  # \(row.kind.title)")
      if row.kind.bootProtocol == .http {
        lines.append("    option vendor-class-identifier \"HTTPClient\";")
      } else {
        lines.append("    next-server \(server);")
      }
      lines += ["    filename \"\(row.file)\";", "  }"]
    }
    return lines + ["}"]
  }

  private static func hexadecimal(_ number: Int) -> String {
    "00:" + (number < 16 ? "0" : "") + String(number, radix: 16)
  }

  private static func kea(_ rows: [Row], _ server: String) -> [String] {
    var lines = ["\"client-classes\": ["]
    for (index, row) in rows.enumerated() {
      let test = row.architectures.map { "option[93].hex == 0x" + four($0) }.joined(separator: " or ")
      var parts = ["\"name\": \"lifeboat-\(row.kind.rawValue)\"", "\"test\": \"\(test)\""]
      if row.kind.bootProtocol == .http {
        parts.append("\"option-data\": [ { \"name\": \"vendor-class-identifier\", \"data\": \"HTTPClient\" } ]")
      } else {
        parts.append("\"next-server\": \"\(server)\"")
      }
      parts.append("\"boot-file-name\": \"\(row.file)\"")
      lines.append("  { " + parts.joined(separator: ",\n    ") + " }" + (index == rows.count - 1 ? "" : ","))
    }
    return (lines + ["]"]).flatMap { $0.split(separator: "\n").map(String.init) }
  }

  private static func four(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private static func dnsmasq(_ rows: [Row], _ server: String) -> [String] {
    rows.flatMap { row -> [String] in
      let tag = "lifeboat-\(row.kind.rawValue)"
      var lines = row.architectures.map { "dhcp-match=set:\(tag),option:client-arch,\($0)" }
      if row.kind.bootProtocol == .http {
        lines.append("dhcp-option-force=tag:\(tag),60,HTTPClient")
        lines.append("dhcp-boot=tag:\(tag),\(row.file)")
      } else {
        lines.append("dhcp-boot=tag:\(tag),\(row.file),,\(server)")
      }
      return lines
    }
  }

  /// PowerShell. The vendor classes are matched by their beginning, which names the architecture.
  private static func windows(_ rows: [Row], _ server: String) -> [String] {
    let definition = "Add-DhcpServerv4OptionDefinition -OptionId 60 -Name 'Vendor class' -Type String"
    return [definition]
      + rows.flatMap { row -> [String] in
        let isHTTP = row.kind.bootProtocol == .http
        return row.architectures.flatMap { number -> [String] in
          let name = "Lifeboat \(row.kind.title)" + (row.architectures.count > 1 ? " \(number)" : "")
          let decimal = String(number)
          let five = String(repeating: "0", count: 5 - decimal.count) + decimal
          let vendor = "\(isHTTP ? "HTTPClient" : "PXEClient"):Arch:\(five)"
          let policy = "-PolicyName '\(name)'"
          var lines = [
            "Add-DhcpServerv4Class -Name '\(name)' -Type Vendor -Data '\(vendor)'",
            "Add-DhcpServerv4Policy -Name '\(name)' -Condition OR -VendorClass EQ,'\(name)*'",
          ]
          let first = isHTTP ? "-OptionId 60 -Value 'HTTPClient'" : "-OptionId 66 -Value '\(server)'"
          lines.append("Set-DhcpServerv4OptionValue \(policy) \(first)")
          lines.append("Set-DhcpServerv4OptionValue \(policy) -OptionId 67 -Value '\(row.file)'")
          return lines
        }
      }
  }
}
