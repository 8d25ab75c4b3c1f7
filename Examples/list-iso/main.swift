// SPDX-License-Identifier: GPL-3.0-or-later
// Lists the files of any ISO image with their sizes, or writes one of them to standard output: list-iso IMAGE [FILE]
import Glibc
import HostSystem
import MediumReading
import SystemPackage

let arguments = Array(CommandLine.arguments.dropFirst())
guard (1...2).contains(arguments.count) else {
  print("usage: list-iso IMAGE [FILE]")
  exit(1)
}
do {
  let image = try ISOReader(FilePath(arguments[0]))
  if arguments.count == 2 {
    try FileDescriptor.standardOutput.writeAll(try image.content(of: arguments[1]))
  } else {
    for node in image.tree.nodes.sorted(by: { $0.path < $1.path }) where node.kind == .file {
      // A name comes from whoever made the image: quoted, it cannot move the cursor.
      print("\(node.size.exact)\t\(node.path.debugDescription)")
    }
    for problem in image.problems { print("at byte \(problem.offset.exact): \(problem.what.debugDescription)") }
  }
} catch {
  print(error)
  exit(1)
}
