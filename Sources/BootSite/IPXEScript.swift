// SPDX-License-Identifier: GPL-3.0-or-later

/// The script that iPXE starts an image by: `boot/IMAGE/boot.ipxe`, HTTP alone.
///
///     iPXE ─▶ boot.ipxe ─▶ x64/vmlinuz, x64/initrd.img beside it, else from each server in turn
///
/// It has no menu and no shell: what fails is tried again, and in the end the computer restarts.
struct IPXEScript {
  /// The image's title on one line.
  var title: String
  /// Folder of the image's objects: `boot/tier1`.
  var folder: String
  /// `http://ADDRESS[:PORT][/PATH]`, in the order of trying.
  var servers: [String]
  /// The kernel's command line for each architecture.
  var arguments: [String: [String]]

  private static let consoles = "console=tty0 console=ttyS0,115200n8"

  /// The text.
  var text: String {
    let systems = arguments.keys.sorted()
    return ([choice(systems)] + systems.map(loading) + [ending(systems)]).joined(separator: "\n")
  }

  /// Processors with long mode say so in bit 29 of `cpuid`'s extended features. 32-bit UEFI loads no 64-bit program, and
  /// a kernel is one to it; on a BIOS iPXE itself is 32-bit everywhere.
  private func choice(_ systems: [String]) -> String {
    let first = systems.contains("x64") ? "x64" : "x86"
    let other = systems.contains("x86") ? "x86" : "impossible"
    var lines = ["#!ipxe", "# Lifeboat: starts \(title)", "set system \(first)"]
    if first == "x64" {
      lines.append("cpuid --ext 29 || set system \(other)")
      if other == "x86" { lines.append("iseq ${platform}-${buildarch} efi-i386 && set system x86 ||") }
    } else {
      lines.append("iseq ${platform}-${buildarch} efi-x86_64 && set system impossible ||")
    }
    return (lines + ["goto ${system}", ""]).joined(separator: "\n")
  }

  /// Beside the script first, so that the server that handed it out is asked, whatever its address is.
  private func loading(_ system: String) -> String {
    let words = (["initrd=initrd.img"] + (arguments[system] ?? []) + [Self.consoles]).joined(separator: " ")
    let places = [""] + servers.map { "\($0)/\(folder)/" }
    return
      ([":\(system)", "echo Loading the recovery system (\(system)) ..."]
      + places.flatMap { place in
        let path = "\(place)\(system)"
        return ["imgfree ||", "kernel \(path)/vmlinuz \(words) && initrd \(path)/initrd.img && boot ||"]
      } + ["goto again", ""]).joined(separator: "\n")
  }

  private func ending(_ systems: [String]) -> String {
    """
    :again
    inc tries
    iseq ${tries} 5 && goto restart ||
    echo The boot server did not send it; trying again in ten seconds.
    sleep 10
    goto ${system}

    :impossible
    echo \(systems == ["x64"] ? "This image needs a 64-bit processor." : "This image cannot be started by a 64-bit UEFI.")

    :restart
    echo This computer restarts in two minutes.
    sleep 120
    reboot

    """
  }
}
