// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// What the firmware, and systemd-boot by its variables, say of a start; read from efivarfs, never written.
struct SystemdBootFirmware: Sendable {
  /// `/sys/firmware/efi`.
  let folder: FilePath

  private var variables: FilePath { folder.appending("efivars") }

  /// Whether unsigned programs are refused; nil where that cannot be told. Firmware without the variable refuses none.
  var hasSecureBoot: Bool? {
    let names = FileTree.names(in: variables)
    guard !names.isEmpty else { return nil }
    guard let name = names.first(where: { $0.hasPrefix("SecureBoot-") }) else { return false }
    // Four bytes of attributes stand before the value.
    guard let bytes = try? FileTree.bytes(of: variables.appending(name)), bytes.count > 4 else { return nil }
    return bytes[4] != 0
  }

  /// Whether `bootctl set-default` has named what starts by itself.
  var namesDefault: Bool {
    FileTree.names(in: variables).contains { $0.hasPrefix("LoaderEntryDefault-") }
  }
}
