// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import SystemPackage

/// One run of the command, from its arguments to its exit status.
struct CommandLineRun {
  let arguments: [String]
  let console: Console
  private let wantsJSON: Bool

  init(_ arguments: [String], on console: Console) {
    self.arguments = arguments
    self.console = console
    wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
  }

  /// Parses, runs, renders.
  func execute() async -> ExitStatus {
    let command: any ParsableCommand
    do { command = try Lifeboat.parseAsRoot(arguments) } catch { return render(parsing: error) }
    guard let verb = command as? any Verb else {
      // Lifeboat without a verb, and `help`: both say what they have to say by throwing.
      var command = command
      do { try command.run() } catch { return render(parsing: error) }
      return .success
    }
    let status = await run(verb)
    guard let failure = console.results.failure else { return status }
    return render(OperationFailure("write", "standard output", failure))
  }

  private func run(_ verb: some Verb) async -> ExitStatus {
    let interruption = Interruption()
    interruption.watch { [console] in console.progress.restoreTerminal() }
    let outcome = await interruption.cancelling { [console] in
      do { return Result<ExitStatus, any Error>.success(try await verb.run(on: console)) } catch {
        return .failure(error)
      }
    }
    console.progress.clear()
    switch outcome {
    case .success(let status): return status
    case .failure(let error as any Diagnosable) where error.kind == .interrupted:
      // It knows better than the verb what it was interrupted in.
      return render(error)
    case .failure(let error) where interruption.hasHappened || error is CancellationError:
      // A program that got the terminal's signal too has failed for that reason: that is no news.
      let report = ErrorReport(
        code: "interrupted", message: "interrupted", remedy: type(of: verb).stateAfterInterruption, status: .interrupted
      )
      return render(report)
    case .failure(let error): return render(error)
    }
  }

  private func render(_ error: any Error) -> ExitStatus {
    if let exit = error as? ExitCode { return ExitStatus(rawValue: exit.rawValue) ?? .defect }
    return render(ErrorReport(error))
  }

  private func render(_ report: ErrorReport) -> ExitStatus {
    console.note(report.text)
    if wantsJSON { try? console.printJSON(report.document) }
    return report.status
  }

  /// What ArgumentParser has to say: help and version are results, anything else is about the command line.
  private func render(parsing error: any Error) -> ExitStatus {
    let text = Lifeboat.fullMessage(for: error, columns: console.results.isTerminal ? console.results.width : 80)
    guard !Lifeboat.exitCode(for: error).isSuccess else {
      console.print(text)
      return .success
    }
    let rest = text.hasPrefix("Error:") ? String(text.dropFirst("Error:".count)) : " " + text
    console.note(StyledText("lifeboat: error:", .bad) + StyledText(rest))
    let report = ErrorReport(
      code: "usage", message: Lifeboat.message(for: error), remedy: "See \"lifeboat help\".", status: .usage)
    if wantsJSON { try? console.printJSON(report.document) }
    return .usage
  }
}
