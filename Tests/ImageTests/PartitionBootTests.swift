// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// A start from a recovery partition as busybox' shell does it, with a file in the partition's place and a folder in that
/// of its file system. Mounting for real is seen by the boot tests.
@Suite(.enabled(if: Tool.isInstalled("busybox"), "needs busybox"))
struct PartitionBootTests {
  private static let identifier = "00112233445566ff"
  private static let other = "ffeeddccbbaa9988"
  private static let offset = 1_536

  private let folder: TemporaryFolder
  private var device: FilePath { folder.appending("device") }

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      "device", Self.device(Self.block("current=\(Self.identifier)\nprevious=\(Self.other)\ntrying=\nbad=\n")))
    let layers = ["10-base.squashfs": "base", "90-settings.squashfs": "settings"]
    let files = ["vmlinuz": "kernel", "initrd.img": "initrd"].merging(layers) { $1 }
    var list = ""
    for (name, text) in files.sorted(by: { $0.key < $1.key }) {
      let kind = ["vmlinuz": "kernel", "initrd.img": "initrd"][name] ?? "layer"
      let digest = Digest(of: text)
      list += "\(kind) \(name) \(text.utf8.count) \(digest) lifeboat/layers/\(digest)\n"
      try folder.write("volume/lifeboat/layers/\(digest)", text)
    }
    try folder.write("volume/lifeboat/\(Self.identifier)/x64/files", list)
    try folder.write("volume/lifeboat/\(Self.identifier)/lifeboat.json", "{}\n")
  }

  private static func block(_ text: String) -> [UInt8] {
    let text = Array("# GRUB Environment Block\n\(text)".utf8)
    return text + [UInt8](repeating: UInt8(ascii: "#"), count: 1024 - text.count)
  }

  /// Noise with a block in it.
  private static func device(_ block: [UInt8]) -> [UInt8] {
    var bytes = ImageMaker.bytes(8192, seed: 3)
    bytes.replaceSubrange(offset..<offset + 1024, with: block)
    return bytes
  }

  /// Runs commands after the piece itself; what they say, and `status N`.
  private func run(_ commands: String) async throws -> Tool.Outcome {
    let script = """
      set -u
      cd '\(folder.path)'
      lifeboat_say() { printf "$@"; }
      panic() { printf 'panic: %s\\n' "$*"; exit 9; }
      mountpoint=$PWD/medium
      LIVE_MEDIA_PATH=/lifeboat/\(Self.identifier)/x64
      sed "s,/run/,$PWD/," '\(SourceTests.build.appending("initramfs/lifeboat/partition-boot"))' >piece
      . ./piece
      lifeboat_folder=$PWD/partition
      lifeboat_word() {
        case $1 in
          lifeboat.partition) echo 1234-ABCD ;;
          lifeboat.state) echo \(Self.offset) ;;
          lifeboat.id) echo \(Self.identifier) ;;
        esac
      }
      lifeboat_find() { [ "$1" = 1234-ABCD ] && _device=$PWD/device; }
      lifeboat_start_again() { echo 'once more'; }
      modprobe() { :; }
      # Only the partition's own file system has content.
      mount() {
        for _target; do :; done
        echo "mount $*" >>mounts
        mkdir -p "$_target"
        case $* in *vfat*) cp -R volume/. "$_target" ;; esac
      }
      umount() { rm -rf "$1"; }
      command() { "$@"; }
      \(commands)
      """
    return try await Tool.run("busybox", ["sh", "-c", script])
  }

  private func state() throws -> [String] {
    let bytes = try FileTree.bytes(of: device)
    let text = String(decoding: bytes[Self.offset..<Self.offset + 1024], as: UTF8.self)
    #expect(text.hasPrefix("# GRUB Environment Block\n"))
    return text.split(separator: "\n").dropFirst().map(String.init).filter { !$0.hasPrefix("#") }
  }

  @Test func aWholeVersionStarts() async throws {
    _ = try await run("lifeboat_set_state device \(Self.offset) trying \(Self.identifier)")
    #expect(try state()[2] == "trying=\(Self.identifier)")
    let outcome = try await run("lifeboat_partition_medium")
    #expect(outcome.status == 0 && outcome.output.contains("LIFEBOAT-PARTITION ok \(device)"), "\(outcome)")
    #expect(try state() == ["current=\(Self.identifier)", "previous=\(Self.other)", "trying=", "bad="])
    let medium = folder.appending("medium/lifeboat/\(Self.identifier)/x64")
    #expect(try FileTree.text(of: medium.appending("filesystem.module")) == "10-base.squashfs\n90-settings.squashfs\n")
    #expect(try FileTree.text(of: medium.appending("90-settings.squashfs")) == "settings")
    #expect(try FileTree.text(of: folder.appending("medium/lifeboat.json")) == "{}\n")
    let mounts = try FileTree.text(of: folder.appending("mounts"))
    #expect(mounts.contains("-t vfat -o ro,noatime \(device)") && !mounts.contains("rw"), "\(mounts)")
  }

  @Test(arguments: ["kernel", "initrd", "base", "settings"]) func aFlippedByteStopsIt(content: String) async throws {
    let file = "volume/lifeboat/layers/\(Digest(of: content))"
    try folder.write(file, String(content.dropLast()) + "X")
    let outcome = try await run("lifeboat_partition_medium")
    #expect(outcome.status == 9 && outcome.output.contains("once more"), "\(outcome)")
    #expect(outcome.output.contains("LIFEBOAT-PARTITION FAILED damaged ") && !outcome.output.contains(" ok "))
    #expect(outcome.output.contains("the other version is then offered first"))
    #expect(try state()[3] == "bad=\(Self.identifier)")
    #expect(
      FileTree.kind(of: folder.appending("medium")) == nil && FileTree.kind(of: folder.appending("partition")) == nil)
  }

  /// Where nothing better would come next, the next start is the computer's usual one.
  @Test(arguments: [
    "current=\(identifier)\nprevious=\ntrying=\nbad=\n",
    "current=\(identifier)\nprevious=\(other)\ntrying=\nbad=\(other)\n",
    "current=\(other)\nprevious=\(identifier)\ntrying=\nbad=\(other)\n",
  ]) func twoDamagedVersionsDoNotGoRound(state: String) async throws {
    try folder.write("device", Self.device(Self.block(state)))
    try folder.write("volume/lifeboat/layers/\(Digest(of: "base"))", "basX")
    let outcome = try await run("lifeboat_partition_medium")
    #expect(outcome.status == 9 && !outcome.output.contains("once more"), "\(outcome)")
    #expect(outcome.output.contains("LIFEBOAT-PARTITION FAILED damaged 10-base.squashfs"), "\(outcome)")
    #expect(outcome.output.contains("no whole one beside it") && outcome.output.contains("--update MEDIUM"))
    #expect(try self.state()[3] == "bad=\(Self.identifier)")
  }

  /// The version before starts as damaged, and the newer one was never tried: it is worth a start.
  @Test func theOtherWayRound() async throws {
    try folder.write(
      "device", Self.device(Self.block("current=\(Self.other)\nprevious=\(Self.identifier)\ntrying=\nbad=\n")))
    try folder.write("volume/lifeboat/layers/\(Digest(of: "base"))", "basX")
    #expect(try await run("lifeboat_partition_medium").output.contains("once more"))
  }

  @Test(arguments: ["absent", "empty"]) func withoutAListNothingStarts(how: String) async throws {
    let list = folder.appending("volume/lifeboat/\(Self.identifier)/x64/files")
    if how == "absent" { FileTree.remove(list) } else { try AtomicFile.write([], to: list) }
    let outcome = try await run("lifeboat_partition_medium")
    #expect(outcome.status == 9 && outcome.output.contains("LIFEBOAT-PARTITION FAILED damaged files"), "\(outcome)")
  }

  /// blkid itself looks at real file systems: the one with the serial number is found, and no other that resembles it.
  @Test func thePartitionIsFoundByItsSerialNumber() async throws {
    for (name, serial) in [("other.img", "1234ABCE"), ("ours.img", "1234ABCD")] {
      let path = folder.appending(name).string
      try await ExternalCommand("truncate", ["-s", "4M", path]).run()
      try await ExternalCommand("mkfs.vfat", ["-i", serial, path], package: "dosfstools").run()
    }
    let linux = folder.appending("linux.img").string
    try await ExternalCommand("truncate", ["-s", "4M", linux]).run()
    try await ExternalCommand("mkfs.ext4", ["-q", linux], package: "e2fsprogs").run()
    let script = """
      cd '\(folder.path)'
      sleep() { :; }
      udevadm() { :; }
      . '\(SourceTests.build.appending("initramfs/lifeboat/partition-boot"))'
      lifeboat_devices >devices
      lifeboat_devices() { echo "$PWD/linux.img" "$PWD/other.img" "$PWD/absent" "$PWD/ours.img"; }
      for serial in 1234-ABCD 1234-ABCF; do
        _device=
        if lifeboat_find "$serial"; then echo "found ${_device##*/}"; else echo none; fi
      done
      """
    let blkid = try Tool.require("blkid", package: "util-linux")
    let path = "\(FilePath(blkid).removingLastComponent()):/usr/sbin:/usr/bin:/bin"
    let outcome = try await Tool.run("busybox", ["sh", "-c", script], environment: ["PATH": path])
    #expect(outcome.output == "found ours.img\nnone\n", "\(outcome)")
    // On a computer it looks at what the kernel has.
    let known = try FileTree.text(of: "/proc/partitions").split(separator: "\n").dropFirst()
      .compactMap { $0.split(separator: " ").last.map { "/dev/\($0.replacing("!", with: "/"))" } }
    let devices = try FileTree.text(of: folder.appending("devices")).split(separator: "\n").map(String.init)
    // Loop devices come and go with other tests.
    #expect(devices.filter { !$0.hasPrefix("/dev/loop") } == known.filter { !$0.hasPrefix("/dev/loop") })
  }

  @Test func noPartition() async throws {
    let outcome = try await run("lifeboat_find() { return 1; }\nlifeboat_partition_medium")
    #expect(outcome.status == 9 && outcome.output.contains("LIFEBOAT-PARTITION FAILED absent"), "\(outcome)")
    #expect(outcome.output.contains("1234-ABCD") && outcome.output.contains("disk is connected"))
  }

  @Test func aPartitionThatCannotBeMounted() async throws {
    let outcome = try await run("mount() { return 1; }\nlifeboat_partition_medium")
    #expect(outcome.status == 9 && outcome.output.contains("LIFEBOAT-PARTITION FAILED unreadable"), "\(outcome)")
  }

  /// One sector changes, GRUB can read the block, and nothing is written that need not be.
  @Test func theStateIsWrittenInPlace() async throws {
    let before = try FileTree.bytes(of: device)
    let outcome = try await run("lifeboat_set_state device \(Self.offset) bad \(Self.identifier)")
    #expect(outcome.status == 0, "\(outcome)")
    let after = try FileTree.bytes(of: device)
    #expect(after.count == before.count)
    let changed = zip(before, after).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
    #expect(!changed.isEmpty && changed.allSatisfy { (Self.offset..<Self.offset + 512).contains($0) })
    try AtomicFile.write(Array(after[Self.offset..<Self.offset + 1024]), to: folder.appending("block"))
    let judge = try await Tool.run(
      "grub-editenv", [folder.appending("block").string, "list"], package: "grub-common")
    #expect(
      judge.lines == ["current=\(Self.identifier)", "previous=\(Self.other)", "trying=", "bad=\(Self.identifier)"])
    let again = try await run(
      "dd() { case $* in *of=device*) exit 7 ;; esac; busybox dd \"$@\"; }\n"
        + "lifeboat_set_state device \(Self.offset) bad \(Self.identifier)")
    #expect(again.status == 0, "\(again)")
  }

  /// What stands where the block should be belongs to somebody else.
  @Test func onlyABlockIsChanged() async throws {
    let noise = ImageMaker.bytes(8192, seed: 9)
    try folder.write("device", noise)
    let outcome = try await run("lifeboat_set_state device \(Self.offset) bad \(Self.identifier)")
    #expect(outcome.status == 1, "\(outcome)")
    #expect(try FileTree.bytes(of: device) == noise)
  }

  /// Other starts are none of its business.
  @Test(arguments: [("lifeboat.boot=partition", "yes"), ("lifeboat.boot=net", "no"), ("", "no")])
  func theCommandLineDecides(words: String, takesOver: String) async throws {
    let script = """
      cat() { if [ "$*" = /proc/cmdline ]; then echo 'boot=live \(words) quiet'; else busybox cat "$@"; fi; }
      . '\(SourceTests.build.appending("initramfs/lifeboat/partition-boot"))'
      if [ "${NETBOOT:-}" = lifeboat ] && type do_netmount >/dev/null; then echo yes; else echo no; fi
      """
    let outcome = try await Tool.run("busybox", ["sh", "-c", script])
    #expect(outcome.output == takesOver + "\n", "\(outcome)")
  }
}
