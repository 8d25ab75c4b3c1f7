// SPDX-License-Identifier: GPL-3.0-or-later

/// Makes the packets of answers, the shadow reply's excepted.
struct AnswerBuilder {
  let view: ServerView
  let request: BootRequest
  let plane: Plane
  let delay: Duration

  /// The longest name in `file`: it keeps a NUL at its end (RFC 2131 §2).
  static let longestFile = 127

  private var server: IPv4Address { request.arrival.server }

  /// Whether this goes along with an address of ours: then it is told as any DHCP server tells it, not as a proxy.
  private var goesWithAddress: Bool { view.mode == .full && plane == .dhcp }

  /// An OFFER on port 67, an ACK on port 4011.
  func answer(_ grant: Grant) throws(IgnoreReason) -> Answer {
    var packet = base(plane == .dhcp ? .offer : .ack)
    switch grant.file {
    case .absent(let name): setTFTP(name, in: &packet)
    case .loader(let loader, let name, _):
      if loader.isFetchedByHTTP {
        setURL(name, in: &packet)
      } else {
        setTFTP(name, in: &packet)
      }
    }
    finish(&packet)
    return try checked(packet, grant, destination)
  }

  /// A reply to the request: what RFC 2131 table 3 copies from it, and what every PXE answer has (PXE 2.1
  /// §2.2.3): who answers, as what, and whom.
  private func base(_ type: DHCPMessageType) -> DHCPPacket {
    var packet = DHCPPacket(.reply, hardware: request.hardware, transaction: request.packet.transaction)
    packet.flags = request.packet.flags
    packet.relay = request.packet.relay
    packet.nextServer = server
    if type == .ack { packet.clientAddress = request.packet.clientAddress }
    packet.messageType = type
    packet.options[.serverIdentifier] = server.bytes
    if !goesWithAddress || request.kind.bootProtocol == .http {
      packet.options[.vendorClass] = Array(request.kind.bootProtocol.rawValue.utf8)
    }
    return packet
  }

  /// Whether this OFFER leaves the boot file to port 4011.
  private var leavesNameToBootServer: Bool {
    plane == .dhcp && view.mode != .full && view.uefiNaming == .atBootServer
      && (request.kind == .ia32PXE || request.kind == .x64PXE)
  }

  /// A boot file by TFTP, told in every place where some firmware looks: `file` (old ROMs), options 66 and 67.
  private func setTFTP(_ name: ObjectName, in packet: inout DHCPPacket) {
    guard !leavesNameToBootServer else { return }
    setVendorOptions(in: &packet)
    packet.options[.tftpServerName] = Array(server.description.utf8)
    setName(Array(name.text.utf8), in: &packet)
    // Some BIOS ROMs take the server from here; as a number, so that nothing has to be resolved (pixiecore does so).
    if request.kind == .biosPXE { packet.serverName = Array(server.description.utf8) }
  }

  /// A boot file by HTTP. HTTP boot accepts an offer only with an absolute URL and `HTTPClient` (xcat-core#7743), needs
  /// no option 43, and no 66 (measured with OVMF). iPXE takes any URL as a file name.
  private func setURL(_ name: ObjectName, in packet: inout DHCPPacket) {
    if request.kind.isIPXE { setVendorOptions(in: &packet) }
    packet.options[.bootFileName] = Array(Self.url(of: name, on: server, port: view.httpPort).utf8)
  }

  static func url(of name: ObjectName, on server: IPv4Address, port: UInt16) -> String {
    "http://\(server)\(port == 80 ? "" : ":\(port)")/\(name)"
  }

  /// `06 01 08 ff`: take this boot file, do not look for boot servers. Without it EDK2 asks port 4011
  /// (PxeBcDhcp4.c: an offer with `PXEClient` and no discovery option is "BINL"; tianocore/edk2#8149), and so UEFI's ACK
  /// of that port leaves it out. A client's boot item is given back (PXE 2.1 table 2-1).
  private func setVendorOptions(in packet: inout DHCPPacket) {
    guard !goesWithAddress else { return }
    let item = request.packet.options[.vendorSpecific].flatMap { PXEVendorOptions(parsing: $0).bootItem }
    let isAckForUEFI = plane == .bootServer && !request.kind.architectures.contains(.bios)
    let vendor = PXEVendorOptions(
      discoveryControl: isAckForUEFI ? nil : PXEVendorOptions.useBootFile,
      bootItem: plane == .bootServer ? item : nil)
    guard vendor != PXEVendorOptions() else { return }
    packet.options[.vendorSpecific] = vendor.bytes
  }

  private func setName(_ name: [UInt8], in packet: inout DHCPPacket) {
    if name.count <= Self.longestFile { packet.bootFile = name }
    packet.options[.bootFileName] = name
  }

  /// What goes back to client and relay agent as it came, and our mark.
  ///
  /// Option 67 stands last: EDK2 puts a NUL behind it where it has none, over the number of the next option
  /// (`PxeBcParseDhcp4Packet`), and reads the packet again later.
  private func finish(_ packet: inout DHCPPacket) {
    packet.options[.machineIdentifier] = request.packet.options[.machineIdentifier]
    if view.marksOffers { packet.options[.lifeboat] = Array("lifeboat".utf8) }
    packet.options[.relayAgentInformation] = request.packet.options[.relayAgentInformation]
    guard let name = packet.options[.bootFileName] else { return }
    packet.options[.bootFileName] = nil
    packet.options[.bootFileName] = name
  }

  /// Port 4011: back to where it came from, whichever port that is (68 or 4011). Port 67: RFC 2131 §4.1.
  private var destination: Answer.Destination {
    let packet = request.packet
    let interface = request.arrival.interface
    if plane == .bootServer {
      return .unicast(request.arrival.source, port: request.arrival.sourcePort, interface: interface)
    }
    if request.isRelayed { return .unicast(packet.relay, port: 67, interface: interface) }
    if packet.wantsBroadcast || !packet.clientAddress.isUnicast { return .broadcast(port: 68, interface: interface) }
    return .unicast(packet.clientAddress, port: 68, interface: interface)
  }

  private func checked(_ packet: DHCPPacket, _ grant: Grant, _ destination: Answer.Destination)
    throws(IgnoreReason) -> Answer
  {
    let limit = request.packet.answerLimit
    let count = DHCPPacket.headerCount + packet.options.wireCount
    guard count <= limit else { throw .answerTooLong(bytes: count, limit: limit) }
    return Answer(
      packet: packet, destination: destination, delay: plane == .dhcp ? delay : .zero, grant: grant, limit: limit)
  }
}
