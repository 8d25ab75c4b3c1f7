// SPDX-License-Identifier: GPL-3.0-or-later
internal import RecoveryManifest

/// The menus of a recovery partition, whose file system GRUB is started from or is sent to.
///
///     boot/grub/grub.cfg  (chooser) ─▶ lifeboat/ID/menu.cfg ─▶ kernel, initrd of that slot
///            └ lifeboat/state: current, previous, trying, bad
///
/// Pure. The chooser is written once and knows no slot by name; each slot brings the menu that fits it.
package struct PartitionMenu: Sendable {
  /// The image's title.
  package var title: String
  /// 16 hexadecimal digits.
  package var identifier: String
  /// What each architecture starts with, by `x64` and `x86`; unknown ones are left out.
  package var systems: [String: Files]
  /// The medium's menu settings.
  package var settings: BootMenuSettings
  /// Where the partition is.
  package var place: Place

  /// A slot's menu in its folder.
  package static let name = "menu.cfg"
  /// Which slot starts, as an environment block of GRUB.
  package static let statePath = "lifeboat/state"

  /// What GRUB and the initrd find the partition and its state by.
  package struct Place: Sendable, Equatable {
    /// The serial number of the FAT: `1234-ABCD`.
    package var serial: String
    /// The place of `lifeboat/state` in the partition, in bytes.
    package var stateOffset: Int64

    /// Wraps the values.
    package init(serial: String, stateOffset: Int64) { (self.serial, self.stateOffset) = (serial, stateOffset) }
  }

  /// Kernel and initrd, by their paths on the partition.
  package struct Files: Sendable, Equatable {
    package var kernel: String
    package var initrd: String

    /// Wraps the paths.
    package init(kernel: String, initrd: String) { (self.kernel, self.initrd) = (kernel, initrd) }
  }

  /// Describes a menu.
  package init(
    title: String, identifier: String, systems: [String: Files], settings: BootMenuSettings, place: Place
  ) {
    (self.title, self.identifier, self.systems) = (title, identifier, systems)
    (self.settings, self.place) = (settings, place)
  }

  /// The slot's menu.
  package var text: String {
    let files = Dictionary(
      uniqueKeysWithValues: systems.compactMap { name, files in Architecture(rawValue: name).map { ($0, files) } })
    var menu = BootMenu(
      title: GrubText.line(title), identifier: identifier, architectures: files.keys.sorted(), kernelArguments: [],
      password: settings.password, timeout: settings.timeout)
    menu.partition = .init(place: place, arguments: settings.arguments, files: files)
    return menu.text
  }

  /// The chooser, `boot/grub/grub.cfg`.
  ///
  /// A slot whose last start never came to life, or that was found damaged, is not taken where there is another one.
  /// Where the state cannot be read, any slot is better than none.
  /// - Parameter hotkeyDelay: seconds in which Esc opens the recovery, where the partition stands first; after them the
  ///   computer's own system starts.
  package static func chooser(serial: String, hotkeyDelay: Int?) -> String {
    """
    # Lifeboat recovery partition: chooses between its two versions. The state is in /lifeboat/state.
    search --no-floppy --fs-uuid --set=root \(serial)
    set prefix="($root)/boot/grub"
    load_env --file "($root)/lifeboat/state" current previous trying bad
    set start="$current"
    set note=
    if [ -n "$previous" ]; then
      if [ "$trying" = "$current" ]; then
        set start="$previous"
        set note="The newer version did not come up last time; this is the previous one."
      fi
      if [ "$bad" = "$current" ]; then
        set start="$previous"
        set note="The newer version is damaged; this is the previous one."
      fi
    fi
    if [ ! -f "($root)/lifeboat/$start/menu.cfg" ]; then
      for menu in ($root)/lifeboat/*/menu.cfg; do
        regexp --set=1:start "/lifeboat/([0-9a-f]+)/menu.cfg" "$menu"
      done
      set note="This recovery partition's state is damaged; this is the version that was found."
    fi
    export current previous start note
    \(hotkey(hotkeyDelay))source "($root)/lifeboat/$start/menu.cfg"

    """
  }

  /// The delay that a chooser was made with.
  package static func hotkeyDelay(ofChooser text: String) -> Int? {
    text.firstMatch(of: /sleep --interruptible ([0-9]+);/).flatMap { Int($0.output.1) }
  }

  /// What stood first in the firmware's order before this partition, as commands that start it; may be absent.
  package static let firstPath = "boot/record/first.cfg"

  /// Who came here by an entry of another menu has been asked already; and where nothing stood behind this partition,
  /// whoever came here has chosen it.
  private static func hotkey(_ delay: Int?) -> String {
    guard let delay else { return "" }
    return """
      if [ "$asked" != yes -a -f "($root)/\(firstPath)" ]; then
        echo "Press Esc within \(delay) seconds for the recovery system."
        if sleep --interruptible \(delay); then
          source "($root)/\(firstPath)"
          set own_disk=now
          export own_disk
        fi
      fi

      """
  }
}
