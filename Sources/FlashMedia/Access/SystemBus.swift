// SPDX-License-Identifier: GPL-3.0-or-later
internal import CBus
@preconcurrency internal import Glibc
internal import SystemPackage

/// A connection to the system's D-Bus, by libsystemd; of one thread at a time.
final class SystemBus {
  private let bus: OpaquePointer

  /// Why a call got no answer.
  enum Failure: Error, Equatable {
    /// There is no bus, or it has gone.
    case noBus(Errno)
    /// The service, or the bus itself, answered with an error.
    case answered(name: String, text: String)
    /// Nothing came in time.
    case noAnswer
    /// Whoever waited for it has given up.
    case cancelled
  }

  /// Connects; that there is nobody at the other end may show only with the first call.
  /// - Parameter address: a bus; nil is the system's, or `DBUS_SYSTEM_BUS_ADDRESS`.
  init(_ address: String? = nil) throws(Failure) {
    var opened: OpaquePointer?
    if let address {
      try Self.check(sd_bus_new(&opened))
      try Self.check(sd_bus_set_address(opened, address))
      try Self.check(sd_bus_set_bus_client(opened, 1))
      try Self.check(sd_bus_start(opened))
    } else {
      try Self.check(sd_bus_open_system(&opened))
    }
    guard let opened else { throw .noBus(.noSuchFileOrDirectory) }
    bus = opened
  }

  deinit { sd_bus_flush_close_unref(bus) }

  /// A method that is about to be called.
  func method(
    _ member: String, of interface: String, at path: String, service: String
  ) throws(Failure) -> BusMessage {
    var message: OpaquePointer?
    try Self.check(sd_bus_message_new_method_call(bus, &message, service, path, interface, member))
    guard let message else { throw .noBus(.noMemory) }
    return BusMessage(message)
  }

  /// Sends a call and waits for its answer; an activated service is started first.
  /// - Parameters:
  ///   - limit: how long; a person may be asked for a password meanwhile.
  ///   - isCancelled: asked several times a second.
  func call(
    _ message: BusMessage, limit: Duration, isCancelled: () -> Bool
  ) throws(Failure) -> BusMessage {
    var cookie: UInt64 = 0
    try Self.check(sd_bus_send(bus, message.pointer, &cookie))
    let start = ContinuousClock.now
    while true {
      if let answer = try next(), answer.cookie == cookie {
        if let error = answer.error { throw error }
        return answer
      }
      if isCancelled() { throw .cancelled }
      guard start.duration(to: .now) < limit else { throw .noAnswer }
    }
  }

  /// The next message; nil when nothing came for a moment.
  private func next() throws(Failure) -> BusMessage? {
    var message: OpaquePointer?
    let worked = sd_bus_process(bus, &message)
    try Self.check(worked)
    if let message { return BusMessage(message) }
    if worked == 0 {
      let waited = sd_bus_wait(bus, 100_000)
      if waited != -EINTR { try Self.check(waited) }
    }
    return nil
  }

  fileprivate static func check(_ result: Int32) throws(Failure) {
    guard result >= 0 else { throw .noBus(Errno(rawValue: -result)) }
  }
}

/// A message of D-Bus, to be filled or read from its start to its end.
final class BusMessage {
  fileprivate let pointer: OpaquePointer

  /// Takes a reference over.
  fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { sd_bus_message_unref(pointer) }

  /// The number of the call that this answers.
  fileprivate var cookie: UInt64? {
    var cookie: UInt64 = 0
    return sd_bus_message_get_reply_cookie(pointer, &cookie) < 0 ? nil : cookie
  }

  fileprivate var error: SystemBus.Failure? {
    guard sd_bus_message_is_method_error(pointer, nil) > 0, let error = sd_bus_message_get_error(pointer)?.pointee,
      let name = error.name
    else { return nil }
    return .answered(name: String(cString: name), text: error.message.map { String(cString: $0) } ?? "")
  }

  /// Appends a string.
  func append(_ text: String) throws(SystemBus.Failure) {
    try SystemBus.check(text.withCString { sd_bus_message_append_basic(pointer, .string, $0) })
  }

  /// Appends a dictionary from names to variants.
  func append(_ options: [(name: String, value: Value)]) throws(SystemBus.Failure) {
    try container(.array, "{sv}") { () throws(SystemBus.Failure) in
      for option in options {
        try container(.entry, "sv") { () throws(SystemBus.Failure) in
          try append(option.name)
          try container(.variant, option.value.type) { () throws(SystemBus.Failure) in try append(option.value) }
        }
      }
    }
  }

  /// What a variant may hold here.
  enum Value {
    case string(String)
    case integer(Int32)
    case boolean(Bool)

    fileprivate var type: String {
      switch self {
      case .string: "s"
      case .integer: "i"
      case .boolean: "b"
      }
    }
  }

  private func append(_ value: Value) throws(SystemBus.Failure) {
    switch value {
    case .string(let text): try append(text)
    case .integer(var number): try SystemBus.check(sd_bus_message_append_basic(pointer, .integer, &number))
    case .boolean(let isTrue):
      // The library's booleans are C's int.
      var number: Int32 = isTrue ? 1 : 0
      try SystemBus.check(sd_bus_message_append_basic(pointer, .boolean, &number))
    }
  }

  private func container(
    _ kind: CChar, _ contents: String, _ body: () throws(SystemBus.Failure) -> Void
  ) throws(SystemBus.Failure) {
    try SystemBus.check(sd_bus_message_open_container(pointer, kind, contents))
    try body()
    try SystemBus.check(sd_bus_message_close_container(pointer))
  }

  /// Allows the service to ask the person at the computer.
  func allowQuestions() throws(SystemBus.Failure) {
    try SystemBus.check(sd_bus_message_set_allow_interactive_authorization(pointer, 1))
  }

  /// Reads a list of object paths.
  func objectPaths() throws(SystemBus.Failure) -> [String] {
    try SystemBus.check(sd_bus_message_enter_container(pointer, .array, "o"))
    var paths: [String] = []
    var text: UnsafePointer<CChar>?
    while true {
      let read = sd_bus_message_read_basic(pointer, .objectPath, &text)
      try SystemBus.check(read)
      guard read > 0, let text else { break }
      paths.append(String(cString: text))
    }
    try SystemBus.check(sd_bus_message_exit_container(pointer))
    return paths
  }

  /// Reads a variant that holds a boolean.
  func booleanVariant() throws(SystemBus.Failure) -> Bool {
    try SystemBus.check(sd_bus_message_enter_container(pointer, .variant, "b"))
    var number: Int32 = 0
    try SystemBus.check(sd_bus_message_read_basic(pointer, .boolean, &number))
    return number != 0
  }

  /// Reads a descriptor, as one of the caller's own.
  func descriptor() throws(SystemBus.Failure) -> FileDescriptor {
    var number: Int32 = -1
    try SystemBus.check(sd_bus_message_read_basic(pointer, .descriptor, &number))
    let own = fcntl(number, F_DUPFD_CLOEXEC, 3)
    guard own >= 0 else { throw .noBus(Errno(rawValue: errno)) }
    return FileDescriptor(rawValue: own)
  }
}

/// The letters of D-Bus's types.
extension CChar {
  fileprivate static let string = CChar(bitPattern: UInt8(ascii: "s"))
  fileprivate static let integer = CChar(bitPattern: UInt8(ascii: "i"))
  fileprivate static let boolean = CChar(bitPattern: UInt8(ascii: "b"))
  fileprivate static let objectPath = CChar(bitPattern: UInt8(ascii: "o"))
  fileprivate static let descriptor = CChar(bitPattern: UInt8(ascii: "h"))
  fileprivate static let array = CChar(bitPattern: UInt8(ascii: "a"))
  fileprivate static let entry = CChar(bitPattern: UInt8(ascii: "e"))
  fileprivate static let variant = CChar(bitPattern: UInt8(ascii: "v"))
}
