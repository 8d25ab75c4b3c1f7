// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

/// Real descriptors: files, and loop devices that the tests make, judged by cmp.
@Suite(.serialized) struct DeviceTests {
  let folder = try? TemporaryFolder()
  static let identity = DriveIdentity(
    serial: "A1", wwn: nil, model: "Loop", size: ByteCount(64 << 20), port: "virtual", sequence: nil)

  func image() throws -> FilePath {
    try ImageMaker.sparse(
      try #require(folder).appending("image"), size: (21 << 20) + 700,
      data: [0..<3 << 20, 8 << 20..<13 << 20, 21 << 20..<(21 << 20) + 700])
  }

  func compare(_ image: FilePath, _ target: FilePath) async throws {
    let outcome = try await Tool.run("cmp", ["-n", String((21 << 20) + 700), image.string, target.string])
    #expect(outcome.status == 0, "\(outcome)")
  }

  /// The failure with which a drive is refused.
  func refusal(_ path: FilePath, _ expected: DriveIdentity? = identity, found: DriveIdentity = identity) throws
    -> FlashMediaFailure?
  {
    do { _ = try FlashTarget(path, expected: expected) { _ in found } } catch let failure as FlashMediaFailure {
      return failure
    }
    return nil
  }

  @Test func writesToAFile() async throws {
    let image = try image()
    let file = try ImageMaker.filled(try #require(folder).appending("target"), size: 40 << 20)
    let target = try FlashTarget(file, expected: nil) { _ in Self.identity }
    let outcome = await FlashSession(try await FlashSource(image).open()).run(on: [target])
    #expect(outcome.first?.state == .complete, "\(outcome)")
    try await compare(image, file)
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices"), arguments: ["512", "4096"])
  func writesToADevice(_ sector: String) async throws {
    let image = try image()
    let backing = try ImageMaker.filled(try #require(folder).appending("backing"), size: 64 << 20)
    try await Loop.with(backing, ["--sector-size", sector]) { device in
      do {
        let target = try FlashTarget(device, expected: Self.identity) { _ in Self.identity }
        let second = try refusal(device)
        #expect(second == .refused(device, .busy))
        let outcome = await FlashSession(try await FlashSource(image).open()).run(on: [target])
        #expect(outcome.first?.state == .complete, "\(outcome)")
      }
      try await compare(image, device)
      try await compare(image, backing)
    }
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices"))
  func refusesAnotherDriveAndAReadOnlyOne() async throws {
    let backing = try ImageMaker.filled(try #require(folder).appending("backing"), size: 64 << 20)
    try await Loop.with(backing) { device in
      var other = Self.identity
      other.serial = "B2"
      let swapped = try refusal(device, found: other)
      #expect(
        swapped
          == .refused(device, .otherDevice(field: "serial number", expected: "A1", found: "B2")))
      var larger = Self.identity
      larger.size = ByteCount(65 << 20)
      let resized = try refusal(device, larger, found: larger)
      #expect(resized?.code == "other-device")
    }
    try await Loop.with(backing, ["-r"]) { device in
      let locked = try refusal(device)
      #expect(locked == .writeProtected(device))
    }
  }

  @Test func refusesWhatIsNoDrive() throws {
    let folder = try #require(folder)
    #expect(try refusal(folder.path) == .refused(folder.path, .notADevice))
    #expect(try refusal("/dev/null") == .refused("/dev/null", .notADevice))
    let missing = folder.appending("missing")
    #expect(try refusal(missing) == .refused(missing, .cannotOpen(.noSuchFileOrDirectory)))
  }
}
