// SPDX-License-Identifier: GPL-3.0-or-later
@testable import BootAssembly
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import TrialMachine

/// Boots of tiny media in QEMU: firmware, signed loaders, menu and kernel command line are real, the system is not.
@Suite(.serialized, .enabled(if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1", "set LIFEBOAT_BOOT_TESTS=1 to boot"))
struct BootTests {
  static let first = "00000000000000a1"
  static let second = "00000000000000b2"

  struct Case: CustomTestStringConvertible, Sendable {
    var firmware: TrialMachine.Firmware
    var attachment: TrialMachine.Attachment
    var cpu32 = false
    var testDescription: String { "\(firmware.rawValue) \(attachment.rawValue)\(cpu32 ? " 32-bit" : "")" }
  }

  static let cases =
    TrialMachine.Firmware.allCases.flatMap { firmware in
      TrialMachine.Attachment.allCases.map { Case(firmware: firmware, attachment: $0) }
    } + [
      Case(firmware: .bios, attachment: .disc, cpu32: true), Case(firmware: .uefiIA32, attachment: .disc, cpu32: true),
    ]

  /// Two media at once, the other one first in the order of devices: each starts its own system.
  @Test(arguments: cases) func eachMediumStartsItself(_ boot: Case) async throws {
    try await TemporaryFolder.with { folder in
      var media: [FilePath] = []
      for identifier in [Self.first, Self.second] {
        media.append(
          try await TinyMedium.write(
            TinyMedium.builder(identifier, in: folder, architectures: [.x64, .x86]), in: folder))
      }
      for (own, other, identifier) in [(media[0], media[1], Self.first), (media[1], media[0], Self.second)] {
        let line = try await start(boot, own, other, folder)
        #expect(line.contains("live-media-path=/lifeboat/\(identifier)/\(boot.cpu32 ? "x86" : "x64") "))
        #expect(line.contains("lifeboat.id=\(identifier) "))
        #expect(line.contains("test=\(identifier)"))
        #expect(line.contains("TINY-READY \(boot.cpu32 ? "i686" : "x86_64") "))
        #expect(line.hasSuffix("|Secure boot enabled") == (boot.firmware == .secureBoot))
      }
    }
  }

  /// The same boot goes to the wrong medium when the stub is taken out of the EFI system partition: the signed GRUB then
  /// takes the first `/.disk/info`. Shows that the test above can fail, and what the stub is for.
  @Test func withoutItsStubAStickWouldStartAnother() async throws {
    try await TemporaryFolder.with { folder in
      let other = try await TinyMedium.write(TinyMedium.builder(Self.first, in: folder), in: folder)
      let own = try await TinyMedium.write(TinyMedium.builder(Self.second, in: folder), in: folder) { efi in
        try await ExternalCommand("mdeltree", ["-i", efi.string, "::/boot"], package: "mtools").run()
      }
      let line = try await start(Case(firmware: .secureBoot, attachment: .stick), own, other, folder)
      #expect(line.contains("lifeboat.id=\(Self.first) "))
    }
  }

  /// “Start the computer's own disk”: the disk is a medium without the mark that says so, and starts itself.
  @Test(arguments: [
    Case(firmware: .bios, attachment: .disc), Case(firmware: .bios, attachment: .stick),
    Case(firmware: .secureBoot, attachment: .stick),
  ])
  func theOwnDiskStarts(_ boot: Case) async throws {
    try await TemporaryFolder.with { folder in
      let disk = try await TinyMedium.write(TinyMedium.builder(Self.first, in: folder), in: folder) { efi in
        try await ExternalCommand("mdel", ["-i", efi.string, "::/EFI/BOOT/lifeboat"], package: "mtools").run()
      }
      var builder = try await TinyMedium.builder(Self.second, in: folder)
      builder.defaultEntry = "disk"
      let medium = try await TinyMedium.write(builder, in: folder)
      let line = try await start(boot, medium, nil, folder, disk: disk)
      #expect(line.contains("lifeboat.id=\(Self.first) "))
    }
  }

  private func start(_ boot: Case, _ own: FilePath, _ other: FilePath?, _ folder: FilePath, disk: FilePath? = nil)
    async throws -> String
  {
    var machine = TrialMachine(
      medium: own, attachment: boot.attachment, firmware: boot.firmware, memory: .mebibytes(1024),
      hasCPU32Bit: boot.cpu32, hasNetwork: false)
    machine.companions = other.map { [$0] } ?? []
    machine.disk = disk
    return try await machine.run(scratch: folder, limit: .seconds(240)) { machine in
      let line = try await machine.line { $0.contains(TinySystem.ready) && !$0.contains("Command line") }
      try await machine.ended()
      return line
    }
  }
}
