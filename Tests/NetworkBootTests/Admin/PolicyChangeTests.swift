// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import HostSystem
import NetworkBootProtocol
import Synchronization
import TestSupport
import Testing

@testable import NetworkBoot

/// Another policy holds as a whole, or not at all.
@Suite(.timeLimit(.minutes(10))) struct PolicyChangeTests {
  /// It reads well; only beside the set is it clear that nobody could be served by it: no image is chosen.
  private let unfit = "answer = \"all\"\nadmin-group = \"guests\""

  @Test func aPolicyThatTheSetCannotServeChangesNothing() async throws {
    let lab = try AdminLab("answer = \"approve\"\nimage = \"demo\"\nadmin-group = \"staff\"")
    let said = Mutex<[ServiceEvent]>([])
    let events = EventLog { event in said.withLock { $0.append(event) } }
    let sets = try await SetFollower(Site(at: lab.site.path), trusting: nil, events: events)
    var options = BootService.Options(site: lab.site.path)
    options.policy = lab.policy
    let desk = try MachineDesk(options, sets.current, events: events)
    let (policy, view) = (desk.policy, desk.view)
    try lab.write(unfit)
    desk.lookAtPolicy()
    #expect(desk.policy == policy && desk.adminGroup == "staff", "\(String(describing: desk.policy))")
    #expect(desk.view.policy == view.policy && desk.view.defaultImage == "demo")
    desk.useHTTPPort(8080)
    #expect(desk.view.httpPort == 8080, "the old one goes on, whatever else changes")
    desk.lookAtPolicy()
    #expect(
      said.withLock { $0.map(\.message) } == ["the policy stays as it was: the set has 2 images: demo, other"],
      "said once, in words")
  }

  @Test func itHoldsOnceASetComesThatItFits() async throws {
    let lab = try AdminLab()
    try await lab.serve { [unfit] service async throws in
      try lab.write(unfit)
      let refused = try await service.events.first { $0.event == .policy && $0.weight == .trouble }
      #expect(refused.message.contains("the set has 2 images"), "\(refused)")
      let number = try await lab.number(service)
      #expect(try await lab.clients("approve", number).status == 0, "machines are administered as before")
      #expect(try await lab.ask(service) == "go 200")
      let second = "525400000002"
      #expect(try await lab.ask(service, mac: second, uuid: "-").hasPrefix("wait "), "as the old policy says")
      try lab.publish(2, images: ["demo"])
      _ = try await service.events.first { $0.event == .policy && $0.message.contains("was read again") }
      #expect(try await lab.ask(service, mac: second, uuid: "-") == "go 200")
    }
    let events = try lab.audit().compactMap { $0["event"] }.filter { $0.hasPrefix("policy") }
    #expect(events == ["policy-refused", "policy"])
  }
}
