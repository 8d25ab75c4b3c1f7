// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import SystemPackage
import Testing

@testable import lifeboat

@Suite struct CommandLineRunTests {
  private func run(
    _ arguments: [String], results: TestScreen = TestScreen(), messages: TestScreen = TestScreen()
  ) async -> lifeboat.ExitStatus {
    let console = Console(
      results: results.stream, progress: ProgressRenderer(messages.stream) { .zero }, environment: [:])
    return await CommandLineRun(arguments, on: console).execute()
  }

  @Test func helpIsAResult() async {
    for arguments in [[], ["help"], ["--help"], ["help", "build"], ["build", "--help"], ["key"]] {
      let (results, messages) = (TestScreen(), TestScreen())
      #expect(await run(arguments, results: results, messages: messages) == .success)
      #expect(results.text.contains("USAGE: lifeboat"), "\(arguments)")
      #expect(messages.text.isEmpty, "\(arguments)")
    }
  }

  @Test(arguments: [
    ["frobnicate"], ["check", "a", "b"], ["check", "--jsno"], ["build"], ["try"], ["try", "a.iso", "--firmware", "x"],
    ["try", "a.iso", "--memory", "0"], ["init", "--image", "Tier 1"], ["init", "--image", "a", "--image", "a"],
    ["tools", "--image", "tier1"], ["cache", "--prune", "--clear"], ["key", "frob"],
    ["burn"], ["burn", "a.iso", "--yes"], ["burn", "--list", "a.iso"], ["burn", "a.iso", "--simulate", "--blank"],
    ["burn", "a.iso", "--speed", "fast"], ["burn", "a.iso", "--speed", "0"],
  ])
  func aWrongCommandLineIs64(arguments: [String]) async {
    let (results, messages) = (TestScreen(), TestScreen())
    #expect(await run(arguments, results: results, messages: messages) == .usage)
    #expect(results.text.isEmpty)
    #expect(messages.text.hasPrefix("lifeboat: error: "))
  }

  @Test func aWrongCommandLineIsJSONToo() async {
    let (results, messages) = (TestScreen(), TestScreen())
    #expect(await run(["check", "--json", "--frob"], results: results, messages: messages) == .usage)
    #expect(results.text.contains("\"code\" : \"usage\""))
    #expect(messages.text.contains("--frob"))
  }

  @Test func anErrorIsJSONOnlyWhenAskedFor() async {
    for (arguments, isJSON) in [(["check", "/absent"], false), (["check", "/absent", "--json"], true)] {
      let (results, messages) = (TestScreen(), TestScreen())
      #expect(await run(arguments, results: results, messages: messages) == .noInput)
      #expect(results.text.contains("\"code\" : \"no-such-file\"") == isJSON)
      #expect(messages.text == "lifeboat: error: open /absent: No such file or directory\n  Check the path.\n")
    }
  }

  @Test func resultsThatCannotBeWrittenAreAnError() async {
    let messages = TestScreen()
    #expect(await run(["tools"], results: TestScreen(failure: .noSpace), messages: messages) == .cannotCreate)
    #expect(messages.text.hasPrefix("lifeboat: error: write standard output: No space left on device"))
  }

  @Test func everyVerbHasAnExample() throws {
    func check(_ command: any ParsableCommand.Type, _ name: String) {
      #expect(command.configuration.discussion.contains("\n  \(name)"), "\(name)")
      #expect(!command.configuration.abstract.isEmpty, "\(name)")
      for verb in command.configuration.subcommands {
        check(verb, name + " " + (verb.configuration.commandName ?? "\(verb)".lowercased()))
      }
    }
    check(Lifeboat.self, "lifeboat")
  }

  @Test func theHelpNamesEveryExitStatus() {
    let text = Lifeboat.configuration.discussion
    for status in lifeboat.ExitStatus.allCases {
      let listed = text.split(separator: "\n").contains { $0.hasPrefix("  \(status.rawValue) ") }
      #expect(listed, "\(status)")
    }
  }
}

@Suite struct InterruptionTests {
  @Test func theFirstSignalCancels() async {
    let interruption = Interruption()
    let wasCancelled = await interruption.cancelling {
      #expect(!Task.isCancelled)
      #expect(interruption.arrive() == 1)
      return Task.isCancelled
    }
    #expect(wasCancelled)
    #expect(interruption.hasHappened)
  }

  @Test func aSignalBeforeTheWorkCancelsItToo() async {
    let interruption = Interruption()
    interruption.arrive()
    let wasCancelled = await interruption.cancelling {
      while !Task.isCancelled { await Task.yield() }
      return Task.isCancelled
    }
    #expect(wasCancelled)
  }

  @Test func countsTheSignals() {
    let interruption = Interruption()
    #expect(!interruption.hasHappened)
    #expect([interruption.arrive(), interruption.arrive(), interruption.arrive()] == [1, 2, 3])
  }

  @Test func undisturbedWorkReturnsItsValue() async {
    #expect(await Interruption().cancelling { 42 } == 42)
  }
}
