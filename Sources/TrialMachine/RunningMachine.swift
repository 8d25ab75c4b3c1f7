// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
public import SystemPackage

/// A machine that runs under the eyes of a program.
public struct RunningMachine: Sendable {
  private let log: MachineLog
  private let monitor: MachineMonitor

  init(log: MachineLog, monitor: MachineMonitor) {
    self.log = log
    self.monitor = monitor
  }

  /// Waits for a line of the serial port, beginning with its very first; terminal escapes are taken out.
  /// - Throws: `TrialMachineFailure.endedEarly` where the machine ended without such a line.
  public func line(where predicate: @Sendable (String) -> Bool) async throws -> String {
    for await line in log.stream() where predicate(line) { return line }
    try Task.checkCancellation()
    throw TrialMachineFailure.endedEarly(lastLines: log.lastLines)
  }

  /// Waits until the machine has switched itself off, or has been told to.
  public func ended() async throws {
    for await _ in log.stream() {}
    try Task.checkCancellation()
  }

  /// Saves the screen as a PNG picture.
  /// - Throws: `TrialMachineFailure.monitor`.
  public func screenshot(to path: FilePath) async throws {
    _ = try await monitor.tell("screendump \(path) -f png")
  }

  /// Gives QEMU's human monitor one command (qemu-system(1), “QEMU Monitor”) and returns its answer.
  /// - Throws: `TrialMachineFailure.monitor`.
  @discardableResult
  package func tell(_ command: String) async throws -> String { try await monitor.tell(command) }

  /// Ends the machine as if its plug were pulled.
  /// - Throws: `TrialMachineFailure.monitor`.
  public func quit() async throws { _ = try await monitor.tell("quit") }

  /// Presses keys of the keyboard one after another; QEMU's names, such as `ret`, `esc`, `shift-a`.
  /// - Throws: `TrialMachineFailure.monitor`.
  public func press(_ keys: String...) async throws {
    for key in keys { _ = try await monitor.tell("sendkey \(key)") }
  }
}

extension TrialMachine {
  /// Starts the machine without a screen, hands it to `body`, and ends it however `body` ends.
  /// - Parameters:
  ///   - scratch: an existing folder with a short path, for the monitor's socket.
  ///   - limit: how long all of it may take.
  ///   - onLine: gets each line of the serial port.
  /// - Throws: what `body` throws; `TrialMachineFailure`; `ExternalCommand.Failure` where QEMU is missing or fails.
  public func run<Result: Sendable>(
    scratch: FilePath, limit: Duration, onLine: @escaping @Sendable (String) -> Void = { _ in },
    _ body: @escaping @Sendable (RunningMachine) async throws -> Result
  ) async throws -> Result {
    var machine = self
    machine.console = .output
    return try await Self.run(try machine.command(), scratch: scratch, limit: limit, onLine: onLine, body)
  }

  /// The same for a computer that a test describes by all of QEMU's arguments; its serial port has to be the output.
  package static func run<Result: Sendable>(
    _ command: ExternalCommand, scratch: FilePath, limit: Duration,
    onLine: @escaping @Sendable (String) -> Void = { _ in },
    _ body: @escaping @Sendable (RunningMachine) async throws -> Result
  ) async throws -> Result {
    var command = command
    let socket = scratch.appending("monitor")
    command.arguments += ["-monitor", "unix:\(socket.string.replacing(",", with: ",,")),server=on,wait=off"]
    let log = MachineLog()
    let running = RunningMachine(log: log, monitor: MachineMonitor(socket: socket))
    return try await withThrowingTaskGroup(of: Result?.self) { [command] group in
      defer { group.cancelAll() }
      group.addTask {
        defer { log.close() }
        try await command.run {
          log.append($0)
          onLine(MachineLog.clean($0))
        }
        return nil
      }
      group.addTask { try await body(running) }
      group.addTask {
        try await Task.sleep(for: limit)
        throw TrialMachineFailure.tookTooLong(seconds: limit.components.seconds, lastLines: log.lastLines)
      }
      while let outcome = try await group.next() {
        if let outcome { return outcome }
      }
      throw TrialMachineFailure.endedEarly(lastLines: log.lastLines)
    }
  }
}
