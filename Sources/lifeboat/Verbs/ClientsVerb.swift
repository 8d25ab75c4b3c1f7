// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import NetworkBoot
import SystemPackage

/// `lifeboat clients`.
struct ClientsVerb: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clients",
    abstract: "Show the computers that start from this server, and approve them.",
    discussion: """
      Talks to the "lifeboat serve" on this computer, as root or as a member of its admin group. A computer that waits \
      for approval shows a number on its screen; whoever sits there reads it out.

        lifeboat clients
        lifeboat clients approve 4711
        lifeboat clients assign 52:54:00:12:34:56 tier2
      """,
    subcommands: [List.self, Approve.self, Deny.self, Assign.self, Forget.self], defaultSubcommand: List.self)

  /// What all of them take.
  struct Service: ParsableArguments {
    @Option(
      help: ArgumentHelp("The service's socket.", valueName: "socket"), completion: .file())
    var admin = "/run/lifeboat/admin.sock"
    @Flag(help: "One JSON document on standard output.") var json = false

    var client: AdminClient { AdminClient(FilePath(admin)) }

    /// Gives an order and says what it did.
    func give(_ order: MachineOrder, on console: Console) async throws -> ExitStatus {
      let outcome = try await client.give(order)
      if json { try console.printJSON(outcome) } else { console.print(outcome.message) }
      return .success
    }
  }

  /// `lifeboat clients list`.
  struct List: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Show all computers, the latest first.",
      discussion: """
        STAGE is how far a computer has come: ignored, offered, loading (its kernel), waiting (for approval), denied, \
        restarting (with its own image), fetching (the image) or ready.

          lifeboat clients
          lifeboat clients list --watch
          lifeboat clients list --json
        """)

    static let stateAfterInterruption = "Nothing was changed."

    @OptionGroup var service: Service
    @Flag(help: "Repeat every second until interrupted; with --json one line each time.") var watch = false

    func run(on console: Console) async throws -> ExitStatus {
      guard watch else {
        let machines = try await service.client.machines()
        if service.json {
          try console.printJSON(Shown(machines: machines))
        } else {
          ClientTable(machines).lines.forEach(console.print)
        }
        return .success
      }
      repeat {
        let machines = try await service.client.machines()
        if service.json { try console.printJSONLine(Shown(machines: machines)) } else { redraw(machines, on: console) }
      } while (try? await Task.sleep(for: .seconds(1))) != nil
      return .success
    }

    private func redraw(_ machines: [MachineReport], on console: Console) {
      // Home, then clear what is below: less flicker than clearing first.
      if console.results.isTerminal { console.results.send("\u{1B}[H\u{1B}[J") }
      ClientTable(machines).lines.forEach(console.print)
      if !console.results.isTerminal { console.print("") }
    }

    private struct Shown: Encodable { var machines: [MachineReport] }
  }

  /// `lifeboat clients approve`.
  struct Approve: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Let a computer start; it goes on by itself if it waits.",
      discussion: """
        The computer is known from then on, even after the service restarts.

          lifeboat clients approve 4711
        """)

    @Argument(help: "The number on its screen, its MAC or its UUID.") var computer: String
    @OptionGroup var service: Service

    func run(on console: Console) async throws -> ExitStatus {
      try await service.give(.approve(computer), on: console)
    }
  }

  /// `lifeboat clients deny`.
  struct Deny: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Never answer a computer.",
      discussion: """
        If it waits, its screen says so. If it has started its image, it goes on.

          lifeboat clients deny 4711
        """)

    @Argument(help: "The number on its screen, its MAC or its UUID.") var computer: String
    @OptionGroup var service: Service

    func run(on console: Console) async throws -> ExitStatus { try await service.give(.deny(computer), on: console) }
  }

  /// `lifeboat clients assign`.
  struct Assign: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Give a computer its own image.",
      discussion: """
        If it waits with another image, it restarts when it is approved.

          lifeboat clients assign 52:54:00:12:34:56 tier2
        """)

    @Argument(help: "The number on its screen, its MAC or its UUID.") var computer: String
    @Argument(help: "An image of the set.") var image: String
    @OptionGroup var service: Service

    func run(on console: Console) async throws -> ExitStatus {
      try await service.give(.assign(computer, image: image), on: console)
    }
  }

  /// `lifeboat clients forget`.
  struct Forget: Verb {
    static let configuration = CommandConfiguration(
      abstract: "Forget all orders about a computer.",
      discussion: """
        What the policy file says about it still holds.

          lifeboat clients forget 52:54:00:12:34:56
        """)

    @Argument(help: "The number on its screen, its MAC or its UUID.") var computer: String
    @OptionGroup var service: Service

    func run(on console: Console) async throws -> ExitStatus { try await service.give(.forget(computer), on: console) }
  }
}
