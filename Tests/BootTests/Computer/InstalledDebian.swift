// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
@preconcurrency import Glibc
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A small Debian that is installed on a disk: from packages, with Debian's own GRUB for BIOS and for UEFI, put there by
/// `grub-install`. It says that it is up, does what QEMU's `fw_cfg` has for it, and switches the computer off.
///
/// The disk's image is made once and kept in the tests' cache; each computer gets a copy. Behind its partitions 1.2 GB
/// are free.
actor InstalledDebian {
  static let shared = InstalledDebian()
  /// Making its file system needs an administrator, as owners are kept.
  static let isPossible = geteuid() == 0 && Tool.isInstalled("mmdebstrap")
  /// What it says when its own init has come to the end.
  static let mark = "INSTALLED-DEBIAN-UP"
  /// The file system with Lifeboat's program in it.
  static let programLabel = "program"

  private static let packages = [
    "linux-image-cloud-amd64", "initramfs-tools", "zstd", "busybox", "sysvinit-core", "initscripts", "udev", "kmod",
    "procps", "grub2-common", "grub-common", "grub-pc-bin", "grub-efi-amd64-bin", "grub-efi-amd64-signed",
    "shim-signed",
    "efibootmgr", "util-linux", "fdisk", "mount", "e2fsprogs", "dosfstools", "mtools", "openssh-client", "libisoburn1",
    "libfdisk1", "libblkid1", "libsystemd0", "libtomlplusplus3", "libxxhash0", "libstdc++6",
  ]

  private static let files: [(path: String, text: String)] = [
    ("etc/hostname", "installed\n"),
    (
      "etc/fstab",
      "UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1\nUUID=0E5B-0001 /boot/efi vfat defaults 0 0\n"
    ),
    (
      "etc/default/grub",
      """
      GRUB_DEFAULT=saved
      GRUB_TIMEOUT=1
      GRUB_DISTRIBUTOR=Debian
      GRUB_CMDLINE_LINUX="console=ttyS0 norandmaps"
      GRUB_CMDLINE_LINUX_DEFAULT=quiet
      GRUB_TERMINAL="console serial"
      GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
      GRUB_DISABLE_RECOVERY=true

      """
    ),
    (
      "etc/rc.local",
      """
      #!/bin/sh
      exec >/dev/ttyS0 2>&1 </dev/null
      echo \(mark)
      PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
      command=/sys/firmware/qemu_fw_cfg/by_name/opt/lifeboat/command/raw
      modprobe qemu_fw_cfg
      if [ -e $command ]; then
        modprobe -q efivarfs && mount -t efivarfs efivarfs /sys/firmware/efi/efivars
        mount -t tmpfs -o size=2g tmpfs /tmp
        if [ -e /dev/disk/by-label/\(programLabel) ]; then mount -o ro /dev/disk/by-label/\(programLabel) /mnt; fi
        sh -e $command
        echo "COMMAND-STATUS $?"
      fi
      sync
      mount -o remount,ro /
      busybox poweroff -f

      """
    ),
    ("usr/local/sbin/lifeboat", "#!/bin/sh\nLD_LIBRARY_PATH=/mnt/lib exec /mnt/bin/lifeboat \"$@\"\n"),
  ]

  /// What no file of a package says: Debian's own way to both kinds of GRUB.
  private static let installation = """
    grub-install --target=i386-pc /dev/vda
    grub-install --target=x86_64-efi --no-nvram --force-extra-removable --uefi-secure-boot
    update-grub
    ls /boot/efi/EFI/* /boot/grub

    """

  private static let table = """
    label: gpt
    start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
    start=4096, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI"
    start=135168, size=1843200, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="Debian"

    """

  private var making: Task<FilePath, any Error>?
  private var packing: Task<FilePath, any Error>?

  /// A copy of the disk, for one computer.
  func disk(_ copy: FilePath) async throws -> FilePath {
    let task = making ?? Task { try await Self.kept() }
    making = task
    try await ExternalCommand("cp", ["--sparse=always", try await task.value.string, copy.string]).run()
    return copy
  }

  /// A file system with the built program, its libraries, and the demo's media for x64.
  func program() async throws -> FilePath {
    let task = packing ?? Task { try await Self.pack() }
    packing = task
    return try await task.value
  }

  /// The disk in the cache; of another recipe it has another name.
  private static func kept() async throws -> FilePath {
    let recipe = packages.joined(separator: " ") + files.map { $0.path + $0.text }.joined() + installation + table
    let name = "installed-debian-\(Digest(of: recipe).hex.prefix(12))"
    return try await TestCache.shared.alone { cache in
      let disk = cache.appending("\(name).disk")
      if FileTree.kind(of: disk) == .file { return disk }
      let part = cache.appending("\(name).part")
      try await TemporaryFolder.with { folder in
        try await make(part, in: folder)
      }
      try await ExternalCommand("mv", [part.string, disk.string]).run()
      return disk
    }
  }

  private static func make(_ disk: FilePath, in folder: FilePath) async throws {
    let root = folder.appending("root")
    let excluded = ["doc", "man", "locale"].map { "--dpkgopt=path-exclude=/usr/share/\($0)/*" }
    try await ExternalCommand(
      "mmdebstrap",
      ["--variant=minbase", "--mode=root", "--format=directory", "--include=" + packages.joined(separator: ",")]
        + excluded + ["bookworm", root.string], package: "mmdebstrap"
    ).run()
    for file in files {
      try AtomicFile.write(
        Array(file.text.utf8), to: root.appending(file.path), permissions: FilePermissions(rawValue: 0o755))
    }
    try FileTree.makeFolder(root.appending("boot/efi"))
    let (system, esp) = (folder.appending("system"), folder.appending("esp"))
    try await ExternalCommand("truncate", ["-s", "900M", system.string]).run()
    try await ExternalCommand(
      "mkfs.ext4", ["-q", "-U", "11111111-2222-3333-4444-555555555555", "-d", root.string, system.string]
    ).run()
    try await ExternalCommand("truncate", ["-s", "64M", esp.string]).run()
    try await ExternalCommand("mkfs.vfat", ["-F", "32", "-s", "1", "-n", "EFI", "-i", "0E5B0001", esp.string]).run()
    try await ExternalCommand("truncate", ["-s", "2200M", disk.string]).run()
    _ = try await ExternalCommand("sfdisk", ["--quiet", disk.string]).text(input: Array(table.utf8))
    try await put(esp, on: disk, at: 4096)
    try await put(system, on: disk, at: 135168)
    try await installLoaders(on: disk, root, in: folder)
  }

  /// Lays a file system into a disk's image.
  static func put(_ volume: FilePath, on disk: FilePath, at sector: Int) async throws {
    try await ExternalCommand(
      "dd",
      ["if=\(volume)", "of=\(disk)", "bs=1M", "oflag=seek_bytes", "seek=\(sector * 512)", "conv=notrunc,sparse"]
    ).run()
  }

  /// Starts its kernel from outside of the disk, and has it install its boot loaders.
  private static func installLoaders(on disk: FilePath, _ root: FilePath, in folder: FilePath) async throws {
    let boot = root.appending("boot")
    func file(_ prefix: String) throws -> String {
      boot.appending(try #require(FileTree.names(in: boot).first { $0.hasPrefix(prefix) })).string
    }
    var computer = LabComputer(firmware: .bios, drives: [.init(image: disk, serial: "DEBIAN")], folder: folder)
    computer.drives[0].settings = ",cache=unsafe"
    computer.arguments = [
      "-kernel", try file("vmlinuz-"), "-initrd", try file("initrd.img-"), "-append",
      "root=/dev/vda3 rw console=ttyS0 norandmaps quiet",
    ]
    _ = try await computer.command(installation)
  }

  private static func pack() async throws -> FilePath {
    let folder = TemporaryFolder.untilExit("program")
    let script = """
      mkdir -p "$2/bin" "$2/lib"
      cp "$1/lifeboat" "$2/bin/"
      strip --strip-debug "$2/bin/lifeboat"
      cp -r "$1"/lifeboat_*.resources "$2/bin/"
      rm -rf "$2"/bin/*Tests.resources
      ldd "$1/lifeboat" | awk '$3 ~ /swift|dispatch|Blocks|Foundation/ { print $3 }' | xargs -I{} cp -L {} "$2/lib/"
      """
    let tree = folder.appending("tree")
    // The optimised one takes an emulated computer a fraction of the time.
    let built = try (Repository.standalone ?? Repository.program("lifeboat")).removingLastComponent()
    try await ExternalCommand("sh", ["-ec", script, "sh", built.string, tree.string]).run()
    for (name, medium) in [("first", try await DemoMedium.x64.path()), ("newer", try await DemoMedium.newer.path())] {
      try await ExternalCommand("cp", [medium.string, tree.appending("\(name).iso").string]).run()
    }
    let volume = folder.appending("program")
    try await ExternalCommand("truncate", ["-s", "900M", volume.string]).run()
    try await ExternalCommand("mkfs.ext4", ["-q", "-L", programLabel, "-d", tree.string, volume.string]).run()
    FileTree.remove(tree)
    return volume
  }
}

extension LabComputer {
  /// What the serial port has said.
  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
  }

  /// Has the installed Debian do something, and waits until it has switched the computer off.
  /// - Returns: what it said since it was up.
  @discardableResult
  func command(_ script: String, limit: Duration = .seconds(1200)) async throws -> [String] {
    let lines = Lines()
    try await commanded(script).run(limit: limit, onLine: { lines.append($0) }) { try await $0.ended() }
    let said = Array(lines.all.drop { !$0.contains(InstalledDebian.mark) })
    try #require(said.contains("COMMAND-STATUS 0"), "\(lines.all.suffix(60).joined(separator: "\n"))")
    return said
  }

  /// The computer with something to do for the installed Debian.
  func commanded(_ script: String) throws -> LabComputer {
    var computer = self
    let file = folder.appending("command")
    try AtomicFile.write(Array(script.utf8), to: file)
    computer.memory = .mebibytes(3072)
    computer.arguments += ["-fw_cfg", "name=opt/lifeboat/command,file=\(file)"]
    return computer
  }
}
