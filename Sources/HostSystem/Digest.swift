// SPDX-License-Identifier: GPL-3.0-or-later
internal import Crypto
internal import FoundationEssentials
public import SystemPackage

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
public struct Digest: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes: [UInt8]

  /// Wraps 32 bytes; nil if the count differs.
  public init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// Parses 64 hexadecimal digits.
  public init?(hex: some StringProtocol) {
    let digits = hex.utf8.map { digit -> UInt8? in
      switch digit {
      case 0x30...0x39: digit - 0x30
      case 0x61...0x66: digit - 0x61 + 10
      case 0x41...0x46: digit - 0x41 + 10
      default: nil
      }
    }
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(high << 4 | low)
    }
    self.bytes = bytes
  }

  fileprivate init(_ digest: SHA256.Digest) { bytes = Array(digest) }

  /// The digest of bytes in memory.
  public init(of bytes: some Sequence<UInt8>) {
    self.init(SHA256.hash(data: Array(bytes)))
  }

  /// The digest of a text's UTF-8.
  public init(of text: String) { self.init(of: text.utf8) }

  /// The digest of a file's content, read in 1 MiB pieces.
  /// - Throws: `Errno`.
  public init(ofFile path: FilePath) throws {
    var hasher = Hasher()
    let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    try descriptor.closeAfter {
      try withUnsafeTemporaryAllocation(byteCount: 1 << 20, alignment: 4096) { buffer in
        while case let count = try descriptor.read(into: buffer), count > 0 {
          hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
      }
    }
    self = hasher.finish()
  }

  /// Reads 64 hexadecimal digits.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let digest = Digest(hex: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not 64 hexadecimal digits")
    }
    self = digest
  }

  /// Writes 64 hexadecimal digits.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The first 12 digits, for people.
  public var short: String { String(hex.prefix(12)) }
  /// All 64 digits.
  public var description: String { hex }
  /// Orders by the digits.
  public static func < (a: Digest, b: Digest) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

  /// Takes bytes piece by piece.
  public struct Hasher {
    private var state = SHA256()
    /// Starts with no bytes.
    public init() {}
    /// Adds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) { state.update(bufferPointer: bytes) }
    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { state.update(bufferPointer: $0) } }
    /// The digest of all bytes so far.
    public consuming func finish() -> Digest { Digest(state.finalize()) }
  }
}
