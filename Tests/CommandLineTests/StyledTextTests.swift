// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import Testing

@testable import lifeboat

/// The outlet: nothing but our own styles and movements reaches a terminal as an escape.
@Suite struct StyledTextTests {
  private struct Document: Encodable { var label = "\u{1B}[31mX\u{9B}1m" }

  private func console(_ results: TestScreen, _ notes: TestScreen) -> Console {
    Console(results: results.stream, progress: ProgressRenderer(notes.stream) { .zero }, environment: [:])
  }

  @Test(arguments: [true, false]) func foreignTextIsHarmless(isTerminal: Bool) throws {
    let (results, notes) = (
      TestScreen(isTerminal: isTerminal, hasColour: isTerminal), TestScreen(isTerminal: isTerminal)
    )
    let console = console(results, notes)
    console.print("label \u{1B}[31mX\u{202E}")
    console.results.write("two\nlines\u{7}\n")
    console.note("E: \u{9B}2J of apt\n  more")
    console.complain(OperationFailure("open", "/x\u{1B}]0;x\u{7}", .ioError))
    #expect(results.text == "label \u{FFFD}[31mX\u{FFFD}\ntwo\nlines\u{FFFD}\n")
    #expect(!notes.text.contains("\u{9B}") && !notes.text.contains("\u{1B}]") && !notes.text.contains("\u{7}"))
    #expect(notes.text.contains("\u{FFFD}2J of apt\n  more"))
  }

  @Test func ourOwnStylesStay() {
    let text = "  " + StyledText("not to be written:", .caution) + " \u{1B}[32mgood"
    #expect(
      TestScreen(hasColour: true).stream.rendered(text)
        == "  \u{1B}[33mnot to be written:\u{1B}[0m \u{FFFD}[32mgood")
    #expect(TestScreen().stream.rendered(text) == "  not to be written: \u{FFFD}[32mgood")
  }

  @Test func jsonIsExact() throws {
    let results = TestScreen()
    try console(results, TestScreen()).printJSONLine(Document())
    #expect(results.text == #"{"label":"\u001b[31mX\u009b1m"}"# + "\n")
  }

  @Test func aStepsDetailMovesNothing() {
    let screen = TestScreen(isTerminal: true)
    let renderer = ProgressRenderer(screen.stream) { .zero }
    renderer.handle(.started(step: "base", total: nil))
    renderer.handle(.detail(step: "base", line: "Setting up \u{1B}[5A\u{202E}x"))
    renderer.tick()
    #expect(!screen.text.contains("\u{1B}[5A") && !screen.text.contains("\u{202E}"), "\(screen.text.debugDescription)")
  }

  @Test func aLabelOfAStickIsHarmlessInTheList() throws {
    let survey = try Machine.survey("laptop-usb-stick")
    var listing = DriveListing(survey, all: true, reading: { _ in nil })
    try #require(!listing.drives.isEmpty)
    listing.drives[0].summary = "X\u{1B}[31m\nY"
    let lines = listing.lines.map(TestScreen(hasColour: false).stream.rendered)
    #expect(lines.contains { $0.contains("X\u{FFFD}[31m\u{FFFD}Y") }, "\(lines)")
  }
}
