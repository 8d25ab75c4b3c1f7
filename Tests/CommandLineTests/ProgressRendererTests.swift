// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import lifeboat

@Suite struct ProgressRendererTests {
  let clock = TestClock()

  private func renderer(_ screen: TestScreen) -> ProgressRenderer {
    ProgressRenderer(screen.stream) { [clock] in clock.now }
  }

  @Test func drawsABarWithRateAndRemainingTime() {
    let screen = TestScreen(isTerminal: true)
    let renderer = renderer(screen)
    renderer.handle(.started(step: "base x64", total: ByteCount(100_000_000)))
    clock.advance(.seconds(2))
    renderer.handle(.advanced(step: "base x64", done: ByteCount(40_000_000), total: nil))
    #expect(
      screen.screen == ["base x64  [#######------------]  40 %  40.0 MB of 100.0 MB  20.0 MB/s  3 s left"])
  }

  @Test func leavesOneFinishedLineForEachStep() {
    let screen = TestScreen(isTerminal: true)
    let renderer = renderer(screen)
    renderer.handle(.started(step: "base x64", total: nil))
    renderer.handle(.started(step: "base x86", total: nil))
    clock.advance(.seconds(65))
    renderer.tick()
    #expect(screen.screen == ["base x64  1 min 05 s", "base x86  1 min 05 s"])
    renderer.handle(.finished(step: "base x86", produced: ByteCount(159_200_000)))
    #expect(screen.screen == ["base x86: done in 1 min 05 s, 159.2 MB", "base x64  1 min 05 s"])
    renderer.say("a message")
    renderer.handle(.finished(step: "base x64", produced: nil))
    renderer.clear()
    #expect(
      screen.screen == [
        "base x86: done in 1 min 05 s, 159.2 MB", "a message", "base x64: done in 1 min 05 s",
      ])
  }

  @Test func hidesTheCursorOnlyWhileItDraws() {
    let screen = TestScreen(isTerminal: true)
    let renderer = renderer(screen)
    renderer.say("before")
    #expect(!screen.text.contains("\u{1B}"))
    renderer.handle(.started(step: "a", total: nil))
    #expect(screen.text.hasSuffix("\u{1B}[?25la  0 s\n"))
    renderer.clear()
    #expect(screen.text.hasSuffix("a: not finished after 0 s\n\u{1B}[?25h"))
    #expect(screen.screen == ["before", "a: not finished after 0 s"])
  }

  @Test func redrawsAtMostTenTimesASecond() {
    let screen = TestScreen(isTerminal: true)
    let renderer = renderer(screen)
    renderer.handle(.started(step: "a", total: ByteCount(1000)))
    for done in 1...1000 {
      clock.advance(.milliseconds(2))
      renderer.handle(.advanced(step: "a", done: ByteCount(done), total: nil))
    }
    #expect(screen.writes.count == 21)
  }

  @Test(arguments: [1, 5, 12, 20, 33, 40, 60, 200])
  func neverFillsTheLastColumn(width: Int) {
    let screen = TestScreen(isTerminal: true, width: width)
    let renderer = renderer(screen)
    renderer.handle(.started(step: "a step with a long name", total: ByteCount(5_000_000_000)))
    renderer.handle(.started(step: "b", total: nil))
    clock.advance(.seconds(1))
    renderer.handle(.advanced(step: "a step with a long name", done: ByteCount(1_234_567_890), total: nil))
    renderer.handle(.detail(step: "b", line: String(repeating: "detail ", count: 40)))
    renderer.tick()
    #expect(screen.screen.allSatisfy { $0.count < max(width, 2) })
    #expect(screen.screen.count == 2)
  }

  @Test func showsSomeOfManySteps() {
    let screen = TestScreen(isTerminal: true)
    let renderer = renderer(screen)
    for number in 1...11 { renderer.handle(.started(step: "step \(number)", total: nil)) }
    renderer.tick()
    #expect(screen.screen.count == 9)
    #expect(screen.screen.last == "and 3 more")
  }

  @Test func writesPlainLinesWithoutATerminal() {
    let screen = TestScreen()
    let renderer = renderer(screen)
    renderer.handle(.started(step: "base x64", total: ByteCount(100_000_000)))
    for second in 1...25 {
      clock.advance(.seconds(1))
      renderer.handle(.advanced(step: "base x64", done: ByteCount(second * 4_000_000), total: nil))
    }
    renderer.handle(.finished(step: "base x64", produced: ByteCount(100_000_000)))
    renderer.clear()
    #expect(
      screen.text.split(separator: "\n") == [
        "base x64: started", "base x64: 40 %, 40.0 MB of 100.0 MB, 4.0 MB/s, 15 s left",
        "base x64: 80 %, 80.0 MB of 100.0 MB, 4.0 MB/s, 5 s left", "base x64: done in 25 s, 100.0 MB",
      ])
    #expect(!screen.text.contains("\u{1B}"))
  }

  @Test func silentStepsShowThatTimePasses() {
    let screen = TestScreen()
    let renderer = renderer(screen)
    renderer.handle(.started(step: "initramfs", total: nil))
    for _ in 1...21 {
      clock.advance(.seconds(1))
      renderer.tick()
    }
    #expect(screen.text.split(separator: "\n") == ["initramfs: started", "initramfs: 10 s", "initramfs: 20 s"])
  }

  @Test func takesEventsOutOfOrder() {
    let screen = TestScreen()
    let renderer = renderer(screen)
    renderer.handle(.finished(step: "never started", produced: nil))
    renderer.handle(.advanced(step: "in the middle", done: ByteCount(200), total: ByteCount(100)))
    renderer.handle(.advanced(step: "empty", done: .zero, total: .zero))
    renderer.clear()
    #expect(
      screen.text.split(separator: "\n") == [
        "never started: done in 0 s", "in the middle: not finished after 0 s", "empty: not finished after 0 s",
      ])
  }

  @Test(arguments: [
    (Duration.zero, "0 s"), (.milliseconds(440), "0.4 s"), (.seconds(9) + .milliseconds(990), "9.9 s"),
    (.seconds(12) + .milliseconds(900), "12 s"), (.seconds(60), "1 min 00 s"), (.seconds(185), "3 min 05 s"),
    (.seconds(3600), "1 h 00 min"), (.seconds(3725), "1 h 02 min"),
  ])
  func durationsAreReadable(duration: Duration, text: String) { #expect(duration.forPeople == text) }
}
