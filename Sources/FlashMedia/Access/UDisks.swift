// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import SystemPackage

/// UDisks2 on the system bus: it opens drives for users whom polkit allows it, and hands the descriptor over.
struct UDisks {
  private let bus: SystemBus
  private let isCancelled: () -> Bool
  private static let service = "org.freedesktop.UDisks2"

  /// How long an answer may take, and how long one for which a person has to type a password.
  private static let limits = (alone: Duration.seconds(30), asking: Duration.seconds(600))

  /// Takes a connection to the bus that has it.
  /// - Parameter isCancelled: asked several times a second while an answer is waited for.
  init(_ bus: SystemBus, isCancelled: @escaping () -> Bool) {
    self.bus = bus
    self.isCancelled = isCancelled
  }

  /// Opens a drive for reading and writing, past the page cache and for this process alone.
  /// - Parameter mayAsk: whether polkit may ask the person for a password.
  /// - Throws: `FlashMediaFailure`, `CancellationError`.
  func open(_ path: FilePath, mayAsk: Bool) throws -> FileDescriptor {
    let object = try object(of: path)
    let flags = O_EXCL | O_CLOEXEC | linux_o_direct
    let descriptor = try openDevice(object, path, flags: flags, mayAsk: mayAsk)
    do {
      try requireAccess(descriptor, path)
      try requireHold(object, path, flags: flags)
    } catch {
      try? descriptor.close()
      throw error
    }
    return descriptor
  }

  private func object(of path: FilePath) throws -> String {
    let paths = try asking(about: path) { () throws(SystemBus.Failure) in
      let call = try bus.method(
        "ResolveDevice", of: "org.freedesktop.UDisks2.Manager", at: "/org/freedesktop/UDisks2/Manager",
        service: Self.service)
      try call.append([(name: "path", value: .string(path.string))])
      try call.append([])
      return try bus.call(call, limit: Self.limits.alone, isCancelled: isCancelled).objectPaths()
    }
    guard paths.count == 1, let object = paths.first else { throw FlashMediaFailure.noAccess(path, .unknownDevice) }
    return object
  }

  private func openDevice(_ object: String, _ path: FilePath, flags: Int32, mayAsk: Bool) throws -> FileDescriptor {
    try asking(about: path, object) { () throws(SystemBus.Failure) in
      let call = try bus.method(
        "OpenDevice", of: "org.freedesktop.UDisks2.Block", at: object, service: Self.service)
      try call.append("rw")
      try call.append([
        (name: "flags", value: .integer(flags)), (name: "auth.no_user_interaction", value: .boolean(!mayAsk)),
      ])
      if mayAsk { try call.allowQuestions() }
      let limit = mayAsk ? Self.limits.asking : Self.limits.alone
      return try bus.call(call, limit: limit, isCancelled: isCancelled).descriptor()
    }
  }

  /// Past the page cache is what can be seen on a descriptor, and set where it has been left out.
  private func requireAccess(_ descriptor: FileDescriptor, _ path: FilePath) throws {
    let flags = fcntl(descriptor.rawValue, F_GETFL)
    guard flags >= 0, flags & O_ACCMODE == O_RDWR else { throw FlashMediaFailure.noAccess(path, .notHeld) }
    if flags & linux_o_direct == 0, fcntl(descriptor.rawValue, F_SETFL, flags | linux_o_direct) != 0 {
      throw FlashMediaFailure.refused(path, .noDirectAccess)
    }
  }

  /// That a device is held alone cannot be seen on its descriptor. It shows by a second one that cannot be had; asked
  /// for without a question to the person, so where polkit wants a password each time there is no such proof, but
  /// `OpenDevice` has handed the flags to open(2) as long as it exists (2.7.3).
  private func requireHold(_ object: String, _ path: FilePath, flags: Int32) throws {
    do {
      try openDevice(object, path, flags: flags, mayAsk: false).close()
    } catch let failure as FlashMediaFailure where failure != .noAccess(path, .noAnswer) {
      return
    }
    throw FlashMediaFailure.noAccess(path, .notHeld)
  }

  private func asking<Answer>(
    about path: FilePath, _ object: String? = nil, _ body: () throws(SystemBus.Failure) -> Answer
  ) throws -> Answer {
    do throws(SystemBus.Failure) { return try body() } catch {
      if case .cancelled = error { throw CancellationError() }
      throw Self.failure(error, path, action: object.map(action) ?? AccessProblem.action)
    }
  }

  /// What polkit is asked for about a device: UDisks2 tells built-in ones apart.
  private func action(for object: String) -> String {
    let isSystem = try? { () throws(SystemBus.Failure) in
      let call = try bus.method("Get", of: "org.freedesktop.DBus.Properties", at: object, service: Self.service)
      try call.append("org.freedesktop.UDisks2.Block")
      try call.append("HintSystem")
      return try bus.call(call, limit: Self.limits.alone, isCancelled: isCancelled).booleanVariant()
    }()
    return isSystem == true ? AccessProblem.systemAction : AccessProblem.action
  }

  /// What an error means for a drive. Pure.
  static func failure(
    _ failure: SystemBus.Failure, _ path: FilePath, action: String = AccessProblem.action
  ) -> FlashMediaFailure {
    let problem = problem(failure, action: action)
    // UDisks2 says of a failed open(2) only strerror(3)'s words at the end of its own.
    guard case .failed(let text) = problem else { return .noAccess(path, problem) }
    func says(_ number: Int32) -> Bool { text.hasSuffix(": \(Errno(rawValue: number))") }
    if says(EBUSY) { return .refused(path, .busy) }
    if says(EROFS) || says(EACCES) { return .writeProtected(path) }
    if says(ENOMEDIUM) || says(ENODEV) || says(ENXIO) || says(ENOENT) { return .gone(path) }
    return .noAccess(path, problem)
  }

  private static func problem(_ failure: SystemBus.Failure, action: String) -> AccessProblem {
    switch failure {
    case .noBus(let errno): .noBus(errno)
    case .noAnswer, .cancelled: .noAnswer
    case .answered(let name, let text): problem(named: name, text, action: action)
    }
  }

  private static func problem(named name: String, _ text: String, action: String) -> AccessProblem {
    switch name {
    case "org.freedesktop.UDisks2.Error.NotAuthorized": return .notAllowed(action: action)
    case "org.freedesktop.UDisks2.Error.NotAuthorizedCanObtain": return .passwordNeeded(action: action)
    case "org.freedesktop.UDisks2.Error.NotAuthorizedDismissed": return .dismissed(action: action)
    case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner": return .notInstalled
    case "org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownInterface": return .tooOld
    case "org.freedesktop.DBus.Error.UnknownObject": return .unknownDevice
    case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout": return .noAnswer
    // It was to be started: by the bus itself, or by systemd, which may know no such unit or have it masked.
    case let name
    where ["org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.systemd1."].contains(where: name.hasPrefix):
      return .notInstalled
    default: return .failed(text.isEmpty ? name : text)
    }
  }
}
