// SPDX-License-Identifier: GPL-3.0-or-later
internal import RecoveryManifest

/// What the menu offers, from top to bottom; the first entry is the default.
///
/// “Check this medium” is live-boot's `verify-checksums` (its script 0030-verify-checksums): `sha256sum -c` over
/// `sha256sum.txt` with its output on the eighth console, then a restart after ten seconds, or the panic screen. Its
/// messages go to the screen, and are not silenced by `quiet`, because somebody waits for them.
extension BootMenu {
  var entries: [String] {
    if partition != nil { return [systems, otherVersion, localDisk, advanced, ending] }
    return network == nil
      ? [systems, memoryTest, localDisk, advanced, ending] : [systems, localDisk, advanced, ending]
  }

  private var systems: String {
    """
    if [ -n "$system" ]; then
      menuentry \(GrubText.word("Start " + title)) --id start --unrestricted {
        start_system $system serial quiet
      }\(mediumEntries)
    else
      menuentry \(GrubText.word(title + " cannot start on this computer: why?")) --id start --unrestricted {
    \(impossible)
        echo
        echo "Press Esc to go back."
        sleep --interruptible 300
      }
    fi

    """
  }

  /// What needs a medium.
  private var mediumEntries: String {
    network != nil || partition != nil
      ? ""
      : """

        menuentry "Start from memory (the medium can be removed afterwards)" --id memory --unrestricted {
          start_system $system serial quiet toram
        }
        menuentry "Check this medium for errors" --id check --unrestricted {
          echo "Every file will be read, which takes some minutes; Alt+F8 shows each one."
          start_system $system screen loglevel=4 verify-checksums=sha256
        }
      """
  }

  /// The other slot of a recovery partition, which is also what GRUB falls back to.
  private var otherVersion: String {
    """
    if [ -n "$other" ]; then
      menuentry "Start the other version that is installed" --id other --unrestricted {
        configfile "($medium)/lifeboat/$other/\(PartitionMenu.name)"
      }
    fi

    """
  }

  /// A medium is not the computer's own disk; a recovery partition is on it.
  private var ownDisk: String {
    partition == nil
      ? #"if [ -n "$disk" -a "$disk" != "$own" ]; then"# : #"if [ -n "$disk" -a "$disk" = "$own" ]; then"#
  }

  /// BitLocker's key is bound to what has started Windows. On a medium that is everybody's question anyway.
  private var measured: String {
    guard partition != nil else { return "" }
    let said = "Windows is started by this menu; BitLocker may ask for its recovery key."
    return "echo \"\(said)\"\n            sleep 3\n            "
  }

  private var impossible: String {
    let why =
      architectures == [.x64]
      ? [
        "This medium carries the x64 system, and this computer has a 32-bit processor.",
        "Use a medium that was built for x86.",
      ]
      : [
        "This medium carries the x86 system, which a 64-bit UEFI cannot start.",
        "Use a medium that was built for x64, or start this one in BIOS (legacy) mode.",
      ]
    return why.map { "    echo \"\($0)\"" }.joined(separator: "\n")
  }

  /// memtest86+ is a kernel for a BIOS and a program for UEFI; nobody has signed it, so Secure Boot refuses it.
  /// GRUB sets `shim_lock` (and `lockdown`) while Secure Boot is on.
  private var memoryTest: String {
    #"""
    if [ "$bits" = 64 ]; then set memtest=x64; else set memtest=ia32; fi
    if [ "$grub_platform" = efi ]; then
      if [ "$grub_cpu" = x86_64 ]; then set memtest=x64; else set memtest=ia32; fi
    fi
    export memtest
    if [ "$grub_platform" != efi ]; then
      menuentry "Test the computer's memory" --id memtest --unrestricted {
        set gfxpayload=text
        linux "($medium)/boot/memtest/memtest86+$memtest.bin"
      }
    elif [ "$shim_lock" != y -a "$lockdown" != y ]; then
      menuentry "Test the computer's memory" --id memtest --unrestricted {
        chainloader "($medium)/boot/memtest/memtest86+$memtest.efi"
      }
    fi

    """#
  }

  /// A BIOS starts the first disk that is not this medium, numbered as the first. UEFI starts Windows, or the
  /// fallback loader of another EFI system partition, or leaves the choice to the firmware.
  private var localDisk: String {
    #"""
    menuentry "Start the computer's own disk" --id disk --unrestricted {
      if [ "$grub_platform" = efi ]; then
        if [ "$grub_cpu" = x86_64 ]; then set loader=/EFI/BOOT/BOOTX64.EFI; else set loader=/EFI/BOOT/BOOTIA32.EFI; fi
        for esp in (hd*,gpt*); do
          if [ -f "$esp/EFI/Microsoft/Boot/bootmgfw.efi" ]; then
            set root="$esp"
            \#(measured)if chainloader /EFI/Microsoft/Boot/bootmgfw.efi; then boot; fi
          fi
        done
        for esp in (hd*,gpt*); do
          if [ -f "$esp$loader" -a ! -f "$esp/EFI/BOOT/lifeboat" ]; then
            set root="$esp"
            if chainloader $loader; then boot; fi
          fi
        done
        set root="$medium"
        echo "No system was found on the computer's own disks; going back to the firmware …"
        sleep 3
        exit
      else
        set own=
        regexp --set=1:own "^(hd[0-9]+)" "$medium"
        for device in (hd*); do
          set disk=
          regexp --set=1:disk "(hd[0-9]+)" "$device"
          \#(ownDisk)
            set root=$disk
            if [ "$disk" != hd0 ]; then drivemap -s hd0 $disk; fi
            if chainloader +1; then boot; fi
            break
          fi
        done
        set root="$medium"
        echo "No system was found on the computer's own disk."
        sleep 5
      fi
    }

    """#
  }

  private var advanced: String {
    var lines = [#"submenu "Advanced options" --id advanced --unrestricted {"#]
    lines += [
      #"if [ -n "$system" ]; then"#,
      #"  menuentry "Start and show all messages" --id verbose --unrestricted { start_system $system serial }"#,
      #"  menuentry "Start with the simplest graphics" --id nomodeset --unrestricted {"#,
      "    start_system $system serial nomodeset", "  }", "fi",
    ].map { "  " + $0 }
    if Set(architectures) == [.x64, .x86] {
      lines += [
        #"if [ -n "$x64" -a -n "$x86" ]; then"#,
        #"  menuentry "Start the x86 system (32-bit)" --id x86 --unrestricted { start_system x86 serial quiet }"#,
        "fi",
      ].map { "  " + $0 }
    }
    lines += ["}", ""]
    return lines.joined(separator: "\n")
  }

  private var ending: String {
    """
    if [ "$grub_platform" = efi ]; then
      menuentry "Firmware settings" --id firmware --unrestricted { fwsetup }
    fi
    menuentry "Restart" --id restart --unrestricted { reboot }
    menuentry "Switch off" --id off --unrestricted { halt }

    """
  }
}
