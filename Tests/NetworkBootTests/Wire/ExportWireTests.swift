// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBoot

/// What real nginx and dnsmasq make of an export, on a wire of namespaces beside the site's DHCP server.
@Suite(
  .serialized, .timeLimit(.minutes(20)),
  .enabled("needs root, network namespaces and dnsmasq") { await TestWire.isPossible() })
struct ExportWireTests {
  private let disk = TestSite.bytes(3_000_000)
  private let layer = TestSite.bytes(1_000_000, seed: 3)
  private let grub = TestSite.bytes(20_000, seed: 4)

  /// An export that other users may read.
  private func export() async throws -> (site: TestSite, folder: TemporaryFolder, manifest: ExportManifest) {
    let (site, folder) = (try TestSite(), try TemporaryFolder())
    try site.publish(
      1,
      [
        .init(name: "boot/demo.iso", bytes: disk, type: "application/vnd.efi-iso"),
        .init(name: "boot/bios.0", bytes: grub), .init(name: "boot/ia32.efi", bytes: grub, type: "application/efi"),
        .init(name: "layers/\(Digest(of: layer)).squashfs", bytes: layer),
      ], entries: ["uefi-http": "boot/demo.iso", "bios-pxe": "boot/bios.0", "uefi-ia32-pxe": "boot/ia32.efi"])
    try FileTree.setPermissions(folder.path, 0o755)
    let manifest = try await StaticExport(site: site.path, to: folder.appending("out")).run()
    return (site, folder, manifest)
  }

  private func curl(_ wire: TestWire, _ words: String...) async throws -> String {
    try await wire.command(in: "client", ["curl", "--silent", "--max-time", "60"] + words).text()
  }

  @Test(.enabled(if: Tool.isInstalled("nginx"), "nginx is not installed"))
  func nginxGivesExactlyTheObjects() async throws {
    let (site, folder, manifest) = try await export()
    defer { withExtendedLifetime((site, folder)) {} }
    try await TestWire.with { wire in
      try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
      try await wire.withNginx(folder.appending("out")) {
        for object in manifest.objects {
          let url = "http://10.66.0.2/\(object.name)"
          let got = try await wire.command(in: "client", ["curl", "--silent", "--fail", url]).output()
          #expect(Digest(of: got) == object.digest, "\(object.name)")
          let head = try await curl(wire, "--head", url)
          #expect(
            head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.contains("\r\nContent-Type: \(object.type)\r\n"), "\(head)")
          #expect(head.contains("\r\nContent-Length: \(object.size.bytes)\r\n"), "\(head)")
          #expect(head.contains("\r\nCache-Control: \(object.cacheControl)\r\n"), "\(head)")
        }
        let part = try await wire.command(
          in: "client", ["curl", "--silent", "--range", "1000-1999", "http://10.66.0.2/boot/demo.iso"]
        ).output()
        #expect(part == Array(disk[1000..<2000]))
        let status = ["--output", "/dev/null", "--path-as-is", "--write-out", "%{http_code}%{redirect_url}"]
        func answer(_ words: String...) async throws -> String {
          try await wire.command(in: "client", ["curl", "--silent"] + status + words).text()
        }
        for name in [
          "", "boot", "boot/", "objects/boot/demo.iso", "nginx.conf", "export.json", "index.json", "../nginx.conf",
          "boot/../../nginx.conf", "boot/%2e%2e/%2e%2e/nginx.conf", "boot/demo.iso/", "BOOT/DEMO.ISO",
          "boot/demo.iso%00",
          "layers/", "etc/passwd", "boot/%c0%ae%c0%ae/nginx.conf",
        ] {
          let status = try await answer("http://10.66.0.2/\(name)")
          #expect(status == "404" || status == "400", "\(name): \(status)")
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
          #expect(try await answer("--request", method, "http://10.66.0.2/boot/demo.iso") == "405", "\(method)")
        }
      }
    }
  }

  @Test func dnsmasqSaysWhatWeWouldSay() async throws {
    let (site, folder, _) = try await export()
    defer { withExtendedLifetime((site, folder)) {} }
    let settings = folder.appending("out/dnsmasq.conf").string
    let trial = try await Tool.run("dnsmasq", ["--test", "--conf-file=\(settings)"])
    #expect(trial.status == 0 && trial.errors.contains("syntax check OK"), "\(trial)")
    try await TestWire.with { [disk, grub] wire in
      try await wire.withExportedDnsmasq(folder.appending("out")) { _ in
        let http = "HTTPClient:Arch:00016:UNDI:003000"
        let answers = try await WireClient(wire: wire).discover([
          ("52:54:00:00:00:01", "", -1, 1), ("52:54:00:00:00:02", "PXEClient:Arch:00000:UNDI:002001", 0, 2),
          ("52:54:00:00:00:03", "PXEClient:Arch:00007:UNDI:003016", 7, 2),
          ("52:54:00:00:00:04", "HTTPClient:Arch:00015:UNDI:003000", 15, 2), ("52:54:00:00:00:05", http, 16, 2),
          ("52:54:00:00:00:06", "PXEClient:Arch:00006:UNDI:003016", 6, 2),
        ])
        let ours = answers.filter { $0.server == "10.66.0.2" }
        #expect(answers.count { $0.server == "10.66.0.1" && $0.yours.hasPrefix("10.66.0.1") } == 6, "the site's go on")
        #expect(ours.allSatisfy { $0.type == 2 && $0.yours == "0.0.0.0" && $0.next == "10.66.0.2" }, "\(ours)")
        let told = Dictionary(ours.map { ($0.mac, "\($0.vendor ?? "") \($0.file)") }) { first, _ in first }
        #expect(
          told == [
            "52:54:00:00:00:02": "PXEClient boot/bios.0",
            // A name comes when the firmware asks on port 4011, as it does where there is no option 43.
            "52:54:00:00:00:03": "PXEClient ", "52:54:00:00:00:06": "PXEClient ",
            "52:54:00:00:00:04": "HTTPClient http://10.66.0.2/boot/demo.iso",
            "52:54:00:00:00:05": "HTTPClient http://10.66.0.2/boot/demo.iso",
          ])
        try await wire.ip("-n \(wire.namespace("client")) address add 10.66.0.9/24 dev eth0")
        // dnsmasq writes a 0 behind a name that has no dot.
        for (number, file) in [(7, "use-http-boot.0"), (6, "boot/ia32.efi")] {
          let answers = try await WireClient(wire: wire).askBootServer(
            "10.66.0.2", from: "10.66.0.9", mac: "52:54:00:00:00:0\(number)",
            vendor: "PXEClient:Arch:0000\(number):UNDI:003016", architecture: number)
          #expect(answers.map(\.file) == [file] && answers.map(\.next) == ["10.66.0.2"], "\(answers)")
        }
        func tftp(_ name: String) async throws -> [UInt8]? {
          try? await wire.command(
            in: "client", ["curl", "--silent", "--max-time", "20", "--path-as-is", "tftp://10.66.0.2/\(name)"]
          ).output()
        }
        #expect(try await tftp("boot/demo.iso") == disk)
        #expect(try await tftp("boot/bios.0") == grub)
        for name in ["use-http-boot", "../nginx.conf", "/../export.json", "nginx.conf"] {
          #expect(try await tftp(name) == nil, "\(name)")
        }
      }
    }
  }
}
