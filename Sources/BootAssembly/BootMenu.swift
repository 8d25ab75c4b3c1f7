// SPDX-License-Identifier: GPL-3.0-or-later
internal import RecoveryManifest

/// GRUB's configuration for one medium: the same text for BIOS, UEFI x64, UEFI IA32 and Secure Boot.
///
///     firmware ─▶ eltorito.img (early)  ─┐
///     firmware ─▶ shim ─▶ GRUB on the ESP (stub) ─┼─▶ /boot/grub/grub.cfg ─▶ kernel, initrd
///     firmware ─▶ shim ─▶ GRUB on a disc ─┘
///
/// Pure: values in, text out. The signed GRUB has only the modules that are built into it, so the text uses nothing
/// else, and asks before it uses what some firmware lacks.
struct BootMenu {
  /// The image's title on one line.
  var title: String
  /// 16 hexadecimal digits.
  var identifier: String
  /// In the order of preference.
  var architectures: [Architecture]
  /// Given to the kernel after Lifeboat's own.
  var kernelArguments: [String]
  /// A hash for the user `lifeboat`, or nil.
  var password: String?
  /// Seconds until the first entry starts.
  var timeout: Int
  /// The entry that starts by itself: its number or its `--id`.
  var defaultEntry = "0"
  /// Nil for a medium; for the disk of a start from the network, what differs there.
  var network: Network?

  /// Nil for a medium; for a recovery partition, what differs there.
  var partition: Partition?

  /// A start from a recovery partition: the initial RAM file system looks for the partition and no medium, GRUB notes
  /// that a start was tried, and there may be another version beside this one.
  struct Partition {
    var place: PartitionMenu.Place
    /// Kernel arguments as they stand in the medium's menu, in the place of `kernelArguments`.
    var arguments: String
    /// Where each architecture's kernel and initrd lie: both slots may have the same.
    var files: [Architecture: PartitionMenu.Files]
  }

  /// A start from the network: the layers are fetched by the initial RAM file system, so there is no medium to check
  /// or to copy, and each architecture may come from a medium of its own.
  struct Network {
    /// The identifier of each architecture's medium.
    var identifiers: [Architecture: String]
    /// Kernel arguments as they stand in the medium's menu, in the place of `kernelArguments`.
    var arguments: String
    /// The image whose files are loaded one by one from a server; nil where firmware has loaded all of them as a disk.
    /// `NetworkMenu` says who sets `medium`, `base` and `graphics` then.
    var served: String?
  }

  /// The only name by which anything finds this medium; two media never share it.
  static func marker(_ identifier: String) -> String { "lifeboat/\(identifier)/medium" }

  private var marker: String {
    partition == nil ? "/" + Self.marker(identifier) : "/lifeboat/\(identifier)/\(PartitionMenu.name)"
  }

  /// Built into the BIOS image and run by GRUB's rescue parser, which knows no `if`; GRUB itself then goes on with
  /// `$prefix/grub.cfg`.
  var early: String {
    """
    search --no-floppy --file --set=root \(marker)
    set prefix=($root)/boot/grub

    """
  }

  /// `/boot/grub/grub.cfg` inside the EFI system partition.
  ///
  /// The embedded configuration of Debian's signed CD GRUB takes `$prefix`, which is `/boot/grub` on the device that
  /// it was loaded from, and looks for `/.disk/info` on every disk only where that does not exist. Without this stub
  /// a stick would take the first medium that has a `/.disk/info`, be it a Debian installer or another Lifeboat.
  var stub: String {
    """
    # The menu itself is on the medium's file system.
    search --no-floppy --file --set=root \(marker)
    set prefix=($root)/boot/grub
    source $prefix/grub.cfg

    """
  }

  /// `/boot/grub/grub.cfg` of the medium's file system.
  var text: String {
    ([preamble, screen, lock, versions, choice, systemFunction] + entries).joined(separator: "\n")
  }

  private var preamble: String {
    if network?.served != nil {
      return """
        # Lifeboat boot menu; whoever reads it has set medium, base and graphics.
        set lifeboat=found
        set default=\(defaultEntry)
        set timeout=\(timeout)

        """
    }
    return """
      # Lifeboat boot menu, made with the medium; a change here makes the medium differ from its record.
      if [ ! -f "($root)\(marker)" ]; then
        search --no-floppy --file --set=root \(marker)
      fi
      set medium="$root"
      export medium
      set default=\(defaultEntry)
      set timeout=\(timeout)

      """
  }

  /// Screen and, where there is one, the first serial port. The font comes from the signed GRUB's own memdisk under
  /// Secure Boot (others are refused there) and from `$prefix/fonts` otherwise.
  private var screen: String {
    """
    set serial=
    if serial --unit=0 --speed=115200 --word=8 --parity=no --stop=1; then set serial=serial; fi
    set gfxmode=1024x768,800x600,640x480,auto
    set gfxpayload=keep
    set color_normal=light-gray/black
    set menu_color_normal=light-gray/black
    set menu_color_highlight=white/blue
    export color_normal menu_color_normal menu_color_highlight
    if \(network?.served == nil ? "loadfont unicode" : #"[ -n "$graphics" ]"#); then
      set theme="($medium)\(theme)/theme.txt"
      export theme
      if terminal_output gfxterm $serial; then true; else terminal_output console $serial; fi
    else
      terminal_output console $serial\(network?.served == nil ? "" : "\n  set gfxpayload=$gfxmode")
    fi
    terminal_input console $serial

    """
  }

  private var theme: String { network?.served.map { "$base/" + NetworkMenu.theme(of: $0) } ?? "/boot/grub/theme" }

  /// A submenu gets exported variables only; without the export its entries could be edited without the password.
  private var lock: String {
    guard let password else { return "" }
    return """
      set superusers=lifeboat
      export superusers
      password_pbkdf2 lifeboat \(password)

      """
  }

  /// Chooses by what the processor and the firmware can start: a 64-bit UEFI starts no 32-bit kernel, whereas a
  /// 64-bit kernel starts from a 32-bit UEFI (EFI_MIXED).
  private var choice: String {
    var lines = ["set x64=", "set x86="]
    if architectures.contains(.x64) { lines.append("if cpuid -l; then set x64=x64; fi") }
    if architectures.contains(.x86) {
      lines.append(#"if [ "$grub_platform" != efi -o "$grub_cpu" != x86_64 ]; then set x86=x86; fi"#)
    }
    lines += [
      #"if [ -n "$x64" ]; then set system="$x64"; else set system="$x86"; fi"#,
      #"if cpuid -l; then set bits=64; else set bits=32; fi"#,
      "export x64 x86 system bits", "",
    ]
    return lines.joined(separator: "\n")
  }

  /// The words by which the initial RAM file system knows where it was started from.
  private var boot: String {
    if let partition {
      return "boot=live lifeboat.boot=partition lifeboat.partition=\(partition.place.serial)"
        + " lifeboat.state=\(partition.place.stateOffset)"
    }
    return network == nil ? "boot=live" : "boot=live lifeboat.boot=net"
  }

  private var systemFunction: String {
    // With a menu password nobody is to reach a root shell by a failing start: live-boot restarts instead.
    let words = ((password == nil ? [] : ["panic=60"]) + kernelArguments).map { " " + GrubText.word($0) }.joined()
    let own = network?.arguments ?? partition?.arguments ?? words
    let id = network == nil ? identifier : "$id"
    let path = "/lifeboat/\(id)/$1"
    let folder = "($medium)" + (network?.served.map { "$base/boot/\($0)/$1" } ?? path)
    let (vmlinuz, image) = partition == nil ? ("\(folder)/vmlinuz", "\(folder)/initrd.img") : ("$kernel", "$initrd")
    let kernel =
      "linux \"\(vmlinuz)\" \(boot) \"live-media-path=\(path)\" lifeboat.id=\(id) $3 $4 $consoles\(own)"
    let initrd = "initrd \"\(image)\""
    return """
      # start_system ARCHITECTURE SCREEN [KERNEL-ARGUMENT …]: the last console is where the system's own messages go.
      function start_system {
        if [ "$2" = screen ]; then set consoles="console=ttyS0,115200n8 console=tty0"
        else set consoles="console=tty0 console=ttyS0,115200n8"; fi
        echo "Loading the recovery system ($1) …"\(chosenIdentifier)\(mark)
      \(network?.served == nil ? "  \(kernel)\n  \(initrd)" : Self.repeated(kernel, initrd))
      }

      """
  }

  /// A server may be busy, or away for a moment, and nobody may be there to press a key.
  private static func repeated(_ kernel: String, _ initrd: String) -> String {
    """
      set loaded=
      for round in 1 2 3 4 5; do
        if [ -z "$loaded" ]; then
          if \(kernel); then
            if \(initrd); then set loaded=yes; fi
          fi
          if [ -z "$loaded" ]; then
            echo "The boot server did not send it; trying again in ten seconds."
            sleep 10
          fi
        fi
      done
      if [ -z "$loaded" ]; then reboot; fi
    """
  }

  /// Sets `id` to the identifier of the medium that the architecture came from.
  private var chosenIdentifier: String {
    (network?.identifiers ?? [:]).sorted { $0.key < $1.key }
      .map { "\n  if [ \"$1\" = \($0.key.rawValue) ]; then set id=\($0.value); fi" }.joined()
  }

  /// Notes that this slot is tried, which the initial RAM file system takes back; the file keeps its place and length.
  private var mark: String {
    guard let partition else { return "" }
    let files = partition.files.sorted { $0.key < $1.key }.map { architecture, files in
      "\n  if [ \"$1\" = \(architecture.rawValue) ]; then"
        + "\n    set kernel=\"($medium)/\(files.kernel)\"\n    set initrd=\"($medium)/\(files.initrd)\"\n  fi"
    }
    // Where the state's place is not known, nobody would take the note back.
    guard partition.place.stateOffset > 0 else { return files.joined() }
    return files.joined()
      + "\n  set trying=\(identifier)\n  save_env --file \"($medium)/\(PartitionMenu.statePath)\" trying"
  }

  /// The other slot's identifier in `other`, and what the chooser has to say.
  private var versions: String {
    guard partition != nil else { return "" }
    return """
      set other="$previous"
      if [ "$other" = \(identifier) ]; then set other="$current"; fi
      if [ -n "$other" -a ! -f "($medium)/lifeboat/$other/\(PartitionMenu.name)" ]; then set other=; fi
      if [ -n "$other" ]; then set fallback=other; fi
      if [ "$own_disk" = now ]; then
        set own_disk=
        set default=disk
        set timeout=0
      elif [ -n "$note" ]; then
        echo "$note"
        set note=
        sleep --interruptible 5
      fi
      export other own_disk note

      """
  }
}
