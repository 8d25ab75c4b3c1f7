// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The built program, run by a user who may not open drives, beside a service of the tests' own in UDisks2's place.
@Suite(
  .serialized, .enabled(if: Loop.isAllowed, "needs root and loop devices"),
  .enabled(if: PrivateBus.isInstalled, "needs dbus-daemon"))
struct OrdinaryUserTests {
  let folder: TemporaryFolder
  let image: FilePath
  private static let size = 5 << 20

  init() throws {
    folder = try TemporaryFolder()
    try FileTree.setPermissions(folder.path, 0o755)
    image = try ImageMaker.sparse(
      folder.appending("stick.img"), size: Self.size, data: [0..<2 << 20, 4 << 20..<Self.size])
    try FileTree.setPermissions(image, 0o644)
  }

  /// Who has no rights at all.
  private static let user = ["--reuid=65534", "--regid=65534", "--clear-groups"]

  private func lifeboat(_ arguments: [String], bus: String) async throws -> Tool.Outcome {
    try await Tool.run(
      "setpriv", Self.user + [try Repository.program("lifeboat").string] + arguments,
      environment: ["DBUS_SYSTEM_BUS_ADDRESS": bus, "NO_COLOR": "1"])
  }

  private func write(_ device: FilePath, bus: String, more: [String] = ["--yes"]) async throws -> Tool.Outcome {
    try await lifeboat(["write", image.string, device.string, "--allow-loop"] + more, bus: bus)
  }

  private func holdsImage(_ device: FilePath) async throws -> Bool {
    try await Tool.run("cmp", ["-n", "\(Self.size)", image.string, device.string]).status == 0
  }

  /// A device of 48 MiB, a bus, and a service that behaves as is said.
  private func with(
    _ behaviour: @escaping @Sendable (FilePath) -> FakeUDisks.Behaviour,
    prepare: (FilePath) async throws -> Void = { _ in },
    _ body: @escaping @Sendable (_ device: FilePath, _ bus: String) async throws -> Void
  ) async throws {
    let backing = try ImageMaker.filled(folder.appending("backing"), size: 48 << 20)
    try await prepare(backing)
    try await Loop.with(backing) { device in
      try await PrivateBus.with { bus in
        try await FakeUDisks.with(behaviour(device), on: bus) { _ in try await body(device, bus) }
      }
    }
  }

  private func target(_ outcome: Tool.Outcome) throws -> [String: Any] {
    let last = try #require(outcome.lines.last, "\(outcome)")
    let document = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
    return try #require((document?["targets"] as? [[String: Any]])?.first, "\(outcome)")
  }

  @Test func writesComparesAndUpdates() async throws {
    try await with({ .opens($0) }) { device, bus in
      let written = try await write(device, bus: bus)
      #expect(written.status == 0 && written.output.contains("verified, "), "\(written)")
      #expect(try await holdsImage(device))
      let compared = try await write(device, bus: bus, more: ["--verify-only"])
      #expect(compared.status == 0 && compared.output.contains("verified, 0 B written"), "\(compared)")
      let updated = try await write(device, bus: bus, more: ["--yes", "--update"])
      #expect(updated.status == 0 && updated.output.contains("were equal"), "\(updated)")
    }
  }

  @Test func resets() async throws {
    try await with({ .opens($0) }) { device, bus in
      let outcome = try await lifeboat(
        ["devices", "reset", device.string, "--allow-loop", "--yes", "--label", "EMPTY"], bus: bus)
      #expect(outcome.status == 0, "\(outcome)")
      let judged = try await Tool.run("blkid", ["-p", "-O", "1048576", "-o", "value", "-s", "LABEL", device.string])
      #expect(judged.output == "EMPTY\n", "\(judged)")
    }
  }

  @Test(arguments: [
    ("NotAuthorized", "not-authorized", "polkit does not allow it either"),
    ("NotAuthorizedCanObtain", "password-needed", "there is nobody to ask"),
  ])
  func whatPolkitRefusesIs71AndUntouched(error: String, code: String, says: String) async throws {
    try await with({ _ in .fails(name: "org.freedesktop.UDisks2.Error.\(error)", text: "Not authorized") }) {
      device, bus in
      let outcome = try await write(device, bus: bus, more: ["--yes", "--json"])
      #expect(outcome.status == 71, "\(outcome)")
      let target = try target(outcome)
      #expect(target["code"] as? String == code && target["state"] as? String == "untouched")
      let error = try #require(target["error"] as? String)
      #expect(error.contains(says) && error.contains("org.freedesktop.udisks2.open-device"), "\(error)")
      let before = try ImageMaker.filled(folder.appending("before"), size: 48 << 20)
      #expect(try await Tool.run("cmp", [before.string, device.string]).status == 0)
    }
  }

  @Test func withoutUDisksItSaysWhatIsMissing() async throws {
    let backing = try ImageMaker.filled(folder.appending("backing"), size: 48 << 20)
    try await Loop.with(backing) { device in
      let noBus = try await write(device, bus: "unix:path=\(folder.appending("nothing"))")
      #expect(noBus.status == 69 && noBus.output.contains("no system bus"), "\(noBus)")
      let noService = try await PrivateBus.with { try await write(device, bus: $0) }
      #expect(noService.status == 69 && noService.output.contains("is not installed or cannot be started"))
      #expect(noService.output.contains("apt-get install udisks2"), "\(noService)")
      let before = try ImageMaker.filled(folder.appending("before"), size: 48 << 20)
      #expect(try await Tool.run("cmp", [before.string, device.string]).status == 0)
    }
  }

  /// Its user cannot read it, and udev knows nothing of it here: it is looked at when UDisks2 has opened it.
  @Test func whatMayNotBeLostIsSeenWhenItIsOpen() async throws {
    try await with {
      .opens($0)
    } prepare: { backing in
      #expect(try await Tool.run("mkswap", [backing.string]).status == 0)
      // What the kernel makes of the mark of a swap partition that holds the memory of a suspended computer.
      let file = try FileDescriptor.open(backing, .writeOnly)
      try file.closeAfter { _ = try file.writeAll(toAbsoluteOffset: 4086, Array("S1SUSPEND\0".utf8)) }
      #expect(try await Tool.run("cp", [backing.string, "\(backing).before"]).status == 0)
    } _: { device, bus in
      let outcome = try await write(device, bus: bus, more: ["--yes", "--json"])
      #expect(outcome.status == 15, "\(outcome)")
      let target = try target(outcome)
      #expect(target["code"] as? String == "member" && target["state"] as? String == "untouched")
      #expect(try await Tool.run("cmp", [device.string, folder.appending("backing.before").string]).status == 0)
    }
  }

  @Test func aMountedDriveIsRefused() async throws {
    try await with {
      .opens($0)
    } prepare: { backing in
      let made = try await Tool.run("mkfs.ext4", ["-q", "-F", backing.string])
      #expect(made.status == 0)
    } _: { device, bus in
      let point = folder.appending("mounted")
      try FileTree.makeFolder(point)
      let mounted = try await Tool.run("mount", [device.string, point.string])
      try #require(mounted.status == 0, "\(mounted)")
      let outcome = try await write(device, bus: bus)
      #expect(try await Tool.run("umount", [point.string]).status == 0)
      #expect(outcome.status == 15 && outcome.errors.contains("is mounted at \(point)"), "\(outcome)")
    }
  }

  /// A stand-in of the agent: it is there as soon as it has made a file.
  @Test func onATerminalPolkitsAgentAsks() async throws {
    let agent = folder.appending("registered")
    let stand = try folder.writeScript("pkttyagent", "echo \"$@\" >\(agent).part && mv \(agent).part \(agent); cat")
    try FileTree.setPermissions(folder.path, 0o777)
    try await with({ .opensWithAgent($0, agent: agent) }) { device, bus in
      let program = try Repository.program("lifeboat")
      let outcome = try await Tool.run(
        "script",
        [
          "-qec",
          "setpriv \(Self.user.joined(separator: " ")) \(program) write \(image) \(device) --allow-loop --verify-only",
          "/dev/null",
        ],
        environment: [
          "NO_COLOR": "1", "SHELL": "/bin/sh", "DBUS_SYSTEM_BUS_ADDRESS": bus,
          "PATH": "\(stand.removingLastComponent()):\(HostEnvironment["PATH"] ?? "/usr/bin:/bin")",
        ], package: "bsdutils")
      #expect(outcome.status == 11, "it was compared: \(outcome)")
      let words = try FileTree.text(of: agent).split(separator: " ")
      #expect(words.first == "--process" && words.count == 2, "\(words)")
    }
  }
}
