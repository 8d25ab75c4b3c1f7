// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// A machine, what is wanted of a drive, and the codes of what stands against each: `Fixtures/machines/NAME.json`.
struct Situation: Decodable, CustomTestStringConvertible {
  struct Wanted: Decodable {
    var needed: ByteCount?
    var imagePath: String?
    var allowsLoopDevices: Bool?
    var blockSize: Int?
  }

  var about: String
  var machine: MachineDescription
  var requirement: Wanted?
  var verdicts: [String: [String]]
  var testDescription: String { about }

  var survey: DriveSurvey { DriveSurvey(machine) }
  var wanted: Requirement {
    Requirement(
      needed: requirement?.needed, imagePath: requirement?.imagePath, blockSize: requirement?.blockSize ?? 512,
      allowsLoopDevices: requirement?.allowsLoopDevices ?? false)
  }

  static let folder = Repository.path("Fixtures/machines")
  static var names: [String] { FileTree.names(in: folder).filter { $0.hasSuffix(".json") } }

  init(_ name: String) throws {
    let file = name.hasSuffix(".json") ? name : name + ".json"
    self = try JSONDecoder().decode(
      Situation.self, from: Data(try FileTree.bytes(of: Self.folder.appending(file))))
  }
}

@Suite struct SituationTests {
  @Test(arguments: Situation.names)
  func everyDriveIsJudged(name: String) throws {
    let situation = try Situation(name)
    let survey = situation.survey
    var codes: [String: [String]] = [:]
    for drive in survey.drives {
      let refusals = survey.verdict(on: drive, for: situation.wanted).refusals
      codes[drive.path] = refusals.map(\.code).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
      for refusal in refusals {
        #expect(refusal.reason.contains("/dev/"), "\(refusal) names nothing")
        #expect(refusal.remedy.first?.isUppercase == true, "\(refusal) has no remedy")
      }
    }
    #expect(codes == situation.verdicts, "\(situation.about)")
  }

  @Test func thereAreManySituations() { #expect(Situation.names.count >= 60) }

  /// The description is a value that can be kept and read again.
  @Test(arguments: Situation.names)
  func aDescriptionSurvivesJSON(name: String) throws {
    let machine = try Situation(name).machine
    let again = try JSONDecoder().decode(MachineDescription.self, from: try JSONEncoder().encode(machine))
    #expect(again == machine)
  }

  /// Taking any one fact about use away from a drive must not be what saves it: only outside drives are ever writable.
  @Test(arguments: Situation.names)
  func onlyWhatIsPluggedInFromOutsideIsWritable(name: String) throws {
    let situation = try Situation(name)
    for drive in situation.survey.drives where situation.survey.verdict(on: drive).isWritable {
      #expect(drive.kind == .card || drive.kind == .disk && drive.bus == .usb, "\(drive.path)")
    }
  }

  @Test func theReasonNamesTheThing() throws {
    let situation = try Situation("usb-luks-open")
    let drive = try situation.survey.select("/dev/sdb").drive
    let refusals = situation.survey.verdict(on: drive).refusals
    #expect(
      refusals.map(\.reason) == [
        "/dev/dm-0 is mounted at /media/anna/secret",
        "/dev/sdb1 is in use by the opened encrypted device luks-1234",
      ])
    let system = try Situation("live-medium")
    let medium = try system.survey.select("/dev/sdb").drive
    #expect(
      system.survey.verdict(on: medium).refusals.first?.reason
        == "/dev/sdb carries the running system (/run/live/medium, /run/live/rootfs/10-base.squashfs, /)")
  }

  /// What is seen only when the drive is open.
  @Test func anOpenedDriveIsJudgedByWhatIsOnIt() throws {
    let drive = try #require(try Situation("usb-not-permitted").survey.drives.first)
    func codes(_ probe: Probe) -> [String] {
      do throws(DriveDiscoveryFailure) { try drive.requireNoMember(in: probe) } catch {
        if case .refused(_, let refusals) = error { return refusals.map(\.code) }
      }
      return []
    }
    let volume = Probe.Signature(type: "LVM2_member", usage: "raid")
    let entry = Probe.Entry(index: 1, start: .mebibytes(1), size: .mebibytes(8), signatures: [volume])
    #expect(codes(Probe()) == [])
    #expect(codes(Probe(signatures: [.init(type: "vfat", usage: "filesystem")])) == [])
    #expect(codes(Probe(signatures: [volume])) == ["member"])
    #expect(codes(Probe(table: .init(type: "gpt", entries: [entry]))) == ["member"])
    #expect(codes(Probe(isAmbivalent: true)) == ["ambivalent"])
    #expect(codes(Probe(source: .failed, error: "Input/output error")) == ["unreadable"])
    #expect(codes(Probe(source: .denied)) == ["not-permitted"])
  }
}
