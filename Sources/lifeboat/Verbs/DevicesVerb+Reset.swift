// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import DriveDiscovery
import FlashMedia
import HostSystem

extension DevicesVerb {
  /// `lifeboat devices reset`.
  struct Reset: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Turn a stick or card back into an ordinary empty drive.",
      discussion: """
        Makes one partition over the whole drive, with an empty file system. The old files are no longer listed, but \
        most of their bytes are still there: do not use this to make secrets unreadable.

        Name TARGET as for "lifeboat write"; it is refused for the same reasons, and you confirm by typing its model \
        or serial number. Leftover marks of LVM, RAID and the like that nothing uses do not stop it.

          lifeboat devices reset 4C530001230607115463
          lifeboat devices reset 4C530001230607115463 --file-system fat32 --label CAMERA
        """)

    @Argument(help: "The drive.") var target: String
    @Option(help: "What to make: exfat holds files of any size, fat32 suits old devices.")
    var fileSystem = FlashReset.FileSystem.exfat
    @Option(help: "The name under which the drive appears, at most 11 characters.") var label: String?
    @Flag(help: "Accept a drive of more than 256 GB.") var allowLarge = false
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
