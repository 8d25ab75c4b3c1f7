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
    let text = listing.lines.map(TestScreen().stream.rendered).joined(separator: "\n") + "\n"
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
    let folder = try TemporaryFolder()
    // A shell lets what it starts in the background ignore the signal, until the program has asked for it: that it has,
    // its first line shows.
    let script = """
      "$0" devices --watch --json --all >"$1" & process=$!
      until [ -s "$1" ] || ! kill -0 $process; do sleep 0.1; done
      kill -INT $process; wait $process || exit; cat "$1"
      """
    let outcome = try await Tool.run(
      "sh", ["-c", script, try Repository.program("lifeboat").string, folder.appending("events").string])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    let events = try outcome.lines.map { line in
      try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    }
    #expect(
      !events.isEmpty && events.allSatisfy { $0?["drive"] is [String: Any] || $0?["path"] is String }, "\(outcome)")
    #expect(events.first??["event"] as? String == "present", "\(outcome)")
  }
}

@Suite(.serialized, .enabled(if: Loop.isAllowed, "needs root and loop devices")) struct BenchmarkTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Read-only devices refuse every write: what can be measured on one is measured without.
  @Test(arguments: [[], ["--read-only"]])
  func aDriveIsReadAndNotWritten(options: [String]) async throws {
    let file = try ImageMaker.filled(folder.appending("a"), size: 600 << 20)
    let before = try Digest(ofFile: file)
    let document = try await Loop.with(file, options) { device in
      let text = try await Repository.lifeboat(["devices", "--benchmark", device.string])
      #expect(text.status == 0 && text.lines.last?.hasPrefix("Nothing was written.") == true, "\(text)")
      #expect(text.lines.filter { $0.contains("reads at") }.count == 2, "\(text)")
      let json = try await Repository.lifeboat(["devices", "--benchmark", device.string, "--json"])
      return try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any]
    }
    #expect(try Digest(ofFile: file) == before)
    let benchmark = try #require(document?["benchmark"] as? [String: Any])
    #expect(benchmark["size"] as? Int == 600 << 20)
    let stretches = try #require(benchmark["stretches"] as? [[String: Any]])
    #expect(stretches.map { $0["start"] as? Int } == [0, 344 << 20])
    #expect(stretches.allSatisfy { $0["bytes"] as? Int == 256 << 20 && $0["seconds"] as? Double ?? 0 > 0 })
  }

  @Test func aDriveThatCannotBeOpenedIsNamed() async throws {
    let file = try ImageMaker.filled(folder.appending("a"), size: 1 << 20)
    let program = try await Repository.readableProgram(in: folder.path)
    let outcome = try await Loop.with(file, []) { device in
      try await Tool.run(
        "setpriv",
        ["--reuid=65534", "--regid=65534", "--clear-groups", program.string, "devices", "--benchmark", device.string])
    }
    #expect(outcome.status == 15, "\(outcome)")
    #expect(outcome.errors.contains("cannot be opened: Permission denied"), "\(outcome)")
    let unknown = try await Repository.lifeboat(["devices", "--benchmark", "/dev/no-such-drive"])
    #expect(unknown.status == 64 && unknown.errors.contains("there is no drive /dev/no-such-drive"), "\(unknown)")
    let mixed = try await Repository.lifeboat(["devices", "--benchmark", "x", "--all"])
    #expect(mixed.status == 64, "\(mixed)")
  }
}
