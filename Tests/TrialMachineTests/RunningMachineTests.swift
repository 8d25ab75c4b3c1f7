// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import TrialMachine

struct MachineLogTests {
  @Test func everyReaderGetsAllLines() async {
    let log = MachineLog()
    log.append("one")
    let early = log.stream()
    log.append("two\r")
    log.close()
    var seen: [[String]] = []
    for stream in [early, log.stream()] {
      var lines: [String] = []
      for await line in stream { lines.append(line) }
      seen.append(lines)
    }
    #expect(seen == [["one", "two"], ["one", "two"]])
  }

  @Test func terminalEscapesAreTakenOut() {
    #expect(MachineLog.clean("\u{1B}[2;24HGNU \u{1B}[0;37;40mGRUB\u{1B}[?25l\r") == "GNU GRUB")
    #expect(MachineLog.clean("Loading … ✓") == "Loading … ✓")
  }
}

/// A machine with an empty disc, which starts nothing and says nothing.
@Suite(.serialized, .enabled(if: HostEnvironment.has("qemu-system-x86_64"), "QEMU (qemu-system-x86) is not installed"))
struct RunningMachineTests {
  private func withMachine(_ body: @Sendable (TrialMachine, FilePath) async throws -> Void) async throws {
    try await TemporaryFolder.with { folder in
      let medium = folder.appending("empty.iso")
      try AtomicFile.write(Array(repeating: 0, count: 1 << 20), to: medium)
      try await body(TrialMachine(medium: medium, memory: .mebibytes(128), hasNetwork: false), folder)
    }
  }

  @Test func theScreenIsAPicture() async throws {
    try await withMachine { machine, folder in
      let picture = folder.appending("screen.png")
      try await machine.run(scratch: folder, limit: .seconds(300)) { try await $0.screenshot(to: picture) }
      let start = try await ExternalCommand("head", ["-c", "8", picture.string]).output()
      #expect(start == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    }
  }

  @Test func theMachineEndsWithItsBody() async throws {
    try await withMachine { machine, folder in
      struct Enough: Error {}
      await #expect(throws: Enough.self) {
        try await machine.run(scratch: folder, limit: .seconds(300)) { (_: RunningMachine) -> Void in throw Enough() }
      }
      let processes = try await ExternalCommand("ps", ["-eo", "args"], package: "procps").text()
      #expect(!processes.contains(folder.string))
    }
  }

  @Test func waitingHasALimit() async throws {
    try await withMachine { machine, folder in
      await #expect(throws: TrialMachineFailure.tookTooLong(seconds: 2, lastLines: [])) {
        try await machine.run(scratch: folder, limit: .seconds(2)) { try await $0.line { $0 == "never" } }
      }
    }
  }

  @Test func aMachineThatEndsTooEarlyIsReported() async throws {
    try await withMachine { machine, folder in
      let failure = await #expect(throws: TrialMachineFailure.self) {
        try await machine.run(scratch: folder, limit: .seconds(300)) { running in
          async let quit: Void = running.quit()
          let line = try await running.line { $0 == "never" }
          try await quit
          return line
        }
      }
      #expect(failure?.code == "machine-ended")
    }
  }

  @Test func theMonitorsRefusalIsReported() async throws {
    try await withMachine { machine, folder in
      let failure = await #expect(throws: TrialMachineFailure.self) {
        try await machine.run(scratch: folder, limit: .seconds(300)) { try await $0.screenshot(to: "/nowhere/x.png") }
      }
      #expect(failure?.code == "machine-monitor")
    }
  }
}
