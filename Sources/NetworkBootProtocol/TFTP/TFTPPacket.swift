// SPDX-License-Identifier: GPL-3.0-or-later

/// A TFTP packet (RFC 1350 §5, RFC 2347) as a value.
public enum TFTPPacket: Sendable, Hashable {
  /// RRQ (1): the client wants a file.
  case read(TFTPRequest)
  /// WRQ (2): the client wants to store one, which nobody may here.
  case write(TFTPRequest)
  /// DATA (3).
  case data(block: UInt16, [UInt8])
  /// ACK (4).
  case acknowledgement(block: UInt16)
  /// ERROR (5); it ends a transfer and is never answered.
  case error(TFTPErrorCode, [UInt8])
  /// OACK (6): the options that the server grants.
  case options([TFTPOption])

  /// The longest request, and the longest list of options (RFC 2347).
  public static let longestRequest = 512
  /// The bytes of DATA before the file's.
  public static let dataHeaderCount = 4

  /// Reads a packet.
  /// - Throws: `.tftp`.
  public init(parsing bytes: some Collection<UInt8>) throws(NetworkBootProtocolFailure) {
    var reader = ByteReader(bytes)
    guard let operation = reader.uint16() else { throw .tftp(.truncated(bytes: bytes.count)) }
    let limit = operation == 3 ? Self.dataHeaderCount + TFTPLimits.largestBlock : Self.longestRequest
    guard bytes.count <= limit else { throw .tftp(.oversized(bytes: bytes.count, limit: limit)) }
    switch operation {
    case 1: self = .read(try TFTPRequest(from: &reader))
    case 2: self = .write(try TFTPRequest(from: &reader))
    case 3...5:
      guard let number = reader.uint16() else { throw .tftp(.truncated(bytes: bytes.count)) }
      // Some firmware sends more than four bytes here; they mean nothing.
      guard operation != 4 else {
        self = .acknowledgement(block: number)
        return
      }
      let rest = Array(reader.bytes(reader.count) ?? [])
      self =
        operation == 3
        ? .data(block: number, rest) : .error(TFTPErrorCode(rawValue: number), Array(rest.prefix { $0 != 0 }))
    case 6: self = .options(TFTPOption.list(from: &reader))
    default: throw .tftp(.operation(operation))
    }
  }

  /// The packet's bytes.
  public var serialised: [UInt8] {
    switch self {
    case .read(let request): [0, 1] + request.bytes
    case .write(let request): [0, 2] + request.bytes
    case .data(let block, let bytes): Self.dataHeader(block: block) + bytes
    case .acknowledgement(let block): [0, 4, UInt8(block >> 8), UInt8(truncatingIfNeeded: block)]
    case .error(let code, let message):
      [0, 5, UInt8(code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)] + message + [0]
    case .options(let options): [0, 6] + options.flatMap(\.bytes)
    }
  }

  /// The four bytes before a block's, for a sender that has the file in memory.
  public static func dataHeader(block: UInt16) -> [UInt8] {
    [0, 3, UInt8(block >> 8), UInt8(truncatingIfNeeded: block)]
  }
}

/// What RRQ and WRQ say.
public struct TFTPRequest: Sendable, Hashable {
  /// The file's name, as it was sent.
  public var name: [UInt8]
  /// The mode, as it was sent: `octet`, in any case of letters.
  public var mode: [UInt8]
  /// The options, as they were sent.
  public var options: [TFTPOption]

  /// A request.
  public init(name: [UInt8], mode: [UInt8] = Array("octet".utf8), options: [TFTPOption] = []) {
    self.name = name
    self.mode = mode
    self.options = options
  }

  init(from reader: inout ByteReader) throws(NetworkBootProtocolFailure) {
    guard let name = reader.untilNUL(), let mode = reader.untilNUL() else { throw .tftp(.unterminated) }
    self.init(name: Array(name), mode: Array(mode), options: TFTPOption.list(from: &reader))
  }

  var bytes: [UInt8] { name + [0] + mode + [0] + options.flatMap(\.bytes) }
}

/// An option of TFTP (RFC 2347): a name, whose case does not matter, and a value; both as they were sent.
public struct TFTPOption: Sendable, Hashable {
  /// The options that this server knows.
  public enum Known: String, Sendable, CaseIterable {
    /// RFC 2348.
    case blksize
    /// RFC 2349: seconds.
    case timeout
    /// RFC 2349: bytes.
    case tsize
    /// RFC 7440: blocks.
    case windowsize
  }

  /// Its name.
  public var name: [UInt8]
  /// Its value, a decimal number as text.
  public var value: [UInt8]

  /// An option as it was sent.
  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }

  /// An option that this server knows.
  public init(_ known: Known, _ value: Int) {
    self.init(name: Array(known.rawValue.utf8), value: Array(String(value).utf8))
  }

  /// Which one it is; nil for others, such as `multicast`, which a server leaves out of its answer.
  public var known: Known? {
    let lowercase = name.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    return Known.allCases.first { Array($0.rawValue.utf8) == lowercase }
  }

  /// The value; nil if it is no decimal number of at most 18 digits.
  public var number: Int? {
    guard (1...18).contains(value.count), value.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return value.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  var bytes: [UInt8] { name + [0] + value + [0] }

  /// Reads options up to the end. A name without a value is left out, as RFC 2347 lets a server do with any option, and
  /// NULs after the last are padding.
  static func list(from reader: inout ByteReader) -> [TFTPOption] {
    var options: [TFTPOption] = []
    while let name = reader.untilNUL(), !name.isEmpty, let value = reader.untilNUL() {
      options.append(TFTPOption(name: Array(name), value: Array(value)))
    }
    return options
  }
}

/// The number of a TFTP error (RFC 1350, RFC 2347).
public struct TFTPErrorCode: RawRepresentable, Sendable, Hashable {
  /// The number.
  public let rawValue: UInt16

  /// Wraps a number, known or not.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// 0: see the message.
  public static let undefined = TFTPErrorCode(rawValue: 0)
  /// 1.
  public static let fileNotFound = TFTPErrorCode(rawValue: 1)
  /// 2.
  public static let accessViolation = TFTPErrorCode(rawValue: 2)
  /// 4.
  public static let illegalOperation = TFTPErrorCode(rawValue: 4)
  /// 5.
  public static let unknownTransfer = TFTPErrorCode(rawValue: 5)
  /// 8.
  public static let badOptions = TFTPErrorCode(rawValue: 8)
}
