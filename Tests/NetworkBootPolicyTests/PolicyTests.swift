// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import NetworkBootProtocol
import StrictTOML
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBootPolicy

@Suite("Policies") struct PolicyTests {
  private static let site = Repository.path("Fixtures/policies/site.toml")

  private func site() throws -> BootPolicy {
    try BootPolicy(reading: FileTree.bytes(of: Self.site), file: "site.toml", images: ["tier1", "tier2"])
  }

  @Test("every key arrives") func everything() throws {
    let policy = try site()
    #expect(policy.answer == .approve && policy.delay == .seconds(1) && policy.image == "tier1")
    #expect(policy.shadow == .reply && policy.naming == .atBootServer && !policy.marksOffers && !policy.yields)
    #expect(policy.adminGroup == "helpdesk")
    let workshop = Place(interface: "eth1", subnet: IPv4Subnet("10.66.7.0/24"))
    let relayed = Place(relay: IPv4Address("10.66.9.1"))
    #expect(policy.places == [PolicyRule(.all, at: workshop), PolicyRule(.none, at: relayed)])
    let desk = MachineMatch(
      hardware: HardwareAddress("52:54:00:12:34:56"), machine: MachineUUID("4c4c4544-0042-3510-8054-b4c04f4d3732"))
    #expect(policy.machines.first == BootPolicy.Machine(name: "front desk", KnownMachine(desk, image: "tier2")))
    #expect(policy.machines.last?.known.standing == .denied)
    let kinds: Set<ClientKind> = [.biosPXE, .x64PXE, .x64HTTP, .x64IPXE]
    #expect(policy.assignments == [ImageAssignment("tier2", at: Place(interface: "eth1"), kinds: kinds)])
  }

  @Test("the shortest policy answers everybody") func shortest() throws {
    let policy = try BootPolicy(reading: Array("lifeboat-serve = 1".utf8), file: "f", images: ["a"])
    #expect(policy == BootPolicy())
  }

  @Test("it is what decisions are made from") func view() throws {
    var view = ServerView()
    try site().apply(to: &view)
    let kiosk = Claimant(
      hardware: try #require(HardwareAddress("52:54:00:00:00:01")), machine: nil, kind: .x64HTTP, interface: "eth0",
      link: IPv4Address(0x0a42_0001))
    view.images = ["tier1": [:], "tier2": [:]]
    #expect(view.verdict(on: kiosk, started: "tier1") == .wait)
    var workshop = kiosk
    (workshop.interface, workshop.link) = ("eth1", IPv4Address(0x0a42_0705))
    #expect(view.verdict(on: workshop, started: "tier2") == .go)
    #expect(view.verdict(on: workshop, started: "tier1") == .restart(image: "tier2"))
    workshop.kind = nil
    #expect(view.verdict(on: workshop, started: "tier1") == .go, "its kind decides, and was not seen")
    var register = kiosk
    register.hardware = try #require(HardwareAddress("52:54:00:12:34:57"))
    #expect(view.verdict(on: register, started: "tier1") == .denied(.deniedMachine))
    view.mode = .site
    workshop.kind = .x64HTTP
    #expect(view.verdict(on: workshop, started: "tier1") == .go, "a restart would end where it began")
  }

  @Test("what each answer means for a system that has started", arguments: PolicyRule.Policy.allCases)
  func answers(policy: PolicyRule.Policy) throws {
    var view = ServerView()
    view.policy = policy
    let stranger = Claimant(
      hardware: try #require(HardwareAddress("52:54:00:00:00:01")), machine: nil, kind: nil, interface: "eth0",
      link: IPv4Address(0x0a42_0001))
    let expected: [PolicyRule.Policy: AdmissionVerdict] = [
      .none: .denied(.policyNone), .known: .denied(.unknownMachine), .approve: .wait, .all: .go,
    ]
    #expect(view.verdict(on: stranger, started: "tier1") == expected[policy])
    view.machines = [KnownMachine(MachineMatch(hardware: stranger.hardware))]
    #expect(view.verdict(on: stranger, started: "tier1") == (policy == .none ? .denied(.policyNone) : .go))
  }

  @Test("it explains itself") func explanation() throws {
    #expect(
      try site().explanation == [
        "The machine front desk (52:54:00:12:34:56 with 4c4c4544-0042-3510-8054-b4c04f4d3732) is known, image tier2.",
        "The machine cash register (52:54:00:12:34:57) is denied.",
        "interface eth1, subnet 10.66.7.0/24: everybody is answered.",
        "relay 10.66.9.1: nobody is answered.",
        "Everywhere else: everybody is answered, and waits until somebody approves the machine, after 1 s.",
        "Image tier2: interface eth1; bios-pxe, uefi-x64-http, uefi-x64-ipxe, uefi-x64-pxe.",
        "Administrators: root, the service's user, the group helpdesk.",
      ])
  }

  @Test("the example is a policy, and docs/network-boot-policy.md the reference") func document() throws {
    let (policy, diagnostics) = BootPolicyReader.read(
      bytes: Array(BootPolicySchema.example.utf8), file: "f", images: ["tier1", "tier2"])
    #expect(policy != nil && diagnostics.isEmpty, "\(Diagnostic.render(diagnostics))")
    #expect(try Golden.difference(BootPolicySchema.markdownReference(), "docs/network-boot-policy.md") == nil)
  }

  @Test("every example is what it is an example of") func examples() throws {
    for key in BootPolicySchema.policy.keys where key.name != "lifeboat-serve" {
      let example = key.example.replacing("[{ subnet", with: "[{ subnet")
      let text = "lifeboat-serve = 1\n\(key.name) = \(example)"
      let diagnostics = BootPolicyReader.read(bytes: Array(text.utf8), file: "f", images: nil).diagnostics
      #expect(diagnostics.isEmpty, "\(Diagnostic.render(diagnostics))")
    }
  }

  private static let judge = """
    import json, sys, tomllib
    from jsonschema import Draft202012Validator
    schema = json.load(sys.stdin)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for name in sys.argv[1:]:
        try: document = tomllib.load(open(name, "rb"))
        except tomllib.TOMLDecodeError: print("syntax"); continue
        print("valid" if validator.is_valid(document) else "invalid")
    """

  @Test("Python's jsonschema judges the fixtures as the reader does") func schema() async throws {
    let folder = Repository.path("Fixtures/policies/bad")
    let files = [Self.site] + FileTree.names(in: folder).filter { $0.hasSuffix(".toml") }.map { folder.appending($0) }
    // What only the meaning shows, a schema lets through.
    let beyond: Set<Diagnostic.Code> = [.imageNotInSet, .noCondition, .duplicateMachine, .neverReached]
    let expected = try files.map { file in
      let found = BootPolicyReader.read(bytes: try FileTree.bytes(of: file), file: "f", images: ["tier1", "tier2"])
      let codes = Set(found.diagnostics.map(\.code))
      return codes == [.syntax] ? "syntax" : codes.isSubset(of: beyond) ? "valid" : "invalid"
    }
    // Debian's own interpreter, because the module is Debian's; another one may stand before it in PATH.
    let answer = try await ExternalCommand("/usr/bin/python3", ["-c", Self.judge] + files.map(\.string))
      .text(input: Array(BootPolicySchema.jsonSchema().utf8))
    #expect(answer.split(separator: "\n").map(String.init) == expected)
  }
}
