// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

extension TrialMachine {
  /// Turns this process into the machine, which thus owns the terminal, its signals and the exit status; nothing has to
  /// be cleaned up afterwards, because QEMU keeps its overlays in files without a name.
  /// - Throws: `TrialMachineFailure`; `ExternalCommand.Failure.notInstalled` where QEMU is not installed.
  public func becomeMachine() throws -> Never {
    let command = try command()
    var arguments: [UnsafeMutablePointer<CChar>?] = ([command.program] + command.arguments).map { strdup($0) }
    arguments.append(nil)
    execvp(command.program, arguments)
    let error = Errno(rawValue: errno)
    for argument in arguments { free(argument) }
    guard error != .noSuchFileOrDirectory else {
      throw ExternalCommand.Failure.notInstalled(program: command.program, package: command.package)
    }
    throw TrialMachineFailure.cannotStart(program: command.program, error)
  }
}
