// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
@preconcurrency import Glibc
import HostSystem

/// The command: a list of verbs.
///
///     arguments ──▶ CommandLineRun ──▶ Verb ──▶ a library ──▶ results on standard output
///                        │              └─ ProgressEvent ──▶ ProgressRenderer ──▶ standard error
///                        └─ Interruption, ErrorReport ──▶ exit status
@main
struct Lifeboat: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lifeboat",
    abstract: "Build bootable recovery media from one manifest.",
    discussion: """
      From nothing to a recovery system in a virtual machine:

        lifeboat init
        lifeboat check
        lifeboat build -o output
        lifeboat try output/rescue-x64.iso

      Results go to standard output, progress and messages to standard error. With --json the result is one JSON \
      document; an error is then {"error": {"code", "message", "remedy"}}. NO_COLOR is respected.

      Exit status:
        0    everything asked for was done
        1    some of the work failed; the summary says which
        3    what was verified is not what was promised
        10   writing to a drive failed
        11   a drive does not hold what was written to it
        12   a drive was pulled out, or another one stands in its place
        13   a drive has less room than it says
        14   a drive, its disc or its slot is write-protected
        15   a drive may not be written: in use, not blank, too small, or not what it should be
        64   the command line is wrong
        65   the manifest or another input is wrong
        66   an input file does not exist or cannot be read
        69   a program, package or network service is missing or failed
        70   a defect of Lifeboat
        71   the operating system does not allow something needed
        73   the output cannot be created: permissions, disk full
        74   reading or writing failed
        75   another Lifeboat holds what is needed; try again later
        130  interrupted
      """,
    version: Version.current,
    subcommands: [
      InitVerb.self, CheckVerb.self, ToolsVerb.self, PlanVerb.self, BuildVerb.self, InspectVerb.self, VerifyVerb.self,
      TryVerb.self, DevicesVerb.self, WriteVerb.self, BurnVerb.self, InstallVerb.self, PackageVerb.self,
      PublishVerb.self, ServeVerb.self, ClientsVerb.self, ExportVerb.self, KeyVerb.self, CacheVerb.self,
    ])

  static func main() async {
    // What is made is for others to read, and its modes go into bytes; secrets have modes of their own.
    umask(0o022)
    let run = CommandLineRun(Array(CommandLine.arguments.dropFirst()), on: .standard())
    Glibc.exit(await run.execute().rawValue)
  }
}
