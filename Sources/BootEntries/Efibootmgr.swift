// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// The program that reads and writes the firmware's boot entries.
struct Efibootmgr: Sendable, Equatable {
  /// Added to the environment; tests set `EFIVARFS_PATH`, by which libefivar takes a folder for the firmware.
  var environment: [String: String] = [:]
  /// The program, or its path.
  var path = "efibootmgr"

  private func command(_ arguments: [String]) -> ExternalCommand {
    ExternalCommand(
      path, arguments, environment: environment.merging(["LC_ALL": "C"]) { own, _ in own },
      package: "efibootmgr")
  }

  /// Prints all entries with their device paths.
  var list: ExternalCommand { command(["-v"]) }

  /// Makes an entry and leaves the order alone: `--create` would put it first.
  func create(_ partition: InstalledPartition, label: String, loader: String) -> ExternalCommand {
    command([
      "--create-only", "--disk", partition.disk.string, "--part", String(partition.number), "--label", label,
      "--loader", loader,
    ])
  }

  /// Sets the order.
  func setOrder(_ numbers: [String]) -> ExternalCommand { command(["--bootorder", numbers.joined(separator: ",")]) }

  /// Removes an entry, and its number from the order.
  func remove(_ number: String) -> ExternalCommand { command(["--bootnum", number, "--delete-bootnum"]) }
}
