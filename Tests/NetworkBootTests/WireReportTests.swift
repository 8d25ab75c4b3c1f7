// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import SystemPackage
import Testing

@testable import NetworkBoot

/// What is said about the answers of other servers, and about the addresses that a set has built in.
struct WireReportTests {
  private static let interface = NetworkInterface(
    name: "eth0", index: 2, address: IPv4Address("10.66.0.2")!, subnet: IPv4Subnet("10.66.0.0/24")!)
  private static let site = IPv4Address("10.66.0.1")!

  private func finding(
    _ kind: ClientKind, from server: IPv4Address = site, _ change: (inout DHCPPacket) -> Void
  ) throws -> WireProbe.Finding {
    var offer = DHCPPacket(.reply, hardware: try #require(HardwareAddress("02:00:00:00:00:01")), transaction: 1)
    offer.messageType = .offer
    offer.yourAddress = try #require(IPv4Address("10.66.0.100"))
    offer.nextServer = server
    offer.options[.serverIdentifier] = server.bytes
    change(&offer)
    let seen = try #require(SeenServer(observing: offer, on: "eth0", own: .any))
    return .init(server: seen, kind: kind, told: BootTold(offer, by: server))
  }

  private func view(_ mode: ServerView.Mode) throws -> ServerView {
    var view = ServerView()
    view.mode = mode
    view.defaultImage = "demo"
    view.images = ["demo": [.biosGRUB: try ObjectName("bios.0"), .ramDisk: try ObjectName("demo.iso")]]
    return view
  }

  private func pointers(_ findings: [WireProbe.Finding]) throws -> [String: BootReferral] {
    let all = BootReferral.all(findings, for: Self.interface, try view(.site))
    return Dictionary(uniqueKeysWithValues: all.map { ($0.kind, $0) })
  }

  private func bios(_ file: String?, next: String? = "10.66.0.2", vendorClass: String? = nil) throws -> BootReferral {
    let answer = try finding(.biosPXE) { offer in
      offer.bootFile = Array((file ?? "").utf8)
      offer.nextServer = next.flatMap { IPv4Address($0) } ?? .any
      offer.options[.vendorClass] = vendorClass.map { Array($0.utf8) }
    }
    return try #require(try pointers([answer])["bios-pxe"])
  }

  @Test func anAnswerOfTheSitesLeadsHereOrSaysWhyNot() throws {
    #expect(try bios("bios.0").pointsHere)
    #expect(try bios("bios.0").message == "10.66.0.1 names bios.0")
    #expect(try bios("other.0").message == "10.66.0.1 names other.0, and not bios.0")
    #expect(try bios(nil).message.hasSuffix("names no boot file (file, option 67)"))
    #expect(try bios(nil, vendorClass: "PXEClient").message.contains("asks its port 4011"))
    #expect(try bios("bios.0", next: "10.66.0.1").message.contains("names the server 10.66.0.1 (siaddr)"))
    #expect(try bios("bios.0", next: nil).message.contains("does not name the server 10.66.0.2"))
    #expect(try !bios("bios.0", next: "10.66.0.1").pointsHere)
    #expect(try pointers([])["bios-pxe"]?.message == "nobody answers")
  }

  @Test func anAnswerForHTTPBootNeedsItsVendorClass() throws {
    func http(_ vendorClass: String?) throws -> BootReferral? {
      let answer = try finding(.x64HTTP) { offer in
        offer.options[.bootFileName] = Array("http://10.66.0.2/demo.iso".utf8)
        offer.options[.vendorClass] = vendorClass.map { Array($0.utf8) }
      }
      return try pointers([answer])["uefi-x64-http"]
    }
    #expect(try http("HTTPClient")?.pointsHere == true)
    #expect(try http(nil)?.message.contains("does not say HTTPClient (option 60)") == true)
  }

  @Test func anotherBootServerSpoilsWhatTheSitesSays() throws {
    let right = try finding(.biosPXE) { offer in
      offer.bootFile = Array("bios.0".utf8)
      offer.nextServer = Self.interface.address
    }
    let wrong = try finding(.biosPXE, from: try #require(IPv4Address("10.66.0.9"))) { $0.bootFile = Array("x".utf8) }
    let plain = try finding(.biosPXE, from: try #require(IPv4Address("10.66.0.8"))) { _ in }
    #expect(try pointers([right, plain])["bios-pxe"]?.pointsHere == true)
    let spoilt = try #require(try pointers([right, wrong])["bios-pxe"])
    #expect(!spoilt.pointsHere && spoilt.message.hasSuffix("; 10.66.0.9 names x, and not bios.0"), "\(spoilt)")
  }

  @Test func optionsHaveTheirMeaningAndStrangersTextIsOneLine() throws {
    let finding = try finding(.biosPXE) { offer in
      offer.options[.vendorClass] = Array("PXEClient".utf8)
      offer.options[.vendorSpecific] = [6, 1, 8]
      offer.options[.tftpServerName] = Array("a\nset: b".utf8)
      offer.options[.tftpServerAddresses] = [10, 0, 0, 1, 10, 0, 0, 2, 9]
    }
    let report = WireReport(Self.interface, [finding], try view(.proxy))
    let options = try #require(report.servers.first?.options)
    #expect(options.map(\.name) == ["option 60", "option 66 or sname", "option 43", "option 150"])
    #expect(options.map(\.value) == ["PXEClient", "a?set: b", "present", "10.0.0.1, 10.0.0.2"])
    #expect(
      report.conclusions == [
        "10.66.0.1 says by option 60 that it boots computers, without a boot file, so this server offers nothing beside it."
      ])
    var unyielding = try view(.proxy)
    unyielding.yields = false
    let beside = WireReport(Self.interface, [finding], unyielding)
    #expect(beside.conclusions.first?.hasSuffix("and this one too, as the policy says (yield).") == true)
    #expect(!beside.lines.contains { $0.contains("goes first") })
  }

  @Test func twoBootServersForOneKindAreNamed() throws {
    let findings = try [Self.site, IPv4Address("10.66.0.9")!].map { server in
      try finding(.biosPXE, from: server) { $0.bootFile = Array("x.0".utf8) }
    }
    let report = WireReport(Self.interface, findings, try view(.proxy))
    let words = "10.66.0.1, 10.66.0.9 each name a boot file for BIOS, PXE: firmware takes one of them."
    #expect(report.conclusions.contains(words), "\(report.conclusions)")
  }

  @Test(
    arguments: [
      (["http://10.66.0.2"], 80, nil), (["http://10.66.0.2:80"], 80, nil),
      (["http://192.0.2.1", "http://10.66.0.2"], 80, nil), (["http://10.66.0.2:8080"], 8080, nil),
      (["http://10.66.0.3"], 80, nil),
      (["http://192.0.2.1"], 80, "Publish the media again with --server http://10.66.0.2."),
      (["http://10.66.0.2/boot"], 80, "Publish the media again with --server http://10.66.0.2."),
      (
        ["http://10.66.0.2"], 8080,
        "Serve with --http-port 80, or publish the media again with --server http://10.66.0.2:8080."
      ),
      (
        ["http://10.66.0.3:81"], 80,
        "Serve with --http-port 81, or publish the media again with --server http://10.66.0.2."
      ),
    ] as [([String], Int, String?)])
  func serversOfASet(_ urls: [String], _ port: Int, _ remedy: String?) {
    let addresses = ["eth0": [Self.interface.address, IPv4Address("10.66.0.3")!]].mapValues(Set.init)
    let complaint = SetServers(urls, httpPort: port).complaint([Self.interface], addresses)
    #expect((complaint == nil) == (remedy == nil))
    #expect(complaint?.text.hasSuffix(remedy ?? "") != false, "\(String(describing: complaint))")
    #expect(complaint?.isTrouble != false)
  }

  @Test func ofTwoWiresOneMayNeedARoute() throws {
    let second = NetworkInterface(
      name: "eth1", index: 3, address: IPv4Address("10.77.0.2")!, subnet: IPv4Subnet("10.77.0.0/24")!)
    let complaint = SetServers(["http://10.66.0.2"], httpPort: 80).complaint([Self.interface, second], [:])
    #expect(complaint?.isTrouble == false)
    #expect(complaint?.text.hasPrefix("computers on eth1 need a route to http://10.66.0.2") == true)
  }

  @Test func aSocketThatCannotBeMadeHasARemedy() {
    for errno in [Errno.operationNotSupportedByDevice, .tooManyOpenFiles, .noMemory] {
      let failure = NetworkBootFailure.socket(.http(80), operation: "make a socket", errno)
      #expect(failure.remedy?.hasSuffix(".") == true || failure.remedy?.contains("ip -4 address") == true)
    }
  }
}
