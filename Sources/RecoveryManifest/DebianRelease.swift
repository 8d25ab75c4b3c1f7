// SPDX-License-Identifier: GPL-3.0-or-later

/// The Debian releases that images can be built on.
public enum DebianRelease: String, Sendable, Codable, CaseIterable {
  /// Debian 12, supported by the LTS team until 30 June 2028.
  case bookworm
  /// Debian 13.
  case trixie

  /// The architectures for which the release has a kernel: trixie still has i386 packages, but no i386 kernel.
  public var architectures: [Architecture] { self == .bookworm ? [.x64, .x86] : [.x64] }
}

/// Short names for groups of firmware packages.
///
/// Nearly all come from Debian's component `non-free-firmware`, which the package source must have. Packages that
/// ask a question while they are installed (`firmware-ipw2x00`, `firmware-ivtv`) are in no set.
public enum FirmwareSet: String, Sendable, Codable, CaseIterable {
  /// Wired network adapters.
  case network
  /// Wireless network adapters.
  case wifi
  /// Storage and Fibre Channel controllers.
  case storage
  /// Microcode of Intel's and AMD's processors.
  case cpu

  /// What it is for, in a few words.
  public var summary: String {
    switch self {
    case .network: "wired network adapters"
    case .wifi: "wireless network adapters"
    case .storage: "storage and Fibre Channel controllers"
    case .cpu: "microcode of Intel's and AMD's processors"
    }
  }

  /// Its packages in a release: trixie split `firmware-misc-nonfree` by maker.
  public func packages(in release: DebianRelease) -> [String] {
    Self.always[self, default: []] + (release == .bookworm ? [] : Self.splitInTrixie[self, default: []])
  }

  private static let always: [FirmwareSet: [String]] = [
    .network: [
      "firmware-bnx2", "firmware-bnx2x", "firmware-misc-nonfree", "firmware-netxen", "firmware-qlogic",
      "firmware-realtek",
    ],
    .wifi: [
      "firmware-ath9k-htc", "firmware-atheros", "firmware-brcm80211", "firmware-iwlwifi", "firmware-libertas",
      "firmware-misc-nonfree", "firmware-realtek", "firmware-ti-connectivity", "firmware-zd1211",
    ],
    .storage: ["firmware-misc-nonfree", "firmware-qlogic"],
    .cpu: ["amd64-microcode", "intel-microcode"],
  ]

  private static let splitInTrixie: [FirmwareSet: [String]] = [
    .network: ["firmware-intel-misc"],
    .wifi: ["firmware-carl9170", "firmware-mediatek"],
  ]
}
