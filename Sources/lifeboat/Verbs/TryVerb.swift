// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import SystemPackage
import TrialMachine

/// `lifeboat try`.
struct TryVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "try",
    abstract: "Start a medium in a virtual computer (QEMU).",
    discussion: """
      Never writes to the medium and installs nothing. Without KVM the computer is emulated, and the menu comes up \
      after about a minute. In a terminal, Ctrl-A X ends it.

        lifeboat try output/tier1-x64.iso
        lifeboat try output/tier1-x64.iso --firmware secure-boot --as stick
      """)

  @Argument(help: "The ISO file.", completion: .file(extensions: ["iso"])) var medium: String

  @Option(help: "What the computer starts with.") var firmware = TrialMachine.Firmware.bios

  @Option(name: .customLong("as"), help: "How the medium is attached.") var attachment = TrialMachine.Attachment.disc

  @Option(help: "The computer's memory in MiB.") var memory = 2048

  @Flag(name: .customLong("cpu32"), help: "Give the computer a 32-bit processor.") var hasCPU32Bit = false

  @Option(
    help: ArgumentHelp(
      "A window, or this terminal through the serial port. Without it: a window if there is a graphical desktop.",
      valueName: "window|terminal"))
  var console: Screen?

  @Flag(name: .customLong("no-network"), help: "Give the computer no network card.") var hasNoNetwork = false

  /// Where the computer is seen.
  enum Screen: String, ExpressibleByArgument, CaseIterable { case window, terminal }

  func validate() throws {
    guard (1...1_048_576).contains(memory) else { throw ValidationError("--memory is a number of MiB, such as 2048.") }
  }

  func run(on console: Console) async throws -> ExitStatus {
    let machine = TrialMachine(
      medium: FilePath(medium), attachment: attachment, firmware: firmware, memory: .mebibytes(Int64(memory)),
      hasCPU32Bit: hasCPU32Bit, console: screen(console.environment) == .window ? .window : .terminal,
      hasNetwork: !hasNoNetwork)
    Interruption.handOver()
    try machine.becomeMachine()
  }

  private func screen(_ environment: [String: String]) -> Screen {
    let hasDesktop = environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil
    return console ?? (hasDesktop ? .window : .terminal)
  }
}
