// SPDX-License-Identifier: GPL-3.0-or-later

extension DHCPPacket {
  /// The bytes before the options: the fixed fields and the cookie.
  static let headerCount = 240
  /// RFC 2131 §3.
  static let magicCookie: [UInt8] = [99, 130, 83, 99]
  /// What BOOTP had (RFC 951 §3); old ROMs drop anything shorter, and relay agents may.
  static let smallest = 300
  /// The longest packet that is read. Clients send some 350 to 550 bytes, and never more than a frame.
  public static let longestRead = 4096

  /// Reads a message, options in `file` and `sname` included.
  /// - Throws: `.dhcp`.
  public init(parsing bytes: some Collection<UInt8>) throws(NetworkBootProtocolFailure) {
    guard bytes.count <= Self.longestRead else {
      throw .dhcp(.oversized(bytes: bytes.count, limit: Self.longestRead))
    }
    var reader = ByteReader(bytes)
    guard let operation = reader.byte(), let type = reader.byte(), let length = reader.byte(), let hops = reader.byte(),
      let transaction = reader.uint32(), let seconds = reader.uint16(), let flags = reader.uint16(),
      let client = reader.uint32(), let your = reader.uint32(), let next = reader.uint32(), let relay = reader.uint32(),
      let address = reader.bytes(16), let name = reader.bytes(64), let file = reader.bytes(128),
      let cookie = reader.bytes(4)
    else { throw .dhcp(.truncated(bytes: bytes.count)) }
    guard let way = Operation(rawValue: operation) else { throw .dhcp(.operation(operation)) }
    guard let hardware = HardwareAddress(type: type, bytes: Array(address.prefix(Int(length)))), length <= 16 else {
      throw .dhcp(.hardwareAddressLength(length))
    }
    guard Array(cookie) == Self.magicCookie else { throw .dhcp(.noMagicCookie) }
    self.init(way, hardware: hardware, transaction: transaction)
    self.hops = hops
    self.seconds = seconds
    self.flags = flags
    clientAddress = IPv4Address(client)
    yourAddress = IPv4Address(your)
    nextServer = IPv4Address(next)
    self.relay = IPv4Address(relay)
    try options.read(reader.bytes(reader.count) ?? [])
    try readNames(name, file)
  }

  /// Takes `sname` and `file` as names or, where option 52 says so, as more options: first `file`, then `sname`
  /// (RFC 3396 §5).
  private mutating func readNames(_ name: ArraySlice<UInt8>, _ file: ArraySlice<UInt8>)
    throws(NetworkBootProtocolFailure)
  {
    var overload: UInt8 = 0
    if let value = options[.overload] {
      guard value.count == 1, (1...3).contains(value[0]) else { throw .dhcp(.overload) }
      overload = value[0]
      options[.overload] = nil
    }
    if overload & 1 != 0 { try options.read(file) } else { bootFile = Array(file.prefix { $0 != 0 }) }
    if overload & 2 != 0 { try options.read(name) } else { serverName = Array(name.prefix { $0 != 0 }) }
    guard options[.overload] == nil else { throw .dhcp(.overload) }
  }

  /// The message's bytes, padded to 300.
  /// - Parameter limit: the most bytes that the receiver takes, see `answerLimit`.
  /// - Throws: `.answerTooLong`.
  public func serialised(limit: Int = longestRead) throws(NetworkBootProtocolFailure) -> [UInt8] {
    let count = Self.headerCount + options.wireCount
    guard count <= limit else { throw .answerTooLong(bytes: count, limit: limit) }
    var bytes: [UInt8] = [operation.rawValue, hardware.type, UInt8(hardware.bytes.count), hops]
    bytes.reserveCapacity(max(count, Self.smallest))
    bytes.append(networkOrder: transaction)
    bytes.append(networkOrder: seconds)
    bytes.append(networkOrder: flags)
    for address in [clientAddress, yourAddress, nextServer, relay] { bytes.append(networkOrder: address.value) }
    bytes.append(hardware.bytes, paddedTo: 16)
    bytes.append(serverName, paddedTo: 64)
    bytes.append(bootFile, paddedTo: 128)
    bytes.append(contentsOf: Self.magicCookie)
    options.append(to: &bytes)
    bytes.append([], paddedTo: Self.smallest - bytes.count)
    return bytes
  }
}
