// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol

extension Grant {
  /// The name of the file that is offered.
  var fileName: String {
    switch file {
    case .loader(_, let name, _), .absent(let name): name.text
    }
  }

  /// `UEFI x64, HTTP boot: offered boot/tier1.iso of image tier1`.
  var summary: String {
    switch file {
    case .loader(_, let name, let image): "\(kind.title): offered \(name) of image \(image)"
    case .absent: "\(kind.title): sent on to its HTTP boot entry, by a file that is not there"
    }
  }
}

extension Answer {
  /// What is said about it.
  var summary: String {
    grant.summary + (packet.yourAddress.isUnicast ? ", with the address \(packet.yourAddress)" : "")
  }
}

extension AddressServer.Reply {
  /// What is said about it: `10.66.0.130 offered; UEFI x64, PXE: offered shimx64.efi of image tier1`.
  var summary: String {
    let address = packet.yourAddress
    let lease =
      switch packet.messageType {
      case .offer: "\(address) offered"
      case .nak: "told to start over: \(String(decoding: packet.options[.message] ?? [], as: UTF8.self))"
      default: address.isUnicast ? "\(address) given" : "told about this network"
      }
    return lease + (grant.map { "; \($0.summary)" } ?? "")
  }

  /// What is no news is not told: most computers on a wire do not start from it.
  var refusalWorthTelling: IgnoreReason? {
    switch refusal {
    case .notNetboot, .messageType: nil
    default: refusal
    }
  }
}

extension Answer.Destination {
  /// Our interface that it goes out of.
  var interface: String {
    switch self {
    case .broadcast(_, let interface), .unicast(_, _, let interface): interface
    }
  }
}
