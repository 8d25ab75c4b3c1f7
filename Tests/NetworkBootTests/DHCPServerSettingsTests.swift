// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import HostSystem
import NetworkBootProtocol
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// What mode `site` prints for the site's own DHCP server.
struct DHCPServerSettingsTests {
  private static func settings(_ files: [BootLoader], port: UInt16 = 80) throws -> DHCPServerSettings {
    let names: [BootLoader: String] = [
      .shim: "boot/tier1/pxe/shimx64.efi", .ia32GRUB: "boot/tier1/pxe/ia32.efi", .biosGRUB: "boot/tier1/pxe/bios.0",
      .ramDisk: "boot/tier1.iso", .ipxeScript: "boot/tier1/boot.ipxe",
    ]
    var view = ServerView()
    view.mode = .site
    view.httpPort = port
    view.defaultImage = "tier1"
    view.images = ["tier1": try names.filter { files.contains($0.key) }.mapValues { try ObjectName($0) }]
    let interface = NetworkInterface(
      name: "eth0", index: 2, address: IPv4Address("10.66.0.2")!,
      subnet: IPv4Subnet("10.66.0.0/24")!)
    return DHCPServerSettings(for: interface, view)
  }

  private static let cases: [(String, [BootLoader], UInt16)] = [
    ("all loaders", BootLoader.allCases, 80), ("no script of iPXE", [.shim, .biosGRUB, .ia32GRUB, .ramDisk], 80),
    ("HTTP alone, another port", [.ramDisk, .ipxeScript], 8080),
  ]

  @Test func theTextsAreThoseOfTheFixture() throws {
    var text = ""
    for (title, files, port) in Self.cases {
      for server in try Self.settings(files, port: port).texts {
        text += "== \(title), \(server.server)\n" + server.lines.map { "\($0)\n" }.joined()
      }
    }
    #expect(try Golden.difference(text, "Fixtures/netboot/site-settings.txt") == nil)
  }

  /// Each server that is installed reads its text and finds nothing wrong.
  @Test(arguments: cases.indices) func theServersTakeTheirTexts(_ index: Int) async throws {
    let (_, files, port) = Self.cases[index]
    let texts = try Self.settings(files, port: port).texts
    let kea =
      #"{"Dhcp4": {"interfaces-config": {"interfaces": []}, "lease-database": {"type": "memfile", "persist": false},"#
    let judges: [(server: String, head: String, tail: String, program: String, arguments: [String])] = [
      ("dnsmasq", "", "", "dnsmasq", ["--test", "--conf-file="]),
      ("ISC dhcpd", "subnet 10.66.0.0 netmask 255.255.255.0 { }\n", "", "dhcpd", ["-t", "-cf", ""]),
      ("Kea", kea, "}}", "kea-dhcp4", ["-t", ""]),
    ]
    try await TemporaryFolder.with { folder in
      for judge in judges {
        guard Tool.isInstalled(judge.program) else {
          print("not judged: \(judge.program) is not installed")
          continue
        }
        let lines = try #require(texts.first { $0.server == judge.server }).lines
        let file = folder.appending(judge.program)
        try AtomicFile.write(Array((judge.head + lines.joined(separator: "\n") + "\n" + judge.tail).utf8), to: file)
        let arguments = judge.arguments.dropLast() + [(judge.arguments.last ?? "") + file.string]
        let outcome = try await Tool.run(judge.program, Array(arguments))
        #expect(outcome.status == 0, "\(outcome)")
      }
    }
  }
}
