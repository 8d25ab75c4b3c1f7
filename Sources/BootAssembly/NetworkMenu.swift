// SPDX-License-Identifier: GPL-3.0-or-later

/// The texts by which a GRUB that was loaded from the network finds the menu of its image, which any of them can read.
///
///     signed GRUB ─▶ grub/grub.cfg (dispatcher) ──────┐
///     own GRUB ────▶ its disk in memory (finder) ─────┴─▶ boot/IMAGE/pxe/grub.cfg ─▶ boot/IMAGE/ARCH/vmlinuz …
///
/// Both tell the menu where it came from (`medium` and `base`), and whether a font is there for a menu with a look
/// (`graphics`). The menu answers with `lifeboat=found`. Without an answer they try again, and restart the computer in the end: a prompt of GRUB's would be
/// for anybody who walks by.
package enum NetworkMenu {
  /// The one name that Debian's signed GRUB asks for, on the server that its DHCP answer names; all images share it.
  package static let dispatcherName = "grub/grub.cfg"
  /// shim takes GRUB from its own folder, which it reads off the `file` field of the DHCP answer. Servers that name the
  /// boot file in option 67 alone (dnsmasq, when a client asks for that option) leave it empty, and shim asks for this
  /// name (shim, netboot.c, `parseDhcp4`; seen with shim 16.1).
  package static let bareGRUBName = "grubx64.efi"
  /// The signed GRUB beside an image's shim.
  package static func signedGRUB(of image: String) -> String { "boot/\(image)/pxe/grubx64.efi" }
  /// An image's menu.
  package static func name(of image: String) -> String { "boot/\(image)/pxe/grub.cfg" }
  /// Where a medium's theme lies.
  package static let mediumTheme = "boot/grub/theme"
  /// Where an image's theme lies.
  package static func theme(of image: String) -> String { "boot/\(image)/theme" }

  private static let rounds = 5

  /// `grub/grub.cfg`. Which image is meant stands in the name of the boot file that the computer was given; without that
  /// name, or with an unknown one, it is the first image.
  ///
  /// The signed GRUB can read no variable whose name it puts together (it has no `eval`), so the names that the first
  /// eight adapters have are written out. Its font is on its own disk in memory; a GRUB of ours has none, because GRUB
  /// reads each letter from the font's file when it is first shown, which over HTTP is a request each.
  /// - Parameter images: at least one.
  package static func dispatcher(images: [String]) -> String {
    let names = (0..<8).map { "$net_efinet\($0)_boot_file" }.joined(separator: " ")
    let known = images.map { "\"$image\" != \(GrubText.word($0))" }.joined(separator: " -a ")
    let first = GrubText.word(images.first ?? "")
    return """
      # Lifeboat: which image's menu a signed GRUB goes on with.
      set image=
      regexp --set=1:image "boot/([A-Za-z0-9._-]+)/pxe/" "\(names)"
      if [ \(known) ]; then set image=\(first); fi
      set medium="$root"
      set base=
      set graphics=
      if loadfont unicode; then set graphics=yes; fi
      export medium base
      \(searching(["source \"($medium)/boot/$image/pxe/grub.cfg\""]))
      """
  }

  /// What a GRUB of our own starts with: the servers in their order by HTTP, then by TFTP.
  /// - Parameter servers: `http://ADDRESS[:PORT][/PATH]`.
  package static func finder(image: String, servers: [String]) -> String {
    let places = servers.compactMap { $0.wholeMatch(of: /http:\/\/(([^\/:]+)[^\/]*)(\/.*)?/) }
    var ways = places.map { (device: "http,\($0.1)", base: String($0.3 ?? "")) }
    for place in places where !ways.contains(where: { $0.device == "tftp,\(place.2)" }) {
      ways.append((device: "tftp,\(place.2)", base: ""))
    }
    let steps = ways.map { way in
      """
      set medium=\(GrubText.word(way.device))
            set base=\(GrubText.word(way.base))
            source "($medium)$base/\(name(of: image))"
      """
    }
    return """
      # Lifeboat: where the menu of \(image) is.
      export medium base
      \(searching(steps))
      """
  }

  /// Takes the steps in turn until one has found the menu.
  private static func searching(_ steps: [String]) -> String {
    let tries = steps.map { "    if [ \"$lifeboat\" != found ]; then\n      \($0)\n    fi" }
    return """
      for round in \((1...rounds).map(String.init).joined(separator: " ")); do
        if [ "$lifeboat" != found ]; then
      \(tries.joined(separator: "\n"))
          if [ "$lifeboat" != found ]; then sleep 5; fi
        fi
      done
      if [ "$lifeboat" != found ]; then
        echo "The boot server does not answer. This computer restarts in two minutes."
        sleep 120
        reboot
      fi

      """
  }
}
