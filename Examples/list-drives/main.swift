// SPDX-License-Identifier: GPL-3.0-or-later
// Lists the drives of this computer, and says of each whether an image of a size may be written to it, or why not:
// list-drives [MEBIBYTES]
import DriveDiscovery
import HostSystem

let needed = CommandLine.arguments.dropFirst().first.flatMap { Int64($0) }.map { ByteCount.mebibytes($0) }
let survey = await DriveSurvey.current()
for drive in survey.drives where drive.isCandidate {
  let serial = drive.identity.serial ?? "no serial number"
  // What a drive says of itself is not to be trusted: quoted, it cannot move the cursor.
  print("\(drive.path)\t\(drive.size)\t\(drive.identity.model.debugDescription)\t\(serial.debugDescription)")
  for refusal in survey.verdict(on: drive, for: Requirement(needed: needed)).refusals {
    print("  not writable: \(refusal.reason)\n    \(refusal.remedy)")
  }
}
