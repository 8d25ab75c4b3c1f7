// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// What the site's own DHCP server has to be told in mode `site`, in the words of one such server.
public struct DHCPServerSettings: Sendable, Hashable, Encodable {
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

  /// What the texts are made of.
  struct Content {
    var rows: [Row] = []
    /// The URL of iPXE's script; nil where the image has none, and iPXE is served as its firmware is. iPXE has the numbers
    /// of its firmware, and is known by its user class (option 77), which it sends without the lengths of RFC 3004
    /// (ipxe/src/net/udp/dhcp.c).
    var script: String?
    var server: String

    /// What each kind of client has to be told to load.
    var wanted: [(kind: ClientKind, file: String)] {
      rows.map { ($0.kind, $0.file) } + (script.map { [(.biosIPXE, $0)] } ?? [])
    }

    init(_ view: ServerView, server: String) {
      self.server = server
      guard let image = view.defaultImage, let files = view.images[image] else { return }
      let root = "http://\(server)" + (view.httpPort == 80 ? "" : ":\(view.httpPort)")
      script = files[.ipxeScript].map { "\(root)/\($0)" }
      rows = [ClientKind.biosPXE, .ia32PXE, .x64PXE, .ia32HTTP, .x64HTTP].compactMap { kind in
        guard let name = files[kind.loader] else { return nil }
        let file = kind.loader.isFetchedByHTTP ? "\(root)/\(name)" : name.text
        return Row(kind: kind, architectures: kind.architectures.map { Int($0.rawValue) }, file: file)
      }
    }
  }

  init(for interface: NetworkInterface, _ view: ServerView) {
    self.interface = interface.name
    let content = Content(view, server: "\(interface.address)")
    texts = [
      Text(server: "ISC dhcpd", lines: Self.isc(content)),
      Text(server: "Kea", lines: Self.kea(content)),
      Text(server: "dnsmasq", lines: Self.dnsmasq(content)),
      Text(server: "Windows DHCP", lines: Self.windows(content)),
    ]
  }

  private static func isc(_ content: Content) -> [String] {
    var lines = ["option arch code 93 = unsigned integer 16;", "class \"lifeboat\" {"]
    lines.append("  match if substring(option vendor-class-identifier, 0, 9) = \"PXEClient\"")
    lines.append("        or substring(option vendor-class-identifier, 0, 10) = \"HTTPClient\";")
    var word = "if"
    if let script = content.script {
      lines += ["  if option user-class = \"iPXE\" {  # iPXE", "    filename \"\(script)\";", "  }"]
      word = "elsif"
    }
    for row in content.rows {
      let test = row.architectures.map { "option arch = \(hexadecimal($0))" }.joined(separator: " or ")
      lines.append("  \(word) \(test) {  # \(row.kind.title)")
      word = "elsif"
      if row.kind.bootProtocol == .http {
        lines.append("    option vendor-class-identifier \"HTTPClient\";")
      } else {
        lines.append("    next-server \(content.server);")
      }
      lines += ["    filename \"\(row.file)\";", "  }"]
    }
    return lines + ["}"]
  }

  private static func hexadecimal(_ number: Int) -> String {
    "00:" + (number < 16 ? "0" : "") + String(number, radix: 16)
  }

  private static func kea(_ content: Content) -> [String] {
    var classes: [[String]] = []
    if let script = content.script {
      classes.append([
        "\"name\": \"lifeboat-ipxe\"", "\"test\": \"option[77].hex == 'iPXE'\"", "\"boot-file-name\": \"\(script)\"",
      ])
    }
    for row in content.rows {
      var test = row.architectures.map { "option[93].hex == 0x" + four($0) }.joined(separator: " or ")
      // A client may be in several classes, and would get the server of the one with the file of the other.
      if content.script != nil, row.kind.bootProtocol == .pxe { test = "not member('lifeboat-ipxe') and (\(test))" }
      var parts = ["\"name\": \"lifeboat-\(row.kind.rawValue)\"", "\"test\": \"\(test)\""]
      if row.kind.bootProtocol == .http {
        parts.append("\"option-data\": [ { \"name\": \"vendor-class-identifier\", \"data\": \"HTTPClient\" } ]")
      } else {
        parts.append("\"next-server\": \"\(content.server)\"")
      }
      classes.append(parts + ["\"boot-file-name\": \"\(row.file)\""])
    }
    let lines = classes.enumerated().map { index, parts in
      "  { " + parts.joined(separator: ",\n    ") + " }" + (index == classes.count - 1 ? "" : ",")
    }
    return (["\"client-classes\": ["] + lines + ["]"]).flatMap { $0.split(separator: "\n").map(String.init) }
  }

  private static func four(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private static func dnsmasq(_ content: Content) -> [String] {
    let script = content.script.map { ["dhcp-userclass=set:lifeboat-ipxe,iPXE", "dhcp-boot=tag:lifeboat-ipxe,\($0)"] }
    return (script ?? [])
      + content.rows.flatMap { row -> [String] in
        let tag = "lifeboat-\(row.kind.rawValue)"
        var lines = row.architectures.map { "dhcp-match=set:\(tag),option:client-arch,\($0)" }
        if row.kind.bootProtocol == .http {
          lines.append("dhcp-option-force=tag:\(tag),60,HTTPClient")
          lines.append("dhcp-boot=tag:\(tag),\(row.file)")
        } else {
          let others = script == nil ? "" : ",tag:!lifeboat-ipxe"
          lines.append("dhcp-boot=tag:\(tag)\(others),\(row.file),,\(content.server)")
        }
        return lines
      }
  }

  /// PowerShell. The vendor classes are matched by their beginning, which names the architecture. Of several policies the
  /// first one decides, so that of iPXE is made first.
  private static func windows(_ content: Content) -> [String] {
    var lines = ["Add-DhcpServerv4OptionDefinition -OptionId 60 -Name 'Vendor class' -Type String"]
    if let script = content.script {
      lines += [
        "Add-DhcpServerv4Class -Name 'Lifeboat iPXE' -Type User -Data 'iPXE'",
        "Add-DhcpServerv4Policy -Name 'Lifeboat iPXE' -Condition OR -UserClass EQ,'Lifeboat iPXE'",
        "Set-DhcpServerv4OptionValue -PolicyName 'Lifeboat iPXE' -OptionId 67 -Value '\(script)'",
      ]
    }
    for row in content.rows {
      for number in row.architectures { lines += windows(row, number, server: content.server) }
    }
    return lines
  }

  private static func windows(_ row: Row, _ number: Int, server: String) -> [String] {
    let isHTTP = row.kind.bootProtocol == .http
    let name = "Lifeboat \(row.kind.title)" + (row.architectures.count > 1 ? " \(number)" : "")
    let decimal = String(number)
    let five = String(repeating: "0", count: 5 - decimal.count) + decimal
    let vendor = "\(isHTTP ? "HTTPClient" : "PXEClient"):Arch:\(five)"
    let policy = "-PolicyName '\(name)'"
    let first = isHTTP ? "-OptionId 60 -Value 'HTTPClient'" : "-OptionId 66 -Value '\(server)'"
    return [
      "Add-DhcpServerv4Class -Name '\(name)' -Type Vendor -Data '\(vendor)'",
      "Add-DhcpServerv4Policy -Name '\(name)' -Condition OR -VendorClass EQ,'\(name)*'",
      "Set-DhcpServerv4OptionValue \(policy) \(first)",
      "Set-DhcpServerv4OptionValue \(policy) -OptionId 67 -Value '\(row.file)'",
    ]
  }
}
