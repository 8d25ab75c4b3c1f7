// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import lifeboat

@Suite struct DevicesVerbTests {
  @Test(arguments: [
    "usb-luks-open", "two-identical-sticks", "card-reader-multi-slot", "usb-old-medium", "usb-medium-with-data",
  ])
  func theListIsAsItWas(name: String) throws {
    let listing = DriveListing(try Machine.survey(name), all: false, reading: { _ in nil })
    let text = listing.lines(TestScreen().stream).joined(separator: "\n") + "\n"
    #expect(try Golden.difference(text, "Fixtures/command-line/devices-\(name).txt") == nil)
  }

  @Test func builtInDrivesAreHiddenUntilAskedFor() throws {
    let survey = try Machine.survey("laptop-usb-stick")
    let few = DriveListing(survey, all: false, reading: { _ in nil })
    #expect(few.drives.map(\.drive.path) == ["/dev/sdb"] && few.hidden == 1)
    let all = DriveListing(survey, all: true, reading: { _ in nil })
    #expect(all.drives.map(\.drive.path) == ["/dev/nvme0n1", "/dev/sdb"] && all.hidden == 0)
    #expect(try StableJSON.text(all).contains("\"code\" : \"system-disk\""))
  }

  @Test func theProgramListsThisMachine() async throws {
    let outcome = try await Repository.lifeboat(["devices", "--all", "--json"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    let document = try JSONSerialization.jsonObject(with: Data(outcome.bytes)) as? [String: Any]
    #expect(document?["drives"] is [[String: Any]] && document?["hidden"] as? Int == 0)
  }

  @Test func watchingEndsWell() async throws {
    let script = "\"$0\" devices --watch --json --all & process=$!; sleep 1; kill -INT $process; wait $process"
    let outcome = try await Tool.run("sh", ["-c", script, try Repository.program("lifeboat").string])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    for line in outcome.lines {
      let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      #expect(event?["event"] as? String == "present", "\(line)")
    }
  }
}
