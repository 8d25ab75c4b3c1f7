// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import lifeboat

/// The built program, as a user or a script meets it.
@Suite struct BinaryTests {
  @Test func saysItsVersion() async throws {
    let outcome = try await Repository.lifeboat(["--version"])
    #expect(outcome.status == 0 && outcome.output == "\(Version.current)\n" && outcome.errors.isEmpty)
  }

  @Test func aWrongCommandLineIs64() async throws {
    let outcome = try await Repository.lifeboat(["frobnicate"])
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("lifeboat: error: Unexpected argument 'frobnicate'\n"))
  }

  @Test func theHelpIsAsItWas() async throws {
    let outcome = try await Repository.lifeboat(["--help"])
    #expect(try Golden.difference(outcome.output, "Fixtures/command-line/help.txt") == nil)
    #expect(outcome.status == 0)
  }

  /// `make reference` writes the file anew.
  @Test func theCommandReferenceIsThatOfTheProgram() async throws {
    #expect(try Golden.difference(try await reference("markdown").output, "docs/command-reference.md") == nil)
  }

  @Test func manualPagesCanBeFormatted() async throws {
    let names = try await reference("names").lines
    #expect(names.first == "lifeboat")
    #expect(names.contains("lifeboat-build"))
    for name in names {
      let page = try await reference("manual", name)
      let formatted = try await Tool.run(
        "groff", ["-man", "-Tutf8", "-ww", "-P-cbou"], input: page.bytes, package: "groff-base")
      #expect(formatted.status == 0 && formatted.errors.isEmpty, "\(name): \(formatted.errors)")
      for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"] {
        #expect(formatted.lines.contains(heading), "\(name) has no \(heading)")
      }
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreScriptsOfTheShell(shell: String) async throws {
    let script = try await Repository.lifeboat(["--generate-completion-script", shell])
    #expect(script.status == 0)
    #expect(script.output.contains("secure-boot"), "the values of --firmware are completed")
    if shell == "bash" {
      let judged = try await Tool.run("bash", ["-n"], input: script.bytes)
      #expect(judged.status == 0 && judged.errors.isEmpty, "\(judged)")
    }
  }

  @Test func resultsThatCannotBeWrittenAreAnError() async throws {
    let program = try Repository.program("lifeboat").string
    let outcome = try await Tool.run("sh", ["-c", "\"$0\" tools > /dev/full", program])
    #expect(outcome.status == 73)
    #expect(outcome.errors.hasPrefix("lifeboat: error: write standard output: No space left on device\n  Free "))
  }

  @Test func aReaderThatHasSeenEnoughIsNoError() async throws {
    let program = try Repository.program("lifeboat").string
    let outcome = try await Tool.run("bash", ["-c", "\"$0\" tools | true; echo ${PIPESTATUS[0]}", program])
    #expect(["141\n", "0\n"].contains(outcome.output), "ended by SIGPIPE, or done before the reader went away")
    #expect(outcome.errors.isEmpty)
  }

  @Test(arguments: [([:], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false)])
  func isColouredOnATerminalOnly(environment: [String: String], isColoured: Bool) async throws {
    let program = try Repository.program("lifeboat").string
    var variables = ["TERM": "xterm", "SHELL": "/bin/sh", "NO_COLOR": ""]
    variables.merge(environment) { $1 }
    let seen = try await Tool.run(
      "script", ["-qec", "\(program) check /absent", "/dev/null"], environment: variables, package: "bsdutils")
    #expect(seen.status == 66)
    #expect(seen.output.contains("\u{1B}[1;31mlifeboat: error:") == isColoured, "\(seen)")
    #expect(seen.output.contains("open /absent: No such file or directory"))
    let piped = try await Repository.lifeboat(["check", "/absent"], environment: variables)
    #expect(!piped.errors.contains("\u{1B}"))
  }

  private func reference(_ arguments: String...) async throws -> Tool.Outcome {
    let tree = try await Repository.lifeboat(["--experimental-dump-help"])
    let made = try await Tool.run(try Repository.program("command-reference").string, arguments, input: tree.bytes)
    #expect(made.status == 0, "\(made)")
    return made
  }
}
