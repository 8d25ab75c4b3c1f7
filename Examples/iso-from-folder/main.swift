// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a bootable ISO of a folder: iso-from-folder FOLDER ELTORITO-IMAGE-WITHIN-IT MBR-FILE ESP-IMAGE OUTPUT
import BootAssembly
import Glibc
import HostSystem
import MediumWriting
import SystemPackage

let arguments = CommandLine.arguments.dropFirst().map { FilePath($0) }
guard arguments.count == 5 else { exit(EX_USAGE) }
do {
  let tree = try BootTree(
    folder: arguments[0], volumeIdentifier: "RECOVERY", timestamp: 1_767_225_600,
    biosBoot: .init(image: arguments[1].string, mbrFile: arguments[2]), efiSystemPartition: arguments[3])
  let written = try await ISOImage.write(tree, to: arguments[4])
  print("\(written.path): \(written.files) files, \(written.size.exact) bytes")
} catch {
  print(error)
  exit(1)
}
