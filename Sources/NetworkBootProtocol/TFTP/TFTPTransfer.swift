// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// One file on its way to one client: a state machine without socket, clock or bytes of the file.
///
///     RRQ ─▶ begin ─▶ OACK ─▶ ACK 0 ─▶ blocks 1…w ─▶ ACK w ─▶ blocks w+1…2w ─▶ … ─▶ ACK last ─▶ ended
///                 └▶ (no options) block 1
///
/// Each event gives a `Step`: what to send, when to call again with `.timeout`, and whether it is over. Blocks are
/// counted from 1 without end; on the wire the count is 16 bits and goes from 65535 to 0.
///
/// Whether a packet comes from the client's address and port is for the caller to know (RFC 1350 §4: error 5 to others).
public struct TFTPTransfer: Sendable, Hashable {
  /// What happens to a transfer.
  public enum Event: Sendable, Hashable {
    /// The client sent this.
    case packet(TFTPPacket)
    /// The timer of the last step has run out.
    case timeout
  }

  /// What to do next.
  public struct Step: Sendable, Hashable {
    /// What to send.
    public enum Send: Sendable, Hashable {
      /// Nothing.
      case nothing
      /// `options`, the OACK.
      case options
      /// These blocks, in order.
      case blocks(ClosedRange<Int>)
      /// An ERROR.
      case error(TFTPErrorCode)
    }

    /// What to send.
    public var send = Send.nothing
    /// When to call with `.timeout`, from now on, in place of the timer before; nil: the timer before stays.
    public var timer: Duration?
    /// How it ended; then nothing follows.
    public var outcome: Outcome?

    /// A step; without arguments nothing happens.
    public init(send: Send = .nothing, timer: Duration? = nil, outcome: Outcome? = nil) {
      self.send = send
      self.timer = timer
      self.outcome = outcome
    }
  }

  /// How a transfer ended.
  public enum Outcome: Sendable, Hashable {
    /// The client has all of it.
    case complete
    /// The client wanted the size alone and said so with an ERROR, as EDK2 does before each file (pin/tftp#125).
    case sizeProbe
    /// The client sent an ERROR before the first block.
    case refused(TFTPErrorCode, String)
    /// The client sent an ERROR later.
    case aborted(TFTPErrorCode, String)
    /// The client no longer answers.
    case gaveUp
    /// The client sent what no client sends.
    case violation
  }

  /// The file's size in bytes.
  public let size: Int
  /// The bytes of each block but the last.
  public let blockSize: Int
  /// The blocks that are sent before an acknowledgement is waited for.
  public let window: Int
  /// The last block that the client has; -1 while the OACK is not acknowledged.
  public private(set) var acknowledged: Int
  /// The last block that was sent.
  public private(set) var sent = 0
  private let granted: Granted
  private let timeoutSeconds: UInt8
  private let patience: Duration
  private let mostRepetitions: UInt8
  private var repetitions: UInt8 = 0
  private var hasRepeatedWindow = false
  private var isOver = false

  /// Which options the client asked for and gets.
  struct Granted: OptionSet, Sendable, Hashable {
    let rawValue: UInt8
    static let blksize = Granted(rawValue: 1)
    static let timeout = Granted(rawValue: 2)
    static let tsize = Granted(rawValue: 4)
    static let windowsize = Granted(rawValue: 8)
  }

  /// The number of the last block: it is shorter than the others, if need be empty (RFC 1350 §6).
  public var lastBlock: Int { size / blockSize + 1 }

  /// The file's bytes in a block; empty for blocks that the file does not have.
  public func range(of block: Int) -> Range<Int> {
    let start = min(max(0, block - 1) * blockSize, size)
    return start..<min(start + blockSize, size)
  }

  /// The OACK, with the options that the client asked for, and no others (RFC 2347).
  public var options: TFTPPacket {
    var options: [TFTPOption] = []
    if granted.contains(.blksize) { options.append(TFTPOption(.blksize, blockSize)) }
    if granted.contains(.timeout) { options.append(TFTPOption(.timeout, Int(timeoutSeconds))) }
    if granted.contains(.tsize) { options.append(TFTPOption(.tsize, size)) }
    if granted.contains(.windowsize) { options.append(TFTPOption(.windowsize, window)) }
    return .options(options)
  }

  /// Begins a transfer; the first step is `start()`.
  /// - Parameters:
  ///   - request: a read request whose object was found.
  ///   - size: of the object, in bytes; a negative one counts as zero.
  /// - Throws: `TFTPRefusal.badOption`.
  public init(_ request: TFTPRequest, size: Int, limits: TFTPLimits = TFTPLimits()) throws(TFTPRefusal) {
    let asked = try Self.asked(by: request)
    var granted: Granted = []
    if asked[.blksize] != nil { granted.insert(.blksize) }
    if asked[.timeout] != nil { granted.insert(.timeout) }
    if asked[.tsize] != nil { granted.insert(.tsize) }
    if asked[.windowsize] != nil { granted.insert(.windowsize) }
    self.granted = granted
    self.size = max(0, size)
    let largest = min(max(limits.block, TFTPLimits.smallestBlock), TFTPLimits.largestBlock)
    let blockSize = min(asked[.blksize] ?? TFTPLimits.standardBlock, largest)
    self.blockSize = blockSize
    let blocksInFlight = max(1, Int(limits.flight.bytes) / (blockSize + TFTPPacket.dataHeaderCount))
    window = max(1, min(asked[.windowsize] ?? 1, limits.window, blocksInFlight, TFTPLimits.largestWindow / 2))
    timeoutSeconds = UInt8(asked[.timeout] ?? 0)
    patience = limits.patience
    mostRepetitions = UInt8(min(max(0, limits.repetitions), 100))
    acknowledged = granted.isEmpty ? 0 : -1
  }

  /// The options that this server knows. A value outside its RFC's range is an error (RFC 2347: code 8); a block size or
  /// window that is merely too large is not, because the server may grant less.
  private static func asked(by request: TFTPRequest) throws(TFTPRefusal) -> [TFTPOption.Known: Int] {
    var asked: [TFTPOption.Known: Int] = [:]
    for option in request.options {
      guard let known = option.known else { continue }
      let least =
        switch known {
        case .blksize: TFTPLimits.smallestBlock
        case .timeout, .windowsize: 1
        case .tsize: 0
        }
      guard asked[known] == nil, let number = option.number, number >= least, known != .timeout || number <= 255 else {
        throw .badOption(known.rawValue)
      }
      asked[known] = number
    }
    return asked
  }

  /// The first step.
  public mutating func start() -> Step {
    guard acknowledged < 0 else { return sendWindow() }
    return Step(send: .options, timer: timer)
  }

  /// The next step.
  public mutating func handle(_ event: Event) -> Step {
    guard !isOver else { return Step() }
    switch event {
    case .timeout: return timeout()
    case .packet(.acknowledgement(let block)): return acknowledge(block)
    case .packet(.error(let code, let message)): return end(outcome(of: code, message))
    case .packet: return end(.violation, sending: .error(.illegalOperation))
    }
  }

  private mutating func acknowledge(_ block: UInt16) -> Step {
    guard acknowledged >= 0 else {
      guard block == 0 else { return Step() }
      acknowledged = 0
      return sendWindow()
    }
    // Fewer blocks are on the way than the count on the wire has numbers, so the distance is unmistakable.
    let distance = Int(block &- UInt16(truncatingIfNeeded: acknowledged))
    guard distance > 0 else { return repeatWindowOnce() }
    // What was acknowledged before comes late, and is no question.
    guard distance <= sent - acknowledged else { return Step() }
    acknowledged += distance
    return acknowledged == lastBlock ? end(.complete) : sendWindow()
  }

  /// Sends the next window. After an acknowledgement from the middle of the last one, that is what the client has not
  /// got (RFC 7440 §4).
  private mutating func sendWindow() -> Step {
    repetitions = 0
    hasRepeatedWindow = false
    sent = min(acknowledged + window, lastBlock)
    return Step(send: .blocks(acknowledged + 1...sent), timer: timer)
  }

  /// The client acknowledges again what it has acknowledged.
  ///
  /// Without windows that is an echo: to answer it would double every block from here on, the Sorcerer's Apprentice
  /// (RFC 1123 §4.2.3.1). With windows it may also say that the first block of the window is lost (RFC 7440 §4), so it is
  /// answered, once for each window.
  private mutating func repeatWindowOnce() -> Step {
    guard window > 1, sent > acknowledged, !hasRepeatedWindow else { return Step() }
    hasRepeatedWindow = true
    return Step(send: .blocks(acknowledged + 1...sent), timer: timer)
  }

  private mutating func timeout() -> Step {
    guard repetitions < mostRepetitions else { return end(.gaveUp) }
    repetitions += 1
    hasRepeatedWindow = false
    return Step(
      send: acknowledged < 0 ? .options : .blocks(acknowledged + 1...max(sent, acknowledged + 1)), timer: timer)
  }

  /// The interval that the client set, always (RFC 2349); else ours, twice as long after each repetition, up to 8 s.
  private var timer: Duration {
    guard timeoutSeconds == 0 else { return .seconds(Int(timeoutSeconds)) }
    return min(patience * (1 << min(Int(repetitions), 6)), max(patience, .seconds(8)))
  }

  private func outcome(of code: TFTPErrorCode, _ message: [UInt8]) -> Outcome {
    if acknowledged > 0 { return .aborted(code, printable(message)) }
    return acknowledged < 0 && granted.contains(.tsize) ? .sizeProbe : .refused(code, printable(message))
  }

  private mutating func end(_ outcome: Outcome, sending send: Step.Send = .nothing) -> Step {
    isOver = true
    return Step(send: send, outcome: outcome)
  }
}

extension TFTPTransfer.Outcome {
  /// For the log.
  public var message: String {
    switch self {
    case .complete: "complete"
    case .sizeProbe: "size probe"
    case .refused(let code, let text): "the client refused it: \(text) (error \(code.rawValue))"
    case .aborted(let code, let text): "the client aborted it: \(text) (error \(code.rawValue))"
    case .gaveUp: "the client no longer answers"
    case .violation: "the client broke the protocol"
    }
  }
}
