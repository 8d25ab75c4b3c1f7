// SPDX-License-Identifier: GPL-3.0-or-later
// Writes an image to one drive and reads it back: write-stick IMAGE SERIAL
// Instead of a drive's serial number, an image file that exists may be given: it is written as a drive would be.
import DriveDiscovery
import FlashMedia
import Glibc
import HostSystem
import SystemPackage

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count == 2 else {
  print("usage: write-stick IMAGE SERIAL")
  exit(1)
}

/// The drive of a serial number, after the plan was shown and the number typed once more; nil where it was not.
func drive(_ serial: String, for source: OpenedSource) async throws -> FlashTarget? {
  let survey = await DriveSurvey.current()
  let selection = try survey.select(serial)
  guard selection.isIdentity else {
    print("\(serial.debugDescription) may be another drive tomorrow: name it by its serial number")
    return nil
  }
  try survey.requireWritable(
    selection.drive, for: Requirement(needed: source.size, imagePath: source.image.string)
  ) { $0.isAboutPermission }
  let drive = selection.drive
  print("Everything on \(drive.path) (\(drive.identity.model.debugDescription), \(drive.size)) will be lost.")
  print("It gets \(source.image), \(source.size.map { "\($0)" } ?? "packed"). Type its serial number to go on:")
  guard let answer = readLine(), drive.matches(confirmation: answer) else { return nil }
  // The identity is compared again with what was opened: another stick may have taken the path meanwhile.
  return try await TargetOpening(FilePath(drive.path), expected: drive.identity, mayAsk: isatty(STDIN_FILENO) == 1)
    .target()
}

do {
  let source = try await FlashSource(FilePath(arguments[0])).open()
  let isFile = FileTree.kind(of: FilePath(arguments[1])) == .file
  let target =
    isFile ? try FlashTarget(FilePath(arguments[1]), expected: nil) : try await drive(arguments[1], for: source)
  guard let target else {
    print("Nothing was written.")
    exit(1)
  }
  for outcome in await FlashSession(source).run(on: [target]) {
    print("\(outcome.target): \(outcome.state.sentence)")
    if let failure = outcome.failure { print(failure) }
    if !outcome.isSuccess { exit(1) }
  }
} catch {
  print(error)
  exit(1)
}
