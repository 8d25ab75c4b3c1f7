// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import Synchronization
import SystemPackage

/// One of the two standard streams, with what is known about the terminal behind it.
final class TextStream: Sendable {
  /// Whether a person looks at it.
  let isTerminal: Bool
  /// Whether it may be coloured: a terminal that can, and `NO_COLOR` is not set.
  let hasColour: Bool
  private let measure: @Sendable () -> Int
  private let sink: @Sendable (String) throws -> Void
  private let firstFailure = Mutex<Errno?>(nil)

  init(
    isTerminal: Bool, hasColour: Bool, width: @escaping @Sendable () -> Int,
    sink: @escaping @Sendable (String) throws -> Void
  ) {
    self.isTerminal = isTerminal
    self.hasColour = hasColour
    self.measure = width
    self.sink = sink
  }

  /// Columns, at this moment.
  var width: Int { measure() }

  /// Why something could not be written, if anything could not.
  var failure: Errno? { firstFailure.withLock { $0 } }

  /// Writes a text; whatever in it could act on a terminal is made visible.
  func write(_ text: String) { send(text.printableText) }

  /// Writes a line, likewise.
  func line(_ text: StyledText) { send(rendered(text) + "\n") }

  /// Writes bytes of our own as they are: what moves the cursor, what `rendered` has made, JSON. A failure is kept for the
  /// end of the command; nobody can say it sooner.
  func send(_ sequence: String) {
    do { try sink(sequence) } catch {
      firstFailure.withLock { $0 = $0 ?? (error as? Errno) ?? .ioError }
    }
  }

  /// The few ways to stand out.
  enum Style: String {
    case bold = "1"
    case faint = "2"
    case bad = "1;31"
    case good = "32"
    case caution = "33"
  }
}

extension TextStream {
  /// Standard output or standard error of this process.
  static func standard(_ descriptor: FileDescriptor, environment: [String: String]) -> TextStream {
    // A dumb terminal understands no cursor movement: it is written to like a file.
    let isTerminal = isatty(descriptor.rawValue) == 1 && environment["TERM"] != "dumb"
    let allowsColour = environment["NO_COLOR", default: ""].isEmpty
    return TextStream(
      isTerminal: isTerminal, hasColour: isTerminal && allowsColour, width: { columns(descriptor) },
      sink: { try write($0, to: descriptor) })
  }

  private static func columns(_ descriptor: FileDescriptor) -> Int {
    var size = winsize()
    guard ioctl(descriptor.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private static func write(_ text: String, to descriptor: FileDescriptor) throws {
    do { _ = try descriptor.writeAll(text.utf8) } catch Errno.brokenPipe {
      // Whoever read our results has seen enough (`lifeboat tools | head`): end as any filter does.
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
    }
  }
}
