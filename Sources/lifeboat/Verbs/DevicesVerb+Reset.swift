// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import DriveDiscovery
import FlashMedia
import HostSystem

extension DevicesVerb {
  /// `lifeboat devices reset`.
  struct Reset: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Make an ordinary empty drive of a stick or card.",
      discussion: """
        Gives a medium back: one partition over the whole drive, with an empty file system. What was on the drive is \
        no longer listed; most of its bytes are still there, so this is no way to make secrets unreadable.

        TARGET is named as for "lifeboat write", is refused for the same reasons, and you type its model or serial \
        number. Marks of LVM, RAID and the like that are in use by nothing do not stop it.

          lifeboat devices reset 4C530001230607115463
          lifeboat devices reset 4C530001230607115463 --file-system fat32 --label CAMERA
        """)

    @Argument(help: "The drive.") var target: String
    @Option(help: "What to make: exfat takes files of any size, fat32 suits old devices.")
    var fileSystem = FlashReset.FileSystem.exfat
    @Option(help: "The name that the drive is shown by, at most 11 characters.") var label: String?
    @Flag(help: "Take a drive of more than 256 GB too.") var allowLarge = false
    @Flag(help: .hidden) var allowLoop = false
    @Flag(help: "Do not ask; TARGET must be an identity.") var yes = false
    @Flag(help: "JSON lines: progress, and the outcome as the last one.") var json = false

    func run(on console: Console) async throws -> ExitStatus {
      let plan = try ResetPlan(
        target, in: await DriveSurvey.current(), reset: FlashReset(fileSystem, label: label),
        largest: allowLarge ? nil : Requirement.usualLargest, allowsLoopDevices: allowLoop)
      console.note(plan.text)
      if yes {
        try plan.selection.requireIdentity()
      } else {
        try await Confirmation.ask(for: plan.drive, on: console)
      }
      let report = try await plan.carryOut(json: json, on: console)
      try report.show(on: console, json: json)
      return report.target.status
    }
  }
}
