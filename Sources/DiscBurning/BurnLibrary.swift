// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import CISOBurn
internal import HostSystem
internal import SystemPackage

/// libburn as a whole: its life, and its messages.
///
/// The library has one state for the process; everything in this folder that touches it runs on `BlockingThread.burn`.
enum BurnLibrary {
  /// The library is started once and never ended: a thread of it may live on after its drive counts as idle, and would
  /// find its message queue gone. Drives are given back one by one.
  private static let isStarted: Bool = {
    guard burn_initialize() != 0 else { return false }
    _ = withMutableCString("NOTE") { queue in
      withMutableCString("NEVER") { print in withMutableCString("") { burn_msgs_set_severities(queue, print, $0) } }
    }
    // Exclusively (O_EXCL), without waiting, and without ending the process when the drive is busy.
    burn_preset_device_open(1, 0, 0)
    // A `stdio:` file that cannot be written shall count as protected (bits 0 and 1).
    burn_allow_drive_role_4(3)
    return true
  }()

  /// Runs `body` with the library started; what was said before is forgotten.
  static func session<Result>(_ body: () throws -> Result) throws -> Result {
    guard isStarted else { throw DiscBurner.Failure.library("it cannot be started") }
    _ = messages()
    return try body()
  }

  /// Something that libburn remarked.
  struct Message {
    var severity: String
    var text: String
    /// The library's own number of it.
    var code: UInt32
    /// "Burn run failed": the last thing that the writing thread says when it did not get to the end.
    var endsFailedBurn: Bool { code == 0x0002_010B }
    /// Whether it is about something that went wrong.
    var isProblem: Bool { ["SORRY", "FAILURE", "FATAL", "ABORT", "WARNING"].contains(severity) }
  }

  /// Takes all waiting messages.
  static func messages() -> [Message] {
    var messages: [Message] = []
    var code: Int32 = 0
    var number: Int32 = 0
    var text = [CChar](repeating: 0, count: Int(BURN_MSGS_MESSAGE_LEN))
    var severity = [CChar](repeating: 0, count: 80)
    while withMutableCString("ALL", { burn_msgs_obtain($0, &code, &text, &number, &severity) }) == 1 {
      var line = string(text)
      if number > 0 { line += " (\(Errno(rawValue: number)))" }
      messages.append(Message(severity: string(severity), text: line, code: UInt32(bitPattern: code)))
    }
    return messages
  }

  /// What went wrong, as libburn says it.
  static func problems() -> [String] { messages().filter(\.isProblem).map(\.text) }

  /// A text in a field that a NUL may end.
  static func string(_ field: some Sequence<CChar>) -> String {
    let text = String(decoding: field.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

extension BlockingThread {
  /// Whatever touches libburn, one job at a time.
  static let burn = BlockingThread(label: "libburn")
}
