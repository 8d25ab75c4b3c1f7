// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Interrupts the built program while it waits for an `ssh-keygen` that takes forever.
@Suite struct SignalTests {
  /// Starts `lifeboat key show`, runs `after` once the stand-in runs, and reports how lifeboat ended.
  private func interrupt(_ folder: TemporaryFolder, _ after: String) async throws -> Tool.Outcome {
    try folder.write("key", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
    let script = """
      PATH="$1:$PATH" "$0" key show "$1/key" &
      process=$!
      until [ -s "$1/started" ]; do :; done
      \(after)
      wait $process
      status=$?
      kill "$(cat "$1/started")" 2>/dev/null && echo "left behind"
      exit $status
      """
    return try await Tool.run("sh", ["-c", script, try Repository.program("lifeboat").string, folder.path.string])
  }

  @Test(arguments: ["INT", "TERM"])
  func theFirstSignalCancelsAndCleansUp(signal: String) async throws {
    let folder = try TemporaryFolder()
    try folder.writeScript("ssh-keygen", "echo $$ > \"${0%/*}/started\"; exec sleep 600")
    let outcome = try await interrupt(folder, "kill -\(signal) $process")
    #expect(outcome.status == 130)
    #expect(outcome.errors == "lifeboat: error: interrupted\n  Nothing was changed.\n")
    #expect(outcome.output.isEmpty, "the program that was running has been ended: \(outcome)")
  }

  @Test func theSecondSignalEndsAtOnce() async throws {
    let folder = try TemporaryFolder()
    // Does not end when asked to; says that it was asked.
    try folder.writeScript(
      "ssh-keygen",
      "trap 'echo > \"${0%/*}/asked\"' TERM; echo $$ > \"${0%/*}/started\"; while :; do sleep 0.1; done")
    let outcome = try await interrupt(
      folder, "kill -INT $process; until [ -e \"$1/asked\" ]; do :; done; kill -INT $process")
    #expect(outcome.status == 130)
    #expect(outcome.errors.isEmpty, "nothing is said any more: \(outcome)")
    _ = try await Tool.run("sh", ["-c", "kill -9 $(cat \"$0\") || true", folder.appending("started").string])
  }

  /// On a terminal the program that runs gets the signal too and fails by it; that is no error of its own.
  @Test func aChildThatDiesOfTheSameSignalIsNoNews() async throws {
    let folder = try TemporaryFolder()
    try folder.writeScript("ssh-keygen", "echo $$ > \"${0%/*}/started\"; exec sleep 600")
    let outcome = try await interrupt(folder, "kill -INT $process; kill -INT $(cat \"$1/started\") 2>/dev/null")
    #expect(outcome.status == 130)
    #expect(outcome.errors == "lifeboat: error: interrupted\n  Nothing was changed.\n")
  }
}
