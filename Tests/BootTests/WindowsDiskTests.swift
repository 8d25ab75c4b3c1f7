// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import Signing
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A disk as Windows lays it out, with a signed loader in the place of Windows' own: it gets a recovery partition from a
/// Debian on another disk, under Secure Boot, with firmware that remembers its entries.
@Suite(
  .serialized,
  .enabled(
    if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1" && InstalledDebian.isPossible,
    "set LIFEBOAT_BOOT_TESTS=1 to boot, as root"))
struct WindowsDiskTests {
  private static let other = "OTHER-SYSTEM-IS-UP"
  private static let table = """
    label: gpt
    start=2048, size=204800, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI system partition"
    start=206848, size=32768, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE, name="Microsoft reserved partition"
    start=239616, size=819200, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="Basic data partition"
    start=2856960, size=204800, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC, name="Basic data partition", attrs="RequiredPartition GUID:63"

    """
  /// The sectors of the four.
  private static let partitions = [2048..<206848, 206848..<239616, 239616..<1_058_816, 2_856_960..<3_061_760]

  @Test func theRecoveryBesideWindows() async throws {
    let record = try MediumVerification.record(of: ISOReader(try await DemoMedium.x64.path()))
    try await TemporaryFolder.with { folder in
      let disk = try await makeDisk(in: folder)
      let before = try await digests(of: disk)
      let debian = try await InstalledDebian.shared.disk(folder.appending("debian"))
      let program = try await InstalledDebian.shared.program()
      var computer = LabComputer(
        firmware: .secureBoot,
        drives: [
          .init(image: debian, serial: "DEBIAN"), .init(image: disk, serial: "WINDOWS"),
          .init(image: program, serial: "PROGRAM", keeping: .isReadOnly),
        ], folder: folder)
      let said = try await computer.command(
        """
        disk=/dev/disk/by-id/virtio-WINDOWS
        efibootmgr --create --disk $disk --part 1 --label 'Windows Boot Manager' --loader '\\EFI\\Microsoft\\Boot\\bootmgfw.efi'
        TMPDIR=/tmp lifeboat install /mnt/first.iso --size 700M --hidden --disk $disk --yes
        number=$(efibootmgr | sed -n 's/^Boot\\(....\\)\\* Recovery:.*/\\1/p')
        efibootmgr --bootnext "$number"

        """)
      let windows = try #require(said.last { $0.contains("* Windows Boot Manager") }?.dropFirst(4).prefix(4))
      let recovery = try #require(said.last { $0.contains("* Recovery: Contoso first aid") }?.dropFirst(4).prefix(4))
      let order = try #require(said.last { $0.hasPrefix("BootOrder: ") })
      #expect(order.hasPrefix("BootOrder: \(windows),") && order.hasSuffix(",\(recovery)"), "\(said)")

      // From here on the computer has this disk alone.
      computer.drives = [.init(image: disk, serial: "WINDOWS")]
      let ready = try await computer.startRecovery()
      #expect(ready.id == record.identifier && ready.secureBoot == "enabled" && ready.medium == "/dev/vda5")
      #expect(try await computer.start(until: Self.other, ReadyLine.mark).contains(Self.other))

      #expect(try await digests(of: disk) == before)
      let judged = try await Tool.run("sgdisk", ["-v", disk.string])
      #expect(judged.output.contains("No problems found"), "\(judged)")
      let table = try await Tool.run("sfdisk", ["--dump", disk.string])
      let entry = try #require(table.lines.first { $0.contains("name=\"Lifeboat\"") }, "\(table)")
      #expect(
        entry.contains("disk5") && entry.contains("type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC")
          && entry.contains("GUID:62,63"), "\(entry)")
    }
  }

  /// What each of Windows' partitions holds, and what its entry says.
  private func digests(of disk: FilePath) async throws -> [String] {
    let table = try await Tool.run("sfdisk", ["--dump", disk.string])
    let entries = table.lines.filter { line in Self.partitions.indices.contains { line.contains("disk\($0 + 1) :") } }
    let script = #"dd if="$1" bs=1M iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none | sha256sum"#
    var digests: [String] = []
    for sectors in Self.partitions {
      let bytes = [sectors.lowerBound, sectors.count].map { String($0 * 512) }
      digests += try await Tool.run("sh", ["-c", script, "sh", disk.string] + bytes).lines
    }
    try #require(entries.count == Self.partitions.count && digests.count == entries.count, "\(table)")
    return entries + digests
  }

  private func makeDisk(in folder: FilePath) async throws -> FilePath {
    // Microsoft's reserved partition and the one of Windows' own recovery have no file system here.
    let disk = try ImageMaker.sparse(
      folder.appending("disk"), size: 1500 << 20, data: [102 << 20..<104 << 20, 1396 << 20..<1400 << 20])
    let made = try await Tool.run("sfdisk", ["--quiet", disk.string], input: Array(Self.table.utf8))
    try #require(made.status == 0, "\(made)")
    let (esp, data) = (folder.appending("esp"), folder.appending("data"))
    try await ExternalCommand("truncate", ["-s", "100M", esp.string]).run()
    try await ExternalCommand("mkfs.vfat", ["-F", "32", "-s", "1", "-n", "SYSTEM", esp.string]).run()
    try await putLoader(on: esp, in: folder)
    try await InstalledDebian.put(esp, on: disk, at: Self.partitions[0].lowerBound)
    try await ExternalCommand("truncate", ["-s", "400M", data.string]).run()
    try await ExternalCommand("mkntfs", ["-F", "-Q", "-q", "-L", "Windows", data.string], package: "ntfs-3g").run()
    let file = folder.appending("report")
    try AtomicFile.write(ImageMaker.bytes(3 << 20, seed: 5), to: file)
    try await ExternalCommand("ntfscp", ["-q", data.string, file.string, "report"], package: "ntfs-3g").run()
    try await InstalledDebian.put(data, on: disk, at: Self.partitions[2].lowerBound)
    return disk
  }

  /// Shim, which Microsoft has signed, under the name of Windows' loader; it starts a GRUB that says one line.
  private func putLoader(on esp: FilePath, in folder: FilePath) async throws {
    let packages = try await DebianPackages.shared.folder(LoaderFiles.packages.amd64, architecture: "amd64")
    let boot = folder.appending("EFI/Microsoft/Boot")
    try FileTree.makeFolder(boot)
    for (source, name) in [
      ("usr/lib/shim/shimx64.efi.signed", "bootmgfw.efi"),
      ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "grubx64.efi"),
    ] {
      try AtomicFile.write(try FileTree.bytes(of: packages.appending(source)), to: boot.appending(name))
    }
    try AtomicFile.write(Array("echo \(Self.other)\nsleep 2\nhalt\n".utf8), to: boot.appending("grub.cfg"))
    try await ExternalCommand("mcopy", ["-s", "-i", esp.string, folder.appending("EFI").string, "::/"]).run()
  }
}
