// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

extension DriveLab {
  /// Sticks that are plugged in and out while a person is asked, or where a station waits for them.
  struct ReplugTests {
    private static let planned = LabDrive(id: "planned", serial: "PLANNED-1")
    private static let other = LabDrive(id: "other", serial: "OTHER-0001", isPlugged: false)
    /// The maker has given it the same serial number.
    private static let twin = LabDrive(id: "twin", serial: "PLANNED-1", isPlugged: false)
    private static let asked = LabDrive(id: "asked", serial: "ASKED-0001")
    private static let first = LabDrive(id: "first", serial: "FIRST-0001", isPlugged: false)
    private static let second = LabDrive(id: "second", serial: "SECOND-0001", isPlugged: false)

    @Test func onlyTheStickThatWasMeantIsWritten() async throws {
      try await LabImage.with { image in
        try await LabMachine.with(
          [Self.planned, Self.other, Self.twin, Self.asked, Self.first, Self.second],
          targets: ["asked", "first", "second"], files: ["image": image]
        ) { lab in
          try await aWrongAnswerWritesNothing(lab)
          try await aStickInItsPlaceIsRefused(Self.other, lab)
          try await lab.unplug(Self.other)
          try await lab.plug(Self.planned)
          try await aStickInItsPlaceIsRefused(Self.twin, lab)
          try await theRightAnswerWrites(lab)
          #expect(try await lab.holds(Self.asked, image))
          try await aStationWritesWhatIsPluggedIn(lab)
          #expect(try await lab.holds(Self.first, image))
          #expect(try await lab.holds(Self.second, image))
        }
      }
    }

    private func aWrongAnswerWritesNothing(_ lab: LabMachine) async throws {
      let run = try await lab.beginOnTerminal("wrong", "write /lab/image \(Self.planned.serial) --json")
      try await run.until(said: "Type the")
      try await run.type("yes")
      let outcome = try await run.end()
      #expect(outcome.status == 64)
      #expect(try outcome.errorCode() == "not-confirmed", "\(outcome)")
    }

    private func theRightAnswerWrites(_ lab: LabMachine) async throws {
      let run = try await lab.beginOnTerminal("right", "write /lab/image \(try await lab.path(of: Self.asked)) --json")
      try await run.until(said: "Type the")
      try await run.type(Self.asked.serial)
      let outcome = try await run.end()
      #expect(outcome.status == 0, "\(outcome)")
      #expect(try outcome.target(Self.asked.serial).state == "complete")
    }

    /// Between the plan and the answer, the planned stick makes room for another one under the same name.
    private func aStickInItsPlaceIsRefused(_ drive: LabDrive, _ lab: LabMachine) async throws {
      let path = try await lab.path(of: Self.planned)
      let run = try await lab.beginOnTerminal("replug-\(drive.id)", "write /lab/image \(Self.planned.serial) --json")
      try await run.until(said: "Type the")
      try await lab.unplug(Self.planned)
      let name = try await lab.plug(drive)
      try #require(name == path)
      try await run.type(Self.planned.serial)
      let outcome = try await run.end()
      #expect(outcome.status == 15, "\(outcome)")
      let target = try outcome.target(Self.planned.serial)
      #expect(target.code == "other-device" && target.state == "untouched", "\(outcome)")
    }

    private func aStationWritesWhatIsPluggedIn(_ lab: LabMachine) async throws {
      let run = try await lab.begin("station", "write /lab/image --station --count 2 --yes --json")
      try await run.until(said: "Plug in sticks")
      // As after a reset of the hub: the same stick again, as a new device. The lab compares its bytes at the end.
      try await lab.unplug(Self.twin)
      try await lab.plug(Self.twin)
      try await run.until(said: "was not written: it may have been plugged in before the station began")
      for drive in [Self.first, Self.second] {
        try await lab.plug(drive)
        try await run.until(line: "\"event\":\"result\"", drive.serial)
        try await lab.unplug(drive)
      }
      let outcome = try await run.end()
      #expect(outcome.status == 0, "\(outcome)")
      for drive in [Self.first, Self.second] { #expect(try outcome.target(drive.serial).state == "complete") }
    }
  }
}
