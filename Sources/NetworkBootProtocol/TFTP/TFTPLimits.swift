// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// What a transfer may use of network and memory.
public struct TFTPLimits: Sendable, Hashable {
  /// The most bytes of a block; the client may ask for fewer.
  public var block: Int
  /// The most blocks on the way at once (RFC 7440).
  public var window: Int
  /// The most bytes on the way at once; they should fit the socket's send buffer, and a switch's.
  public var flight: ByteCount
  /// How long to wait for an acknowledgement before the first repetition; later ones wait twice as long each, up to 8 s.
  public var patience: Duration
  /// How often the same blocks are repeated before the client is given up.
  public var repetitions: Int

  /// RFC 2348.
  public static let smallestBlock = 8
  /// RFC 2348: what fits the longest UDP datagram over IPv4, as the RFC counts it.
  public static let largestBlock = 65464
  /// What a transfer has without the option (RFC 1350).
  public static let standardBlock = 512
  /// RFC 7440.
  public static let largestWindow = 65535

  /// Limits for a path.
  /// - Parameter mtu: the most bytes of a packet on it. A block leaves room for IP's, UDP's and TFTP's 32 bytes, so that
  ///   nothing is cut into fragments, which some firmware cannot put together: 1468 on Ethernet.
  public init(mtu: Int = 1500) {
    block = min(max(mtu - 32, Self.smallestBlock), Self.largestBlock)
    window = 16
    flight = ByteCount(128 << 10)
    patience = .seconds(1)
    repetitions = 5
  }
}

/// Why a request gets an error at once.
public enum TFTPRefusal: Error, Sendable, Hashable {
  /// Nothing can be stored here.
  case write
  /// The mode is not `octet`. A boot file in `netascii` would be another file; tftpd-hpa and dnsmasq convert it, which
  /// serves text alone, and there is none to be had here that firmware reads that way.
  case mode(String)
  /// An option has a value that its RFC does not allow, or stands there twice.
  case badOption(String)
  /// The name is no object's.
  case badName(ObjectName.Refusal)
  /// The set has no such object.
  case notFound(ObjectName)
  /// The object is there, and cannot be read now.
  case unreadable(ObjectName)
  /// The server has as many transfers as it allows.
  case busy

  /// The ERROR to send. What is not there and what could not be there look the same from outside.
  public var packet: TFTPPacket {
    switch self {
    case .write: .error(.accessViolation, Array("this server only gives".utf8))
    case .mode: .error(.illegalOperation, Array("only mode octet".utf8))
    case .badOption(let name): .error(.badOptions, Array("option \(name)".utf8))
    case .badName, .notFound: .error(.fileNotFound, Array("file not found".utf8))
    case .unreadable: .error(.undefined, Array("cannot read the file".utf8))
    case .busy: .error(.undefined, Array("too many transfers, try again".utf8))
    }
  }

  /// For the log.
  public var message: String {
    switch self {
    case .write: "it wants to store a file"
    case .mode(let mode): "its mode is \"\(mode)\", and only octet is served"
    case .badOption(let name): "its option \"\(name)\" has a bad value"
    case .badName(let refusal): refusal.message
    case .notFound(let name): "there is no \"\(name)\""
    case .unreadable(let name): "\(name) cannot be read"
    case .busy: "there are too many transfers"
    }
  }
}

extension TFTPRequest {
  /// The object that a request asks for.
  /// - Parameter isWrite: whether it is a WRQ.
  /// - Throws: `TFTPRefusal`, whose packet is the answer.
  public func object(isWrite: Bool = false) throws(TFTPRefusal) -> ObjectName {
    if isWrite { throw .write }
    guard mode.count == 5, String(decoding: mode, as: UTF8.self).lowercased() == "octet" else {
      throw .mode(printable(mode, limit: 16))
    }
    do throws(NetworkBootProtocolFailure) {
      return try ObjectName(tftp: name)
    } catch {
      guard case .name(let refusal) = error else { throw .badName(.noPath) }
      throw .badName(refusal)
    }
  }
}
