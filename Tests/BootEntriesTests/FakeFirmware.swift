// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks

/// A folder that the real efibootmgr takes for the firmware's variables, and a disk with a GPT of two partitions.
struct FakeFirmware {
  let folder: FilePath
  let disk: FilePath
  let recovery: InstalledPartition
  let system: InstalledPartition

  /// Whether it can be made here.
  static let isPossible = Loop.isAllowed && ["efibootmgr", "sgdisk"].allSatisfy(Tool.isInstalled)

  static func with(_ body: (FakeFirmware) async throws -> Void) async throws {
    try await TemporaryFolder.with { folder in
      let image = folder.appending("disk.img")
      try await ExternalCommand("truncate", ["-s", "100M", image.string]).run()
      let guids = ["10AE3F9F-4138-4BDA-800B-FABCBEB1BBAE", "1378BB09-B9A1-4644-B68C-FD3D6232489E"]
      let arguments = [
        "-n", "1:2048:+40M", "-t", "1:ef00", "-u", "1:\(guids[0])", "-n", "2:0:+40M", "-u", "2:\(guids[1])",
      ]
      let made = try await Tool.run("sgdisk", arguments + [image.string])
      try #require(made.status == 0, "\(made)")
      for name in ["efi", "efi/efivars"] { try FileTree.makeFolder(folder.pushing(FilePath(name))) }
      try AtomicFile.write(Array("64\n".utf8), to: folder.pushing("efi/fw_platform_size"))
      try await Loop.with(image, ["-P"]) { disk in
        func partition(_ number: Int) -> InstalledPartition {
          InstalledPartition(
            disk: disk, isFile: false, table: .gpt, number: number, start: .mebibytes(Int64(number * 40 - 39)),
            size: .mebibytes(40), sectorSize: 512, partitionUUID: guids[number - 1].lowercased(),
            fileSystemSerial: "6C69-6665", title: "Contoso first aid", isHidden: true)
        }
        try await body(
          FakeFirmware(
            folder: folder, disk: disk, recovery: partition(1), system: partition(2)))
      }
    }
  }

  var variables: FilePath { folder.pushing("efi/efivars") }
  var program: Efibootmgr { Efibootmgr(environment: ["EFIVARFS_PATH": variables.string + "/"]) }
  var boot: FirmwareBoot { FirmwareBoot(program: program, firmware: folder.appending("efi")) }

  /// The installed system's entry, which is first in the order; as its installer makes it.
  func addSystem() async throws {
    try await program.create(system, label: "debian", loader: "\\EFI\\debian\\shimx64.efi").run()
    try await program.setOrder(["0000"]).run()
  }

  func list() async throws -> FirmwareBootList { FirmwareBootList(parsing: try await program.list.text()) }
}
