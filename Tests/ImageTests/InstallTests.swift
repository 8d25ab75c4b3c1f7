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
  /// - Parameter labels: of the file systems of the inner disk.
  private func image(mounted: String = "/dev/sda1 /run/live/medium iso9660 ro 0 0", labels: String = "")
    async throws -> StartedImage
  {
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
    #expect(outcome.status == 0 && image.boxes.contains("starts by a BIOS"), "\(outcome)")
    #expect(image.done == "lifeboat install /dev/sr0\(option) --disk /dev/nvme0n1\n")
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
      "recovery partition already"
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
