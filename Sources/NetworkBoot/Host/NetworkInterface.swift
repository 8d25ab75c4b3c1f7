// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import NetworkBootProtocol

/// An IPv4 network interface of this computer.
struct NetworkInterface: Sendable, Hashable, CustomStringConvertible {
  /// `eth0`.
  var name: String
  /// The kernel's number; one that is made anew gets another.
  var index: Int
  /// Its first address.
  var address: IPv4Address
  /// Its network.
  var subnet: IPv4Subnet

  /// `eth0 (10.66.0.2/24)`.
  var description: String { "\(name) (\(address)/\(subnet.prefixLength))" }

  /// Whether it leads to other computers.
  var isLoopback: Bool { address.value >> 24 == 127 }

  /// All that have an IPv4 address now, by name.
  static func all() -> [NetworkInterface] {
    var found: [String: NetworkInterface] = [:]
    for device in (try? System.enumerateDevices()) ?? [] {
      guard found[device.name] == nil, let text = device.address?.ipAddress, let address = IPv4Address(text),
        let subnet = IPv4Subnet(address, prefixLength: prefixLength(device.netmask?.ipAddress))
      else { continue }
      found[device.name] = NetworkInterface(
        name: device.name, index: device.interfaceIndex, address: address, subnet: subnet)
    }
    return found.values.sorted { $0.name < $1.name }
  }

  /// All addresses of each interface, by its name.
  static func addresses() -> [String: Set<IPv4Address>] {
    ((try? System.enumerateDevices()) ?? []).reduce(into: [:]) { found, device in
      guard let address = device.address?.ipAddress.flatMap({ IPv4Address($0) }) else { return }
      found[device.name, default: []].insert(address)
    }
  }

  /// Those to serve: the named ones, or all that lead to other computers.
  /// - Throws: `NetworkBootFailure.noInterface`, `.fullNeedsInterface`.
  static func chosen(_ options: BootService.Options) throws(NetworkBootFailure) -> [NetworkInterface] {
    let names = options.interfaces
    guard options.mode != .full || names.count == 1 else { throw .fullNeedsInterface }
    let all = all()
    for name in names where !all.contains(where: { $0.name == name }) {
      throw .noInterface(name: name, names: all.map(\.name))
    }
    return names.isEmpty ? all.filter { !$0.isLoopback } : all.filter { names.contains($0.name) }
  }

  /// The addresses that are given here in mode `full`.
  /// - Throws: `NetworkBootFailure.badPool`.
  func pool(_ text: String?) throws(NetworkBootFailure) -> AddressPool {
    do throws(AddressPool.Refusal) {
      guard let text else { return try AddressPool(upperHalfOf: subnet, server: address) }
      return try AddressPool(text, of: subnet, server: address)
    } catch {
      throw .badPool(text, interface: description, reason: "\(error)")
    }
  }

  private static func prefixLength(_ mask: String?) -> Int {
    mask.flatMap { IPv4Address($0) }.map { $0.value.nonzeroBitCount } ?? 32
  }
}
