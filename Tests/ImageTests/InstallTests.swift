// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// "Install on this computer", with a stand-in for the program that does it.
struct InstallTests {
  private static let disks = [
    #"PATH="/dev/sda" TYPE="disk" PKNAME="" SIZE="8000000000" FSTYPE="" LABEL="" MODEL="Stick" TRAN="usb" RO="0" UUID="""#,
    #"PATH="/dev/sda1" TYPE="part" PKNAME="sda" SIZE="400000000" FSTYPE="iso9660" LABEL="" MODEL="" TRAN="" RO="0" UUID="""#,
    #"PATH="/dev/nvme0n1" TYPE="disk" PKNAME="" SIZE="500000000000" FSTYPE="" LABEL="" MODEL="Inner" TRAN="nvme" RO="0" UUID="""#,
  ]

  /// An image that was started from a stick.
  /// - Parameters:
  ///   - labels: of the file systems of the inner disk.
  ///   - types: of these file systems.
  private func image(
    mounted: String = "/dev/sda1 /run/live/medium iso9660 ro 0 0", labels: String = "", types: String = ""
  ) async throws -> StartedImage {
    let image = try await StartedImage(tools: [
      "install-here|user|changes-data|lifeboat,root|system|Install|-|lifeboat-install"
    ])
    try image.write("proc/self/mounts", "proc /proc proc rw 0 0\n\(mounted)\n")
    try image.write("disks", Self.disks.joined(separator: "\n") + "\n")
    try image.standIn(
      "lsblk",
      """
      case "$*" in
        '-ndo PKNAME /dev/sda1') echo sda ;;
        '-nro LABEL /dev/nvme0n1') printf '%s\\n' 'SYSTEM' \(labels) ;;
        '-nro FSTYPE /dev/nvme0n1') printf '%s\\n' 'vfat' \(types) ;;
        *PATH,TYPE*) cat "$LIFEBOAT_ROOT/disks" ;;
      esac
      """)
    try image.standIn(
      "lifeboat",
      #"echo "lifeboat $*" >>"$LIFEBOAT_ROOT/done"; exit "$(cat "$LIFEBOAT_ROOT/ends" 2>/dev/null || echo 0)""#)
    return image
  }

  private func run(_ image: StartedImage) async throws -> Tool.Outcome {
    try await image.run("usr/bin/lifeboat-install", environment: ["LIFEBOAT_RISK": "changes-data"])
  }

  @Test func theMediumThatItWasStartedFromIsTheSource() async throws {
    let image = try await image()
    try image.write("sys/firmware/efi/fw_platform_size", "64\n")
    try image.answer("0 /dev/nvme0n1", "0")
    let outcome = try await run(image)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(image.done == "lifeboat install /dev/sda --hidden --disk /dev/nvme0n1\n")
    #expect(image.boxes.contains("/dev/sda1, is not listed") && !image.boxes.contains("BIOS"))
  }

  @Test(arguments: [("0", " --mbr-chain"), ("1", "")]) func aBIOSCanWaitForAKey(answer: String, option: String)
    async throws
  {
    let image = try await image(mounted: "/dev/sr0 /run/live/medium iso9660 ro 0 0")
    try image.answer("0 /dev/nvme0n1", "1", answer)
    let outcome = try await run(image)
    #expect(outcome.status == 0 && image.boxes.contains("starts with a BIOS"), "\(outcome)")
    #expect(image.done == "lifeboat install /dev/sr0\(option) --disk /dev/nvme0n1\n")
  }

  /// The key that has signed the medium is that of its public file, and ssh-keygen agrees.
  @Test func laterVersionsHaveToBeSignedByTheKeyOfTheMedium() async throws {
    let image = try await image()
    try image.write("sys/firmware/efi/fw_platform_size", "64\n")
    try image.write("run/live/medium/lifeboat.json", "{}\n")
    let record = image.root.appending("run/live/medium/lifeboat.json").string
    let key = image.root.appending("key").string
    let made = try await Tool.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key])
    #expect(made.status == 0, "\(made)")
    let signed = try await Tool.run("ssh-keygen", ["-Y", "sign", "-q", "-n", "lifeboat", "-f", key, record])
    #expect(signed.status == 0, "\(signed)")
    try image.answer("0 /dev/nvme0n1", "0")
    let outcome = try await run(image)
    #expect(outcome.status == 0 && outcome.errors.contains("signed by the same key"), "\(outcome)")
    let found = image.root.appending("run/lifeboat/site-key.pub")
    #expect(image.done == "lifeboat install /dev/sda --hidden --key \(found) --disk /dev/nvme0n1\n")
    let words = { (text: String) in text.split(whereSeparator: \.isWhitespace).prefix(2) }
    #expect(words(image.text("run/lifeboat/site-key.pub")) == words(image.text("key.pub")))

    for (signature, labels) in [("-----BEGIN SSH SIGNATURE-----\nAAAA\n", ""), (nil, "LIFEBOATREC")] {
      let other = try await self.image(labels: labels)
      try other.write("sys/firmware/efi/fw_platform_size", "64\n")
      try other.write("run/live/medium/lifeboat.json.sig", signature ?? image.text("run/live/medium/lifeboat.json.sig"))
      try other.answer("0 /dev/nvme0n1", "0")
      #expect(try await run(other).status == 0)
      #expect(!other.done.isEmpty && !other.done.contains("--key"), "\(other.done)")
    }
  }

  /// The boot code of such a disk is measured, and is not offered to be replaced.
  @Test func bitLockerHasToBeSuspendedBefore() async throws {
    let image = try await image(types: "BitLocker")
    try image.answer("0 /dev/nvme0n1", "0", "0")
    #expect(try await run(image).status == 0)
    #expect(image.boxes.contains("manage-bde -protectors -disable C: -RebootCount 0"), "\(image.boxes)")
    #expect(image.boxes.contains("--defaultno") && !image.boxes.contains("starts by a BIOS"))
    #expect(image.done == "lifeboat install /dev/sda --hidden --bitlocker suspended --disk /dev/nvme0n1\n")
    for answer in ["1", "255"] {
      let image = try await self.image(types: "BitLocker")
      try image.answer("0 /dev/nvme0n1", "0", answer)
      #expect(try await run(image).status == 130 && image.done == "")
    }
  }

  @Test func whatIsThereIsBroughtUpToDate() async throws {
    let image = try await image(labels: "LIFEBOATREC")
    try image.answer("0 /dev/nvme0n1")
    let outcome = try await run(image)
    #expect(outcome.status == 0, "\(outcome)")
    #expect(image.done == "lifeboat install --update /dev/sda --disk /dev/nvme0n1\n")
  }

  @Test func itsFailureIsTheToolsOwn() async throws {
    let image = try await image(labels: "LIFEBOATREC")
    try image.answer("0 /dev/nvme0n1")
    try image.write("ends", "15")
    #expect(try await run(image).status == 15)
  }

  @Test func nothingIsDoneWithoutAChoice() async throws {
    let image = try await image()
    try image.answer("1 ")
    #expect(try await run(image).status == 130)
    try image.answer("0 /dev/nvme0n1", "255")
    #expect(try await run(image).status == 130)
    #expect(image.done == "")
  }

  @Test(arguments: [
    ("tmpfs /run/live/medium tmpfs ro 0 0", "", "runs from memory"),
    ("tmpfs /run/live/medium tmpfs ro 0 0", "lifeboat.boot=net", "runs from the network"),
    (
      "/dev/sda2 /run/live/partition vfat ro 0 0", "lifeboat.boot=partition lifeboat.partition=1234-ABCD",
      "already runs from a recovery partition"
    ),
  ])
  func withoutAMediumThereIsNothingToInstall(mounted: String, words: String, says: String) async throws {
    let image = try await image(mounted: mounted)
    try image.write("proc/cmdline", "boot=live \(words) quiet\n")
    try image.answer("0")
    let outcome = try await run(image)
    #expect(
      outcome.status == 1 && image.boxes.contains(says) && image.boxes.contains("Start from a stick or a disc"),
      "\(outcome)")
    #expect(image.done == "")
  }
}
