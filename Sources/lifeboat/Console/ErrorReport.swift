// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage

/// An error as a person, a script and the exit status see it.
struct ErrorReport: Encodable, Equatable {
  /// Stable identifier.
  var code: String
  /// What happened and where.
  var message: String
  /// What to do, or nil.
  var remedy: String?
  /// How the process ends.
  var status: ExitStatus

  init(code: String, message: String, remedy: String?, status: ExitStatus) {
    self.code = code
    self.message = message
    self.remedy = remedy
    self.status = status
  }

  /// Reports any error; one that nobody has described is a defect.
  init(_ error: any Error) {
    switch error {
    case let error as any Diagnosable:
      self.init(code: error.code, message: error.message, remedy: error.commandRemedy, status: ExitStatus(error.kind))
    case is CancellationError:
      self.init(code: "interrupted", message: "interrupted", remedy: nil, status: .interrupted)
    case let errno as Errno:
      self.init(code: "io-error", message: "\(errno)", remedy: nil, status: .inputOutput)
    default:
      self.init(
        code: "defect", message: "Lifeboat failed in a way that it does not know: \(error)",
        remedy: "Report this line, the command that you gave, and what \"lifeboat --version\" says, as a defect.",
        status: .defect)
    }
  }

  /// `lifeboat: error: MESSAGE`, and the remedy on a line of its own.
  var text: StyledText {
    StyledText("lifeboat: error:", .bad) + StyledText(" \(message)" + (remedy.map { "\n  \($0)" } ?? ""))
  }

  /// `{"error": {…}}`, for `--json`.
  var document: Document { Document(error: self) }
  struct Document: Encodable { var error: ErrorReport }

  private enum CodingKeys: CodingKey { case code, message, remedy }
}
