// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import MediumReading
import SystemPackage

/// `lifeboat inspect`.
struct InspectVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what an ISO image is and how computers would start it.",
    discussion: """
      Takes any ISO file, disc or stick, whether Lifeboat made it or not. Shows the volume, a map of the disk with \
      every range, what each firmware would start, the boot loaders with their signers, and the content.

        lifeboat inspect output/tier1-x64.iso
        lifeboat inspect debian-12-netinst.iso --json
      """)

  @Argument(help: "The ISO file or device.", completion: .file(extensions: ["iso"])) var medium: String
  @Flag(help: "One JSON document on standard output.") var json = false

  func run(on console: Console) async throws -> ExitStatus {
    let inspection = try await ISOInspection.inspect(FilePath(medium))
    if json {
      try console.printJSON(inspection)
    } else {
      console.results.write(inspection.text(width: console.results.isTerminal ? console.results.width : 100))
    }
    return .success
  }
}
