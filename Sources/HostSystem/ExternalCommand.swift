// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import Subprocess
internal import Synchronization
public import SystemPackage

/// A program of the host with its arguments; never through a shell.
///
/// The argument array is a value, so that tests can compare it without running anything.
public struct ExternalCommand: Sendable, Equatable {
  /// The program's name, looked up in `PATH`, or its absolute path.
  public var program: String
  /// Its arguments, without the program.
  public var arguments: [String]
  /// Added to the inherited environment.
  public var environment: [String: String]
  /// The Debian package that holds the program, for the error message.
  public var package: String?

  /// Describes a command; runs nothing.
  public init(_ program: String, _ arguments: [String], environment: [String: String] = [:], package: String? = nil) {
    self.program = program
    self.arguments = arguments
    self.environment = environment
    self.package = package
  }

  /// Runs it, with its standard output and error merged, line by line, into `onLine`.
  /// - Throws: `Failure`, or `CancellationError`; a cancelled task ends the program first.
  public func run(onLine: (@Sendable (String) -> Void)? = nil) async throws {
    let tail = Tail()
    let status = try await execute { configuration in
      try await Subprocess.run(configuration, input: .none, output: .sequence, error: .combinedWithOutput) {
        execution in
        for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) {
          let text = String(line.trimmingSuffix { $0.isNewline })
          tail.append(text)
          onLine?(text)
        }
      }.terminationStatus
    }
    try check(status, tail.lines)
  }

  /// Runs it and returns what it wrote to standard output.
  /// - Parameters:
  ///   - input: given to it on standard input.
  ///   - limit: the most bytes that it may write.
  /// - Throws: `Failure`, or `CancellationError`; Subprocess's own error beyond the limit.
  public func output(input: [UInt8] = [], limit: Int = 64 << 20) async throws -> [UInt8] {
    let standardInput = try Self.nameless(input)
    defer { try? standardInput.close() }
    let result = try await execute { configuration in
      try await Subprocess.run(
        configuration, input: .fileDescriptor(standardInput, closeAfterSpawningProcess: false),
        output: .bytes(limit: limit), error: .string(limit: 1 << 20))
    }
    try check(result.terminationStatus, result.standardError.split(separator: "\n").suffix(20).map(String.init))
    return result.standardOutput
  }

  /// Runs it with a file as its standard input, and returns what it wrote to standard output.
  ///
  /// A program may leave a file unread; if it ends before it has read a pipe, SIGPIPE ends Lifeboat.
  /// - Throws: `OperationFailure` naming the file; `Failure`, or `CancellationError`.
  public func output(inputFile: FilePath, limit: Int = 64 << 20) async throws -> [UInt8] {
    let file = try OperationFailure.wrap("open", inputFile) {
      try FileDescriptor.open(inputFile, .readOnly, options: .closeOnExec)
    }
    defer { try? file.close() }
    let result = try await execute { configuration in
      try await Subprocess.run(
        configuration, input: .fileDescriptor(file, closeAfterSpawningProcess: false), output: .bytes(limit: limit),
        error: .string(limit: 1 << 20))
    }
    try check(result.terminationStatus, result.standardError.split(separator: "\n").suffix(20).map(String.init))
    return result.standardOutput
  }

  /// Runs it and returns standard output as text.
  public func text(input: [UInt8] = []) async throws -> String {
    String(decoding: try await output(input: input), as: UTF8.self)
  }

  /// Runs it beside `body`: waits for its line `ready TEXT`, hands TEXT over, and when `body` is done closes the
  /// program's standard input, on which the program has to end.
  /// - Throws: what `body` throws; `Failure` if the program ends before its first line.
  public func serving<Result: Sendable>(_ body: @Sendable (String) async throws -> Result) async throws -> Result {
    let outcome = try await execute { configuration in
      try await Subprocess.run(configuration, input: .inputWriter, output: .sequence, error: .combinedWithOutput) {
        execution -> Swift.Result<Result, any Error> in
        var lines: [String] = []
        for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) {
          let text = String(line.trimmingSuffix { $0.isNewline })
          lines.append(text)
          guard text.hasPrefix("ready ") else { continue }
          let result: Swift.Result<Result, any Error>
          do { result = .success(try await body(String(text.dropFirst(6)))) } catch { result = .failure(error) }
          try await execution.standardInputWriter.finish()
          return result
        }
        return .failure(Failure.failed(program: program, status: "ended early", lastLines: lines))
      }.closureResult
    }
    return try outcome.get()
  }

  /// A file without a name that holds the bytes, at its start. A pipe would break, with a signal for this process,
  /// where a program ends before it has read all; Subprocess 1.0 then also loses a descriptor, and crashes over it.
  private static func nameless(_ bytes: [UInt8]) throws -> FileDescriptor {
    let folder = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
    let path = folder.appending("lifeboat.\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    let file = try OperationFailure.wrap("create a file in", folder) {
      try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
    }
    unlink(path.string)
    do {
      try OperationFailure.wrap("write a file in", folder) {
        try file.writeAll(bytes)
        try file.seek(offset: 0, from: .start)
      }
    } catch {
      try? file.close()
      throw error
    }
    return file
  }

  /// Where programs are looked for: Debian leaves the folders of administrators out of an ordinary user's `PATH`, but
  /// mkfs.vfat and chroot, which need no administrator, are there.
  static func searchPath(_ inherited: String?) -> String {
    var folders = (inherited ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(String.init)
    for folder in ["/usr/local/sbin", "/usr/sbin", "/sbin"] where !folders.contains(folder) { folders.append(folder) }
    return folders.joined(separator: ":")
  }

  /// Makes sure that the program is there; runs nothing.
  /// - Throws: `Failure.notInstalled`.
  public func require() throws {
    let folders = Self.searchPath(getenv("PATH").map { String(cString: $0) }).split(separator: ":")
    let places = program.hasPrefix("/") ? [program] : folders.map { "\($0)/\(program)" }
    guard places.contains(where: { access($0, X_OK) == 0 }) else {
      throw Failure.notInstalled(program: program, package: package)
    }
  }

  func execute<Result: Sendable>(_ body: (Configuration) async throws -> Result) async throws -> Result {
    var platform = PlatformOptions()
    platform.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
    let path = getenv("PATH").map { String(cString: $0) }
    let additions = Dictionary(
      uniqueKeysWithValues: environment.merging(["PATH": Self.searchPath(path)]) { own, _ in own }
        .map { (Environment.Key(stringLiteral: $0.key), Optional($0.value)) })
    let configuration = Configuration(
      executable: program.contains("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
      environment: .inherit.updating(additions), platformOptions: platform)
    do {
      let result = try await body(configuration)
      try Task.checkCancellation()
      return result
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw Failure.notInstalled(program: program, package: package)
    }
  }

  func check(_ status: TerminationStatus, _ lines: [String]) throws {
    guard !status.isSuccess else { return }
    throw Failure.failed(program: program, status: "\(status)", lastLines: lines)
  }

  /// Why an external program did not do its work.
  public enum Failure: Diagnosable, Equatable {
    /// The program is not on this machine.
    case notInstalled(program: String, package: String?)
    /// It ran and failed; the last lines it said are kept.
    case failed(program: String, status: String, lastLines: [String])

    /// Stable identifier.
    public var code: String {
      switch self {
      case .notInstalled: "program-missing"
      case .failed: "program-failed"
      }
    }
    /// What it said last.
    public var message: String {
      switch self {
      case .notInstalled(let program, _): "\(program) is not installed"
      case .failed(let program, let status, let lines):
        (["\(program) failed (\(status)):"] + lines.suffix(12).map { "  " + $0 }).joined(separator: "\n")
      }
    }
    /// How to get the program.
    public var remedy: String? {
      guard case .notInstalled(let program, let package) = self else { return nil }
      return "Install it: apt-get install \(package ?? program)"
    }
    /// A needed program is missing or failed.
    public var kind: FailureKind { .unavailable }
  }

  private final class Tail: Sendable {
    private let storage = Mutex<[String]>([])
    func append(_ line: String) {
      storage.withLock {
        if $0.count >= 40 { $0.removeFirst() }
        $0.append(line)
      }
    }
    var lines: [String] { storage.withLock { $0 } }
  }
}

extension StringProtocol {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> SubSequence {
    var end = endIndex
    while end > startIndex, predicate(self[index(before: end)]) { end = index(before: end) }
    return self[..<end]
  }
}
