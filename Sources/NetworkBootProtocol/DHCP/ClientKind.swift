// SPDX-License-Identifier: GPL-3.0-or-later

/// The kinds of client that can start from the network; every decision is made for one of them.
public enum ClientKind: String, Sendable, CaseIterable, Hashable {
  /// A BIOS with a PXE ROM (architecture 0).
  case biosPXE = "bios-pxe"
  /// iPXE with HTTP on a BIOS, as a card's ROM or started before.
  case biosIPXE = "bios-ipxe"
  /// x64 UEFI, PXE (7, and 9 by RFC 4578's printed text).
  case x64PXE = "uefi-x64-pxe"
  /// x64 UEFI, HTTP boot (16).
  case x64HTTP = "uefi-x64-http"
  /// iPXE with HTTP on x64 UEFI.
  case x64IPXE = "uefi-x64-ipxe"
  /// x86 UEFI, PXE (6).
  case ia32PXE = "uefi-ia32-pxe"
  /// x86 UEFI, HTTP boot (15).
  case ia32HTTP = "uefi-ia32-http"
  /// iPXE with HTTP on x86 UEFI.
  case ia32IPXE = "uefi-ia32-ipxe"

  /// What a client says in option 60, by the beginning of it.
  public enum BootProtocol: String, Sendable {
    /// PXE (PXE 2.1, RFC 4578).
    case pxe = "PXEClient"
    /// UEFI HTTP boot (UEFI 2.11 §24.7).
    case http = "HTTPClient"

    /// Reads an option 60: `PXEClient:Arch:00007:UNDI:003016`; nil for any other client.
    public init?(vendorClass: [UInt8]) {
      for candidate in [BootProtocol.pxe, .http] where vendorClass.starts(with: candidate.rawValue.utf8) {
        self = candidate
        return
      }
      return nil
    }
  }

  /// The protocol that it speaks.
  public var bootProtocol: BootProtocol { self == .x64HTTP || self == .ia32HTTP ? .http : .pxe }

  /// Whether it is iPXE that loads from HTTP servers.
  public var isIPXE: Bool { self == .biosIPXE || self == .x64IPXE || self == .ia32IPXE }

  /// What it is, for people.
  public var title: String {
    switch self {
    case .biosPXE: "BIOS, PXE"
    case .biosIPXE: "BIOS, iPXE"
    case .x64PXE: "UEFI x64, PXE"
    case .x64HTTP: "UEFI x64, HTTP boot"
    case .x64IPXE: "UEFI x64, iPXE"
    case .ia32PXE: "UEFI IA32, PXE"
    case .ia32HTTP: "UEFI IA32, HTTP boot"
    case .ia32IPXE: "UEFI IA32, iPXE"
    }
  }

  /// The numbers of option 93 that make a client of this kind.
  public var architectures: [ClientArchitecture] {
    switch self {
    case .biosPXE, .biosIPXE: [.bios]
    case .x64PXE, .x64IPXE: [.uefiX64, .uefiByteCode]
    case .ia32PXE, .ia32IPXE: [.uefiIA32]
    case .x64HTTP: [.uefiX64HTTP]
    case .ia32HTTP: [.uefiIA32HTTP]
    }
  }

  /// The file that it is given.
  public var loader: BootLoader {
    switch self {
    case .biosPXE: .biosGRUB
    case .ia32PXE: .ia32GRUB
    case .x64PXE: .shim
    case .x64HTTP, .ia32HTTP: .ramDisk
    case .biosIPXE, .x64IPXE, .ia32IPXE: .ipxeScript
    }
  }

  /// As what iPXE is treated whose image has no script: it starts what its firmware's PXE would start. Not so on x64 UEFI,
  /// where that is shim, which looks for the firmware's own network.
  var withoutScript: ClientKind? {
    switch self {
    case .biosIPXE: .biosPXE
    case .ia32IPXE: .ia32PXE
    default: nil
    }
  }

  /// What it begins with, of the files that an image has; nil if none of them is for it.
  func file(among files: [BootLoader: ObjectName]) -> (loader: BootLoader, name: ObjectName)? {
    for loader in [self, withoutScript].compactMap({ $0?.loader }) {
      if let name = files[loader] { return (loader, name) }
    }
    return nil
  }

  /// The kind of a client; nil if none of its architectures is served with its protocol. The first one that is counts.
  init?(_ bootProtocol: BootProtocol, architectures: [ClientArchitecture], isIPXE: Bool) {
    let kinds = Self.allCases.filter { $0.bootProtocol == bootProtocol && $0.isIPXE == isIPXE }
    for architecture in architectures {
      if let kind = kinds.first(where: { $0.architectures.contains(architecture) }) {
        self = kind
        return
      }
    }
    return nil
  }
}

/// The first file that a client loads from us.
public enum BootLoader: String, Sendable, CaseIterable, Hashable {
  /// Debian's signed shim for x64, by TFTP. It loads the signed `grubx64.efi`, that `grub/grub.cfg`.
  case shim
  /// Our GRUB for x86 UEFI with our address in it, by TFTP.
  case ia32GRUB = "ia32-grub"
  /// Our GRUB for a BIOS' PXE (`i386-pc-pxe`) with our address in it, by TFTP.
  case biosGRUB = "bios-grub"
  /// The ISO that UEFI firmware starts from memory, by HTTP: signed shim and GRUB of both architectures.
  case ramDisk = "ram-disk"
  /// A script for iPXE, by HTTP.
  case ipxeScript = "ipxe-script"

  /// Whether it is fetched by HTTP; else by TFTP.
  public var isFetchedByHTTP: Bool { self == .ramDisk || self == .ipxeScript }
}
