// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import Testing

@Suite("Policy, machines and images") struct PolicyTests {
  private let view = ServerView.everything
  private let uuid = MachineUUID(Firmware.uuid)!

  private func admission(_ view: ServerView, _ change: (inout DHCPPacket) -> Void = { _ in }) -> Grant.Admission? {
    view.decide(.bios, change).answer?.grant.admission
  }

  @Test("none, known, approve, all; unknown, known, denied") func table() {
    let me = MachineMatch(hardware: Firmware.mac)
    for policy in PolicyRule.Policy.allCases {
      let unknown = view.with { $0.policy = policy }
      let known = unknown.with { $0.machines = [KnownMachine(me)] }
      let denied = unknown.with { $0.machines = [KnownMachine(me, .denied)] }
      switch policy {
      case .none:
        for view in [unknown, known, denied] { #expect(view.decide(.bios).reason == .policyNone) }
      case .known:
        #expect(unknown.decide(.bios).reason == .unknownMachine)
        #expect(admission(known) == .admitted)
        #expect(denied.decide(.bios).reason == .deniedMachine)
      case .approve:
        #expect(admission(unknown) == .pending)
        #expect(admission(known) == .admitted)
        #expect(denied.decide(.bios).reason == .deniedMachine)
      case .all:
        #expect(admission(unknown) == .admitted && admission(known) == .admitted)
        #expect(denied.decide(.bios).reason == .deniedMachine)
      }
    }
  }

  @Test("the same answers on port 4011") func bootServer() {
    let known = view.with { $0.policy = .known }
    #expect(known.decideAtBootServer(.bios).reason == .unknownMachine)
    #expect(view.with { $0.policy = .none }.decideAtBootServer(.bios).reason == .policyNone)
  }

  @Test("a machine is its card, its UUID in either order, or both; nothing is nobody") func matches() {
    let other = HardwareAddress("52:54:00:12:34:57")!
    let matches: [(MachineMatch, Bool)] = [
      (MachineMatch(hardware: Firmware.mac), true), (MachineMatch(machine: uuid), true),
      (MachineMatch(machine: uuid.swapped), true), (MachineMatch(hardware: Firmware.mac, machine: uuid), true),
      (MachineMatch(hardware: other), false), (MachineMatch(hardware: other, machine: uuid), false),
      (MachineMatch(), false),
    ]
    for (match, fits) in matches {
      let known = view.with {
        $0.policy = .known
        $0.machines = [KnownMachine(match)]
      }
      #expect((known.decide(.bios).answer != nil) == fits)
    }
    let byUUID = view.with {
      $0.policy = .known
      $0.machines = [KnownMachine(MachineMatch(machine: uuid))]
    }
    #expect(byUUID.decide(.bios) { $0.options[.machineIdentifier] = nil }.reason == .unknownMachine)
  }

  @Test("the first rule that fits the place counts") func places() {
    let relay = IPv4Address("10.7.0.1")!
    let rules = view.with {
      $0.policy = .none
      $0.policies = [
        PolicyRule(.known, at: Place(relay: relay)),
        PolicyRule(.approve, at: Place(subnet: IPv4Subnet("10.8.0.0/16"))),
        PolicyRule(.all, at: Place(interface: "eth0", subnet: IPv4Subnet("10.66.0.0/24"))),
      ]
    }
    #expect(admission(rules) == .admitted)
    #expect(rules.decide(.bios) { $0.relay = relay }.reason == .unknownMachine)
    #expect(admission(rules) { $0.relay = IPv4Address("10.8.3.1")! } == .pending)
    #expect(rules.decide(.bios) { $0.relay = IPv4Address("10.9.0.1")! }.reason == .policyNone)
    let linked = admission(rules) {
      $0.relay = IPv4Address("10.9.0.1")!
      $0.options[.relayAgentInformation] = hex("0504 0a080000")
    }
    #expect(linked == .pending, "the relay agent says which subnet (RFC 3527)")
    let other = Arrival(interface: "eth1", server: Wire.server, source: .any, sourcePort: 68)
    #expect(rules.decide(Firmware.bios.packet(), arrival: other, at: .dhcp).reason == .policyNone)
  }

  @Test("image by machine, subnet, kind, default, in that order of the list") func images() throws {
    let second: [BootLoader: ObjectName] = [
      .biosGRUB: try ObjectName("two/grub.pxe"), .ramDisk: try ObjectName("two.iso"),
    ]
    let base = view.with {
      $0.images["tier2"] = second
      $0.images["tier3"] = [.biosGRUB: try! ObjectName("three/grub.pxe")]
    }
    func file(_ view: ServerView, _ firmware: Firmware = .bios) -> String? {
      guard case .loader(_, let name, _) = view.decide(firmware).answer?.grant.file else { return nil }
      return name.text
    }
    #expect(file(base) == "grub.pxe")
    let assigned = base.with {
      $0.assignments = [
        ImageAssignment("tier3", to: MachineMatch(hardware: HardwareAddress("52:54:00:12:34:57")!)),
        ImageAssignment("tier2", at: Place(subnet: IPv4Subnet("10.66.0.0/24")), kinds: [.biosPXE, .biosIPXE]),
        ImageAssignment("tier3", to: MachineMatch(machine: uuid)),
      ]
    }
    #expect(file(assigned) == "two/grub.pxe")
    #expect(assigned.decide(.x64HTTP).reason == .noFile(image: "tier3", .ramDisk))
    let own = assigned.with {
      $0.machines = [KnownMachine(MachineMatch(hardware: Firmware.mac), image: "tier3")]
    }
    #expect(file(own) == "three/grub.pxe")
    #expect(base.with { $0.defaultImage = nil }.decide(.bios).reason == .noImage)
    #expect(base.with { $0.defaultImage = "tier9" }.decide(.bios).reason == .unknownImage("tier9"))
    #expect(base.with { $0.defaultImage = "tier2" }.decide(.ia32).reason == .noFile(image: "tier2", .ia32GRUB))
  }
}
