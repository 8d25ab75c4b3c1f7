// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why the network boot service cannot begin, or cannot go on.
public enum NetworkBootFailure: Diagnosable, Equatable {
  /// Objects of the set are not there, or are not as large as the index says.
  case objectsMissing(FilePath, set: Int, names: [String])
  /// A set is not signed by the key that the sets before it were signed by; nil: by none.
  case keyChanged(FilePath, set: Int, signedBy: String?, first: String)
  /// The set has no image of that name.
  case noSuchImage(name: String, names: [String])
  /// The set has several images, and none was chosen.
  case imageNotChosen(names: [String])
  /// There is no such interface, or it has no IPv4 address.
  case noInterface(name: String, names: [String])
  /// Somebody else has the port.
  case portTaken(ServicePort, interface: String?, holder: String?)
  /// The kernel does not let this user have the port.
  case portForbidden(ServicePort)
  /// A socket could not be made.
  case socket(ServicePort, operation: String, Errno)
  /// A set is not exported.
  case export(ExportRefusal)
  /// Another service has the admin socket.
  case adminSocketTaken(FilePath)
  /// The admin socket cannot be had, or not be used.
  case adminSocket(FilePath, reason: String)
  /// No service listens on the admin socket.
  case notRunning(FilePath)
  /// Something that systemd has opened is no socket of IPv4.
  case socketHanded(CInt)
  /// systemd has opened sockets, but not this one.
  case socketMissing(ServicePort)
  /// Mode `full` is for one wire, which has to be named.
  case fullNeedsInterface
  /// Addresses make no pool.
  case badPool(String?, interface: String, reason: String)
  /// Another server gives addresses on the wire that mode `full` is for.
  case otherDHCPServer(String, interface: String)
}

extension NetworkBootFailure {
  /// Stable identifier.
  public var code: String {
    switch self {
    case .objectsMissing: "objects-missing"
    case .keyChanged: "site-key-changed"
    case .noSuchImage: "no-such-image"
    case .imageNotChosen: "image-not-chosen"
    case .noInterface: "no-such-interface"
    case .portTaken: "port-taken"
    case .portForbidden: "port-forbidden"
    case .socket: "socket-failed"
    case .export(let refusal): refusal.code
    case .adminSocketTaken: "admin-socket-taken"
    case .adminSocket: "admin-socket-failed"
    case .notRunning: "not-running"
    case .socketHanded: "socket-not-usable"
    case .socketMissing: "socket-missing"
    case .fullNeedsInterface: "full-needs-interface"
    case .badPool: "bad-pool"
    case .otherDHCPServer: "other-dhcp-server"
    }
  }

  /// What happened and where.
  public var message: String {
    switch self {
    case .objectsMissing(let site, let number, let names):
      "set \(number) of \(site) has \(names.count.counted("object")) that the site does not hold whole: \(Self.some(names))"
    case .keyChanged(let site, let number, let signedBy, let first):
      "set \(number) of \(site) is \(signedBy.map { "signed by \($0)" } ?? "not signed"), and \(first) is trusted here alone"
        + " until the service restarts"
    case .noSuchImage(let name, let names): "the set has no image \"\(name)\"; it has \(Self.some(names))"
    case .imageNotChosen(let names): "the set has \(names.count.counted("image")): \(Self.some(names))"
    case .noInterface(let name, let names):
      "there is no network interface \"\(name)\" with an IPv4 address, only \(Self.some(names))"
    case .portTaken(let port, let interface, let holder):
      "\(port)\(interface.map { " on \($0)" } ?? "") is taken" + (holder.map { " by \($0)" } ?? "")
    case .portForbidden(let port):
      "this user may not listen on \(port): ports below 1024 need root or CAP_NET_BIND_SERVICE"
    case .socket(let port, let operation, let errno): "\(operation) for \(port): \(errno)"
    case .export(let refusal): refusal.message
    case .adminSocketTaken(let path): "another service listens on the admin socket \(path)"
    case .adminSocket(let path, let reason): "the admin socket \(path) cannot be used: \(reason)"
    case .notRunning(let path): "no network boot service listens on \(path)"
    case .socketHanded(let number):
      "systemd has opened something that is not a listening IPv4 socket (descriptor \(number))"
    case .socketMissing(let port): "systemd has opened sockets for this service, but not \(port)"
    case .fullNeedsInterface: "mode full gives addresses on one wire, and its interface is not named"
    case .badPool(let text?, let interface, let reason): "\"\(text)\" is not a pool for \(interface): \(reason)"
    case .badPool(nil, let interface, let reason): "\(interface) has no addresses to give: \(reason)"
    case .otherDHCPServer(let address, let interface):
      "\(address) already gives addresses on \(interface), and a second DHCP server would bring the network down"
    }
  }

  private static func some(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.prefix(6).joined(separator: ", ") + (names.count > 6 ? ", ..." : "")
  }

  /// What to do about it.
  public var remedy: String? {
    switch self {
    case .objectsMissing: "Publish the set again, or go back to the previous one."
    case .keyChanged: "Publish it with that key; if you changed the site's key on purpose, restart the service."
    case .noSuchImage: "Choose one of these images."
    case .imageNotChosen: "Choose one of these images."
    case .noInterface: "Check the name with: ip -4 address"
    case .portTaken(let port, _, _): port.remedyIfTaken
    case .portForbidden(let port):
      port.isDHCP || port.number < 1024
        ? "Run it as root, or give it that one right, CAP_NET_BIND_SERVICE."
        : nil
    case .socket(_, _, .noSuchAddressOrDevice), .socket(_, _, .operationNotSupportedByDevice):
      "Check the interface with: ip -4 address"
    case .socket(_, _, .tooManyOpenFiles), .socket(_, _, .tooManyOpenFilesInSystem):
      "Allow more open files: ulimit -n 8192, or LimitNOFILE=8192 in the unit."
    case .socket: "Look into the kernel's messages with dmesg, and start the service again."
    case .export(let refusal): refusal.remedy
    case .adminSocketTaken: "Stop that service, or choose another socket."
    case .adminSocket: "Choose another place for it, of at most 107 bytes."
    case .notRunning: "Start the service, or name its socket if that is another."
    case .socketHanded: "Write the addresses of lifeboat.socket with 0.0.0.0, as in ListenStream=0.0.0.0:80"
    case .socketMissing(let port): "Add to lifeboat.socket: \(port.listenLine)"
    case .fullNeedsInterface: "Name the interface, and be sure that no other DHCP server is on that wire."
    case .badPool: "Choose other addresses, or give the interface a larger subnet."
    case .otherDHCPServer: "Serve beside it, or take it off this wire."
    }
  }

  /// Inputs, rights and ports differ.
  public var kind: FailureKind {
    switch self {
    case .objectsMissing, .keyChanged: .notAsPromised
    case .noSuchImage, .imageNotChosen, .fullNeedsInterface, .badPool, .socketHanded, .socketMissing:
      .badRequest
    case .portTaken, .otherDHCPServer, .adminSocketTaken: .busy
    case .portForbidden, .socket, .adminSocket: .systemLimit
    // An interface may come later: a service is to be started again then.
    case .notRunning, .noInterface: .unavailable
    case .export(.serverNotBuiltIn): .badRequest
    case .export(.folderTaken): .cannotCreate
    }
  }
}

/// A port of the service.
public enum ServicePort: Sendable, Hashable, CustomStringConvertible {
  /// TCP: the HTTP server.
  case http(Int)
  /// UDP: the TFTP server.
  case tftp(Int)
  /// UDP: where DHCP clients ask.
  case dhcp(Int)
  /// UDP: where PXE clients ask a boot server.
  case bootServer(Int)
  /// UDP: where DHCP clients are answered, and others may overhear it.
  case dhcpClient(Int)

  /// The number.
  public var number: Int {
    switch self {
    case .http(let number), .tftp(let number), .dhcp(let number), .bootServer(let number), .dhcpClient(let number):
      number
    }
  }

  /// Whether it is one of TCP's; else of UDP's.
  public var isTCP: Bool { if case .http = self { true } else { false } }

  /// Whether it is the DHCP client's, which is shared.
  var isClient: Bool { if case .dhcpClient = self { true } else { false } }

  var isDHCP: Bool {
    switch self {
    case .dhcp, .bootServer, .dhcpClient: true
    case .http, .tftp: false
    }
  }

  /// `TCP port 80 (HTTP)`.
  public var description: String {
    switch self {
    case .http: "TCP port \(number) (HTTP)"
    case .tftp: "UDP port \(number) (TFTP)"
    case .dhcp: "UDP port \(number) (DHCP)"
    case .bootServer: "UDP port \(number) (PXE boot server)"
    case .dhcpClient: "UDP port \(number) (DHCP client)"
    }
  }

  /// How systemd is told to open it (systemd.socket(5)).
  var listenLine: String {
    let address = isClient ? "255.255.255.255" : "0.0.0.0"
    return "\(isTCP ? "ListenStream" : "ListenDatagram")=\(address):\(number)"
  }

  var remedyIfTaken: String {
    switch self {
    case .http: "Stop that server, or choose another port."
    case .tftp: "Stop that server; firmware asks no port but 69."
    case .dhcp:
      "Let this computer's DHCP server name the boot files, or choose another interface."
    case .bootServer: "Stop that server: a computer has room for only one PXE boot server."
    case .dhcpClient:
      "Stop that program, which does not share its port as DHCP clients do, or do without the shadow reply."
    }
  }
}
