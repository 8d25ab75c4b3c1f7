// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

/// What a server's answer says about starting, in all places where some firmware looks.
struct BootTold: Sendable, Hashable {
  /// Option 60.
  var vendorClass: String?
  /// Whether there is an option 43.
  var hasVendorOptions: Bool
  /// `siaddr`; nil where it is the server itself without a boot file, as many send it to everybody.
  var nextServer: IPv4Address?
  /// Option 66, else `sname`.
  var serverName: String?
  /// Option 67, else `file`.
  var file: String?
  /// Option 150.
  var telephoneServers: String?

  init(_ packet: DHCPPacket, by server: IPv4Address) {
    vendorClass = packet.options.text(.vendorClass).map(Self.text)
    hasVendorOptions = packet.options[.vendorSpecific] != nil
    file = packet.bootFileName.map(Self.text)
    let isSaid = packet.nextServer != .any && (file != nil || packet.nextServer != server)
    nextServer = isSaid ? packet.nextServer : nil
    let name = packet.options.text(.tftpServerName) ?? packet.serverName
    serverName = name.isEmpty ? nil : Self.text(name)
    telephoneServers = packet.options[.tftpServerAddresses].map { bytes in
      stride(from: 0, to: bytes.count - 3, by: 4)
        .map { bytes[$0..<$0 + 4].map(String.init).joined(separator: ".") }.joined(separator: ", ")
    }
  }

  /// A stranger's text for the screen: one line, and not without end.
  private static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix(200).map { (0x20..<0x7f).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// Each of them with what it means.
  /// - Parameter isFirst: whether the server goes before this service by them.
  func options(isFirst: Bool) -> [WireReport.Option] {
    let consequence = isFirst ? ": it goes first" : ""
    let isBootServer = vendorClass.flatMap { ClientKind.BootProtocol(vendorClass: Array($0.utf8)) } != nil
    let all: [(name: String, value: String?, meaning: String)] = [
      (
        "option 60", vendorClass,
        isBootServer ? "firmware takes it for a boot server\(consequence)" : "nothing to a starting computer"
      ), ("option 67 or file", file, "the boot file\(consequence)"),
      (
        "siaddr", nextServer.map { "\($0)" },
        file == nil
          ? "a server without a boot file, which means nothing yet" : "where firmware loads the boot file from"
      ), ("option 66 or sname", serverName, "the same by name, for what does not look at siaddr"),
      (
        "option 43", hasVendorOptions ? "present" : nil,
        "PXE's own list, of boot servers or a menu, which PXE firmware follows"
      ),
      ("option 150", telephoneServers, "TFTP servers for telephones, which firmware ignores"),
    ]
    return all.compactMap { name, value, meaning in value.map { .init(name: name, value: $0, meaning: meaning) } }
  }
}
