// SPDX-License-Identifier: GPL-3.0-or-later

/// The name of something that the server gives out: `grub/x86_64-efi/command.lst`, without a leading slash.
///
/// What can be had is a closed set, and a name is looked up in it as one word; nothing is ever opened by it. So the
/// spellings that reach the same object are few and fixed, and everything else is refused before it is looked up, with
/// a reason for the log:
///
///     /grub/grub.cfg      as GRUB asks                           ─┐
///     //grubx64.efi       as some shims ask (rhboot/shim#300)     ├─▶ one name, case as it is
///     \boot\grubx64.efi   as Windows-like ROMs and shims ask     ─┘
///     ../x  a/./b  a%2fb  a\0b  a/  caf\xc3\xa9   and all the rest   ─▶ refused
///
/// Letters, digits and `.`, `_`, `-`, `+`, `~` make a name; Debian's file names need no others.
public struct ObjectName: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The name, such as `grub/grub.cfg`.
  public let text: String

  /// The longest name, in bytes. It fits a TFTP request of 512 bytes with all its options (RFC 2347).
  public static let longest = 255

  /// A name of our own, such as one from a boot set's index.
  /// - Throws: `.name`.
  public init(_ text: some StringProtocol) throws(NetworkBootProtocolFailure) {
    self = try Self(path: Array(text.utf8), backslashes: false)
  }

  /// The name in a TFTP request. Bytes 0xff at its end are left out: option 67 without a NUL is sent back with the end
  /// of the options by some ROMs.
  /// - Throws: `.name`.
  public init(tftp bytes: some Collection<UInt8>) throws(NetworkBootProtocolFailure) {
    var bytes = Array(bytes)
    while bytes.last == 0xff { bytes.removeLast() }
    self = try Self(path: bytes, backslashes: true)
  }

  /// The name that x64 firmware is sent to by PXE where the shadow reply is not allowed.
  ///
  /// The TFTP server never has it. The firmware is told so, gives PXE up at once and comes to its HTTP entry a minute
  /// earlier than after silence (measured with OVMF 2022.11). People read the name on their screen.
  public static let absent = ObjectName(trusted: "use-http-boot")

  private init(trusted text: String) { self.text = text }

  init(path bytes: [UInt8], backslashes: Bool) throws(NetworkBootProtocolFailure) {
    guard bytes.count <= Self.longest else { throw .name(.tooLong(bytes: bytes.count)) }
    for byte in bytes where !Self.allows(byte) && !(backslashes && byte == 0x5c) {
      throw .name(Self.refusal(of: byte))
    }
    let isSeparator: (UInt8) -> Bool = { $0 == 0x2f || $0 == 0x5c }
    if let last = bytes.last, isSeparator(last), !bytes.allSatisfy(isSeparator) { throw .name(.folder) }
    let parts = bytes.split(whereSeparator: isSeparator).map { String(decoding: $0, as: UTF8.self) }
    guard !parts.isEmpty else { throw .name(.empty) }
    // `...` and longer are no folder's name anywhere that matters, but nobody needs them either.
    if let dots = parts.first(where: { $0.allSatisfy { $0 == "." } }) {
      throw .name(dots == "." ? .currentFolder : .parentFolder)
    }
    text = parts.joined(separator: "/")
  }

  private static func allows(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "~"): true
    case UInt8(ascii: "/"): true
    default: false
    }
  }

  private static func refusal(of byte: UInt8) -> Refusal {
    switch byte {
    case 0: .nul
    case UInt8(ascii: "%"): .percent
    case 0x80...: .notASCII(byte)
    default: .character(byte)
    }
  }

  /// The name.
  public var description: String { text }
  /// Orders by bytes.
  public static func < (a: ObjectName, b: ObjectName) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}

extension ObjectName {
  /// Why a spelling is no object's name.
  public enum Refusal: Error, Sendable, Hashable {
    /// Nothing, or slashes alone.
    case empty
    /// Longer than any name.
    case tooLong(bytes: Int)
    /// It ends with a slash; there are no folders to list.
    case folder
    /// A part is `.`.
    case currentFolder
    /// A part is `..`, or more dots.
    case parentFolder
    /// A percent sign: no name of ours needs one, and decoding twice is how servers are fooled.
    case percent
    /// A NUL inside.
    case nul
    /// A byte over 127; no name of ours has one, so overlong and broken UTF-8 need not be told from good.
    case notASCII(UInt8)
    /// Another character that is in no name.
    case character(UInt8)
    /// A complete URL for a server that this is not.
    case otherServer(String)
    /// Neither a path nor a URL, such as the `*` of OPTIONS.
    case noPath
    /// The part after the question mark is too long or has characters that no URL has.
    case query

    /// For the log.
    public var message: String {
      switch self {
      case .empty: "the name is empty"
      case .tooLong(let bytes): "the name has \(bytes) bytes, and at most \(ObjectName.longest) are allowed"
      case .folder: "the name ends with a slash"
      case .currentFolder: "the name has a part \".\""
      case .parentFolder: "the name has a part \"..\""
      case .percent: "the name has a percent sign"
      case .nul: "the name has a NUL inside"
      case .notASCII(let byte): "the name has the byte 0x\(hexadecimal([byte])), which is not ASCII"
      case .character(let byte): "the name has the character \"\(printable([byte]))\""
      case .otherServer(let authority): "the request is for the server \"\(authority)\""
      case .noPath: "the request names no path"
      case .query: "what follows the question mark is not a query"
      }
    }
  }
}
