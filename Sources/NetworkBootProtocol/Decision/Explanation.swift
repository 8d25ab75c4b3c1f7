// SPDX-License-Identifier: GPL-3.0-or-later

/// What a kind of client will be given and why, for `serve --check` and the log.
public struct Explanation: Sendable, Hashable {
  /// How it ends for such a client.
  public enum Verdict: String, Sendable, CaseIterable {
    /// It starts the recovery image.
    case boots
    /// The same, if somebody has named it.
    case bootsIfKnown = "boots-if-known"
    /// The same, once somebody has approved it.
    case bootsIfApproved = "boots-if-approved"
    /// Its PXE ends at once, and its HTTP entry comes next.
    case failsAtOnce = "fails-at-once"
    /// The site's DHCP server has to name us and the boot file.
    case needsSite = "needs-site"
    /// It gets no answer.
    case silent
  }

  /// The kind of client.
  public var kind: ClientKind
  /// How it ends.
  public var verdict: Verdict
  /// What it is given, a sentence.
  public var answer: String
  /// Why, a sentence.
  public var reason: String
  /// What it loads, one after the other.
  public var chain: [String]
  /// What to know about this way.
  public var notes: [String]
}

extension ServerView {
  /// What each kind of client will be given, in the order of `ClientKind`.
  public func explanations(on wires: [OwnWire] = []) -> [Explanation] {
    ClientKind.allCases.map { explain($0, on: wires) }
  }

  /// What a kind of client on our own wires will be given, as far as the policy lets it, with the default image, or the
  /// one that is assigned to its kind alone.
  /// - Parameter wires: those that are served; only with them it counts who else was seen.
  public func explain(_ kind: ClientKind, on wires: [OwnWire] = []) -> Explanation {
    do throws(IgnoreReason) {
      try checkRivals(on: wires)
      let (loader, name) = try explainedFile(kind, on: wires)
      let isFirmwares = loader != kind.loader
      var explanation = explain(isFirmwares ? kind.withoutScript ?? kind : kind, given: name)
      if isFirmwares {
        explanation.kind = kind
        explanation.reason = "The image has no script for iPXE, which starts what its firmware would."
      }
      restrict(&explanation, on: wires)
      return explanation
    } catch {
      return Explanation(
        kind: kind, verdict: .silent, answer: answerWithoutFile(because: error),
        reason: Self.sentence(error.message), chain: [], notes: [])
    }
  }

  private func explainedFile(_ kind: ClientKind, on wires: [OwnWire]) throws(IgnoreReason) -> (
    loader: BootLoader, name: ObjectName
  ) {
    if policiesThatHold == [.none] { throw .policyNone }
    let assigned = assignments.first { $0.match == nil && $0.place == Place() && $0.kinds?.contains(kind) ?? true }
    guard let image = assigned?.image ?? defaultImage else { throw .noImage }
    guard let files = images[image] else { throw .unknownImage(image) }
    if mode == .proxy, kind == .x64PXE, isDeaf(on: wires) || !canShadow(files[.shim]) { return (.shim, .absent) }
    guard let file = kind.file(among: files) else { throw .noFile(image: image, kind.loader) }
    return file
  }

  private func explain(_ kind: ClientKind, given name: ObjectName) -> Explanation {
    var explanation = Explanation(
      kind: kind, verdict: .boots, answer: answer(to: kind, name), reason: reason(for: kind, name),
      chain: Self.chain(of: kind, name), notes: Self.notes(about: kind))
    switch (mode, kind) {
    case (.site, _): explanation.verdict = .needsSite
    case (.proxy, .x64PXE) where name == .absent:
      explanation.verdict = .failsAtOnce
      explanation.chain = []
      let hasShim = defaultImage.flatMap { images[$0]?[.shim] } != nil
      explanation.notes = hasShim ? ["Allow the shadow reply to start such clients by PXE."] : []
    case (.proxy, .x64PXE): explanation.notes += Self.shadowNotes + (shadow == .commit ? Self.commitNotes : [])
    default: break
    }
    return explanation
  }

  private func answer(to kind: ClientKind, _ name: ObjectName) -> String {
    let place = kind.loader.isFetchedByHTTP ? "by HTTP" : "by TFTP"
    switch mode {
    case .site:
      if kind.isIPXE {
        return
          "Nothing on port 67; the site's server sends the URL of \(name) (file, option 67) where option 77 is iPXE."
      }
      return kind.bootProtocol == .http
        ? "Nothing on port 67; the site's server sends option 60 HTTPClient and the URL of \(name) as option 67."
        : "Nothing on port 67; the site's server names this server (siaddr, option 66) and \(name) (file, option 67)."
    case .full: return "An address of this server's pool, and with it \(name) \(place)."
    case .proxy: break
    }
    if name == .absent { return "An offer of a file that is not there, so that PXE ends at once." }
    if kind == .x64PXE { return "A shadow reply: the site's address, this server, \(name) \(place)." }
    let second = kind == .ia32PXE && uefiNaming == .atBootServer
    return second ? "A proxy offer; on port 4011 \(name) \(place)." : "A proxy offer of \(name) \(place)."
  }

  private func reason(for kind: ClientKind, _ name: ObjectName) -> String {
    switch (mode, kind) {
    case (.site, _): "In mode site the site's DHCP server points here."
    case (.full, _): "In mode full this is the only DHCP server of the wire, and every loader follows it."
    case (.proxy, .x64PXE) where shadow == .never:
      "The signed GRUB ignores proxies, and the shadow reply is not allowed: the firmware's HTTP entry is the way."
    case (.proxy, .x64PXE) where name == .absent:
      "The image has no shim for a shadow reply: the firmware's HTTP entry is the way."
    case (.proxy, .x64PXE): "The signed GRUB ignores proxies; a reply in the shape of BOOTP is what it follows."
    case (.proxy, .x64HTTP), (.proxy, .ia32HTTP):
      "HTTP boot takes the URL of a proxy, and the ISO brings its own signed loaders."
    case (.proxy, .biosIPXE), (.proxy, .x64IPXE), (.proxy, .ia32IPXE):
      "iPXE says that it loads by HTTP (options 77 and 175), which takes fewer round trips than TFTP."
    case (.proxy, .biosPXE), (.proxy, .ia32PXE):
      "Our GRUB has this server's address inside, because GRUB ignores proxies."
    }
  }

  private static func chain(of kind: ClientKind, _ name: ObjectName) -> [String] {
    let layers = "layers over HTTP"
    return switch kind.loader {
    case .ramDisk: ["\(name), a disk in memory", "signed shim and GRUB", "kernel, initrd", layers]
    case .shim: ["\(name)", "signed GRUB (grubnet) by TFTP", "kernel, initrd by TFTP", layers]
    case .ia32GRUB, .biosGRUB: ["\(name)", "kernel, initrd by HTTP", layers]
    case .ipxeScript: ["\(name)", "kernel, initrd by HTTP", layers]
    }
  }

  private static let shadowNotes = [
    "On this segment only, and only where the site's OFFER is broadcast.",
    "Seen with EDK2 firmware alone.",
    "Any boot server or boot file of the site's goes first.",
  ]
  private static let commitNotes = ["Asks for the address in the client's name, which snooping switches may refuse."]

  private static func notes(about kind: ClientKind) -> [String] {
    switch kind {
    case .x64PXE, .x64HTTP: ["Secure Boot on or off."]
    case .ia32HTTP: ["Secure Boot off was tried; the loaders are signed."]
    case .ia32PXE: ["Secure Boot off: this GRUB is not signed."]
    case .x64IPXE, .ia32IPXE: ["Secure Boot off, unless this iPXE is a signed one."]
    case .biosPXE, .biosIPXE: []
    }
  }

  static func sentence(_ clause: String) -> String { clause.prefix(1).uppercased() + clause.dropFirst() + "." }
}
