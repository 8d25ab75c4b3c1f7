// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import Signing
import Synchronization
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A medium whose image has Lifeboat's program, and answers for it.
enum InstallHere {
  static let serial = "LBINNER1"

  /// A person's answers: yes to every question, the only disk of the list, the disk's serial number, and Enter.
  private static let files = [
    "files/answers.conf": "[Service]\nExecStartPost=/usr/local/lib/answers/install\n",
    "files/install": """
    #!/bin/sh
    export PATH=/usr/local/lib/answers:$PATH TERM=linux HOME=/root
    # More would fill the terminal's buffer: script(1) then waits for room in it, and passes no output on.
    printf '%s\\n' \(serial) \(serial) \(serial) |
      script -qec 'stty rows 24 cols 80; lifeboat-menu --run install-here' /dev/null >/dev/ttyS0 2>&1
    echo "INSTALL-HERE ended $?" >/dev/ttyS0
    """,
    "files/whiptail": """
    #!/bin/sh
    case "$*" in
      *--output-fd*) for word; do case $word in /dev/*) printf %s "$word" >&3 && exit 0 ;; esac; done; exit 255 ;;
    esac
    """,
  ]

  private static let manifest = """
    lifeboat = 1

    [[image]]
    name = "here"
    title = "Contoso at home"
    architectures = ["x64"]
    kernel-arguments = ["norandmaps"]
    [image.tools]
    user = ["install-here"]
    [image.files]
    "etc/systemd/system/lifeboat-ready.service.d/answers.conf" = "files/answers.conf"
    "usr/local/lib/answers/install" = "files/install"
    "usr/local/lib/answers/whiptail" = "files/whiptail"

    """

  /// Built once in a process.
  static let medium = Task {
    try await DemoMedium.build("here", manifest: manifest, files: files, program: Repository.standalone)
      .appending("here-x64.iso")
  }
}

/// "Install on this computer": an image that has Lifeboat's program puts itself onto a disk, which then starts alone.
@Suite(
  .serialized,
  .enabled(
    if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1" && Repository.standalone != nil,
    "set LIFEBOAT_BOOT_TESTS=1 and LIFEBOAT_LAB_PROGRAM (make boot-test)"))
struct InstallHereTests {
  /// The program runs with the libraries of the image, not with those of this computer.
  @Test func theProgramRunsInTheImage() async throws {
    let medium = try await InstallHere.medium.value
    try await TemporaryFolder.with { folder in
      let root = folder.appending("root")
      try await ExternalCommand(
        "osirrox", ["-indev", medium.string, "-extract", "/lifeboat", folder.appending("medium").string]
      ).run()
      let layers = FileTree.walk(folder.appending("medium")).filter { $0.hasSuffix(".squashfs") }.sorted()
      #expect(layers.contains { $0.hasSuffix("/80-program.squashfs") }, "\(layers)")
      for layer in layers {
        let file = folder.appending("medium/\(layer)").string
        let done = try await Tool.run(
          "unsquashfs",
          [
            "-f", "-q", "-n", "-no-xattrs", "-d", root.string, file, "bin", "lib", "lib64", "sbin", "usr/bin",
            "usr/lib/x86_64-linux-gnu", "usr/sbin", "usr/lib64", "etc",
          ])
        #expect(done.status == 0, "\(done)")
      }
      let built = try await Tool.run(try #require(Repository.standalone).string, ["--version"])
      let version = try await run(["--version"], in: root)
      #expect(version.status == 0 && version.output == built.output && !built.output.isEmpty, "\(version)")
      let help = try await run(["install", "--help"], in: root)
      #expect(help.status == 0 && help.output.contains("--mbr-chain"), "\(help)")
      let size = try #require(FileTree.status(of: root.appending("usr/bin/lifeboat"))?.size)
      #expect(size < 45 << 20, "without what only a debugger reads: \(size)")
    }
  }

  /// A program of Swift takes its arguments from `/proc`.
  private func run(_ arguments: [String], in root: FilePath) async throws -> Tool.Outcome {
    let script = #"mkdir -p "$0/proc" && mount -t proc none "$0/proc" && exec chroot "$0" lifeboat "$@""#
    return try await Tool.run("unshare", ["-m", "sh", "-c", script, root.string] + arguments)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var firmware: TrialMachine.Firmware
    var attachment: TrialMachine.Attachment
    /// How the name of the boot entry that is made begins.
    var entry: String
    var testDescription: String { "\(firmware.rawValue) \(attachment.rawValue)" }
  }

  private static let other = "OTHER-SYSTEM-IS-UP"

  /// On a BIOS the answer yes puts a boot record onto the disk, which asks for Esc and starts what was there before.
  @Test(arguments: [
    Case(firmware: .uefi, attachment: .stick, entry: "Boot"),
    Case(firmware: .secureBoot, attachment: .disc, entry: "Boot"),
    Case(firmware: .bios, attachment: .disc, entry: "/dev/vda"),
  ])
  func theDiskStartsAlone(_ its: Case) async throws {
    let medium = try await InstallHere.medium.value
    let record = try MediumVerification.record(of: ISOReader(medium))
    try await TemporaryFolder.with { folder in
      let disk = try ImageMaker.sparse(folder.appending("disk"), size: 2400 << 20, data: [])
      let table = "label: gpt\nstart=2048, size=204800, name=\"data\"\n"
      #expect(try await Tool.run("sfdisk", ["--quiet", disk.string], input: Array(table.utf8)).status == 0)
      try BootSector.put(BootSector.saying(Self.other), on: disk)
      try await install(from: medium, on: disk, its, scratch: folder)
      let computer = LabComputer(
        firmware: its.firmware, drives: [.init(image: disk, serial: InstallHere.serial)], folder: folder)
      if its.firmware == .bios {
        #expect(try await computer.start(until: Self.other, ReadyLine.mark).contains(Self.other))
      }
      let ready = try await computer.startRecovery(pressing: its.firmware == .bios ? ["esc"] : [])
      #expect(ready.image == "here" && ready.id == record.identifier && ready.medium == "/dev/vda2")
      #expect((ready.firmware == "bios") == (its.firmware == .bios))
      #expect((ready.secureBoot == "enabled") == (its.firmware == .secureBoot))
    }
  }

  private func install(from medium: FilePath, on disk: FilePath, _ its: Case, scratch: FilePath) async throws {
    var machine = TrialMachine(
      medium: medium, attachment: its.attachment, firmware: its.firmware, memory: .mebibytes(2048), hasNetwork: false)
    machine.extraArguments = [
      "-drive", "if=none,id=inner,format=raw,file=\(disk)", "-device",
      "virtio-blk-pci,drive=inner,serial=\(InstallHere.serial)",
    ]
    let said = Mutex<[String]>([])
    let end = try await machine.run(
      scratch: scratch, limit: .seconds(2400), onLine: { line in said.withLock { $0.append(line) } },
      { try await $0.line { $0.contains("INSTALL-HERE ended") } })
    let lines = said.withLock { $0 }
    #expect(end.contains("INSTALL-HERE ended 0"), "\(lines.suffix(40))")
    #expect(lines.contains { $0.contains("afterwards:") })
    #expect(lines.contains { $0.contains("boot entry \(its.entry)") }, "\(lines.suffix(40))")
  }
}
