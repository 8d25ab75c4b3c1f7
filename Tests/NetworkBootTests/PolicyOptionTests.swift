// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import TestSupport
import Testing

@testable import NetworkBoot

/// What is said on the command line goes before what the policy says.
struct PolicyOptionTests {
  @Test(arguments: [
    (BootService.Shadow?.none, true), (.some(.never), false), (.some(.commit), true),
  ])
  func theShadowReplyIsTheCommandLinesToDecide(_ said: BootService.Shadow?, _ isSent: Bool) async throws {
    let site = try TestSite()
    try site.publish(
      1, [.init(name: "boot/shimx64.efi", bytes: [1])], entries: ["uefi-x64-pxe": "boot/shimx64.efi"])
    var options = BootService.Options(site: site.path)
    options.interfaces = ["lo"]
    options.shadow = said
    options.policy = try site.folder.write("policy.toml", "lifeboat-serve = 1\nshadow = \"reply\"\n")
    let plan = try await BootService(options).plan()
    let client = try #require(plan.clients.first { $0.kind == "uefi-x64-pxe" })
    #expect(client.answer.contains("A shadow reply") == isSent, "\(client)")
    #expect(client.notes.contains { $0.contains("in the client's name") } == (said == .commit), "\(client.notes)")
  }
}
