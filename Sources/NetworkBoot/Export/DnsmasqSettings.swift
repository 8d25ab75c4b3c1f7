// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol
internal import SystemPackage

/// `dnsmasq.conf` of an export: what `lifeboat serve` says to starting computers, as far as dnsmasq can say it.
///
/// dnsmasq answers HTTP boot as a proxy only if told that `HTTPClient` is a kind of PXE client, and only where there is a
/// `pxe-service`; the URL is then in the header's field for the boot file (seen with dnsmasq 2.90).
struct DnsmasqSettings {
  /// The whole file.
  let text: String

  init(_ view: ServerView, _ server: ExportServer, root: FilePath) {
    let files = view.defaultImage.flatMap { view.images[$0] } ?? [:]
    text = (Self.head(server, root) + ClientKind.allCases.flatMap { Self.lines(for: $0, files, server) })
      .map { $0 + "\n" }.joined()
  }

  private static func head(_ server: ExportServer, _ root: FilePath) -> [String] {
    [
      "# For \(server.url), by lifeboat export netboot; the next export replaces this file.",
      "#   dnsmasq --keep-in-foreground --conf-file=FOLDER/dnsmasq.conf",
      "# Beside the site's DHCP server: no names, no addresses, no leases, only what to start from.",
      "port=0",
      "leasefile-ro",
      "log-dhcp",
      "# The network of the starting computers, by this computer's own address on it. Where dnsmasq runs on another",
      "# computer than the HTTP server, write its address here, and behind the commas of the lines dhcp-boot.",
      "dhcp-range=\(server.address),proxy",
      "# HTTP boot asks as PXE does.",
      "dhcp-pxe-vendor=PXEClient,HTTPClient",
      "# Nothing but the objects is below this folder.",
      "enable-tftp",
      "tftp-root=\(root)",
      "tftp-max=512",
      "dhcp-match=set:lifeboat-ipxe,175",
    ]
  }

  private static func lines(
    for kind: ClientKind, _ files: [BootLoader: ObjectName], _ server: ExportServer
  ) -> [String] {
    let tag = "lifeboat-\(kind.rawValue)"
    let matches = kind.architectures.map { "dhcp-match=set:\(tag),option:client-arch,\($0.rawValue)" }
    let isIPXE = kind.isIPXE ? "tag:lifeboat-ipxe" : "tag:!lifeboat-ipxe"
    guard kind != .x64PXE else {
      // GRUB asks the site's DHCP server for its files, whoever answered as a proxy. A file that is not there ends PXE at
      // once, and the firmware comes to its HTTP entry a minute earlier.
      let services = ["x86-64_EFI", "BC_EFI"].map { service in
        "pxe-service=tag:\(tag),\(isIPXE),\(service),\"HTTP boot is next\",\(ObjectName.absent)"
      }
      return ["# \(kind.title): sent on to its HTTP boot entry"] + matches + services
    }
    guard let name = files[kind.loader] else { return ["# \(kind.title): the set has nothing for it"] }
    if kind == .ia32PXE {
      return ["# \(kind.title)"] + matches + ["pxe-service=tag:\(tag),\(isIPXE),IA32_EFI,\"Lifeboat\",\(name)"]
    }
    let file = kind.loader.isFetchedByHTTP ? "\(server.url)/\(name)" : "\(name),,\(server.address)"
    return ["# \(kind.title)"] + matches + ["dhcp-boot=tag:\(tag),\(isIPXE),\(file)"]
  }
}
