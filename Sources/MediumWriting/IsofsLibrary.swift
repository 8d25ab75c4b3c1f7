// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import CISOBurn
internal import HostSystem

/// libisofs as a whole: start-up, return codes, messages.
enum IsofsLibrary {
  private static let startCode: Int32 = {
    let code = iso_init()
    guard code >= 0 else { return code }
    // A Swift program never calls setlocale, so that libisofs would take file names for ASCII.
    iso_set_local_charset(mutable: "UTF-8")
    iso_set_msgs_severities(queue: "ALL", print: "NEVER")
    iso_set_abort_severity(mutable: "MISHAP")
    return code
  }()

  /// Makes the library ready; leftovers of an earlier job are forgotten.
  static func start() throws {
    try check(startCode, "start")
    _ = messages()
  }

  /// Turns a return code into an error that carries what the library had to say.
  @discardableResult
  static func check(_ code: Int32, _ action: @autoclosure () -> String) throws -> Int32 {
    guard code < 0 else { return code }
    let said = messages().map(\.text)
    let reason =
      iso_error_to_msg(code).map { String(cString: $0) } ?? "error 0x\(String(UInt32(bitPattern: code), radix: 16))"
    throw ISOImage.Failure.library("\(action()): " + ([reason] + said).joined(separator: "; "))
  }

  /// Something that the library remarked.
  struct Message {
    var code: UInt32
    var severity: String
    var text: String
  }

  /// Takes all waiting messages that are for users.
  static func messages() -> [Message] {
    var messages: [Message] = []
    var code: Int32 = 0
    var image: Int32 = 0
    var text = [CChar](repeating: 0, count: Int(ISO_MSGS_MESSAGE_LEN))
    var severity = [CChar](repeating: 0, count: 80)
    while withMutableCString("ALL", { iso_obtain_msgs($0, &code, &image, &text, &severity) }) == 1 {
      let message = Message(code: UInt32(bitPattern: code), severity: string(severity), text: string(text))
      if !["DEBUG", "UPDATE", "NOTE"].contains(message.severity) { messages.append(message) }
    }
    return messages
  }

  private static func string(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

private func iso_set_local_charset(mutable name: String) {
  _ = withMutableCString(name) { CISOBurn.iso_set_local_charset($0, 0) }
}

private func iso_set_abort_severity(mutable name: String) {
  _ = withMutableCString(name) { CISOBurn.iso_set_abort_severity($0) }
}

private func iso_set_msgs_severities(queue: String, print: String) {
  _ = withMutableCString(queue) { queue in
    withMutableCString(print) { print in
      withMutableCString("") { CISOBurn.iso_set_msgs_severities(queue, print, $0) }
    }
  }
}

extension BlockingThread {
  /// Whatever touches libisofs, one job at a time: the library has one state and one message queue for the process.
  static let isofs = BlockingThread(label: "libisofs")
}
