// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// The demo's medium starts on every firmware, from disc and from stick, and says what it is; without
/// `LIFEBOAT_BOOT_TESTS=1`, a small medium on two of them.
@Suite(.serialized) struct FirmwareTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var firmware: TrialMachine.Firmware
    var attachment: TrialMachine.Attachment
    var cpu32 = false
    /// What the image has to say of it.
    var says: String
    var testDescription: String { "\(firmware.rawValue) \(attachment.rawValue)\(cpu32 ? " 32-bit" : "")" }
  }

  /// A BIOS, and the signed chain.
  static let few = [
    Case(firmware: .bios, attachment: .disc, says: "bios"),
    Case(firmware: .secureBoot, attachment: .stick, says: "uefi64"),
  ]

  static let more = [
    Case(firmware: .bios, attachment: .disc, cpu32: true, says: "bios"),
    Case(firmware: .bios, attachment: .stick, says: "bios"),
    Case(firmware: .uefi, attachment: .disc, says: "uefi64"),
    Case(firmware: .uefi, attachment: .stick, says: "uefi64"),
    Case(firmware: .secureBoot, attachment: .disc, says: "uefi64"),
    Case(firmware: .uefiIA32, attachment: .stick, says: "uefi32"),
    Case(firmware: .uefiIA32, attachment: .disc, cpu32: true, says: "uefi32"),
  ]

  private static let isForAll = HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1"
  static var cases: [Case] { few + (isForAll ? more : []) }

  @Test(arguments: cases) func starts(_ boot: Case) async throws {
    let demo = Self.isForAll ? DemoMedium.shared : DemoMedium.small
    let medium = try await demo.path()
    let record = try MediumVerification.record(of: ISOReader(medium))
    let ready = try await TemporaryFolder.with { folder in
      let machine = TrialMachine(
        medium: medium, attachment: boot.attachment, firmware: boot.firmware, memory: .mebibytes(1024),
        hasCPU32Bit: boot.cpu32, hasNetwork: false)
      return try await machine.run(scratch: folder, limit: .seconds(600)) { machine in
        try ReadyLine(await machine.line { $0.contains(ReadyLine.mark) })
      }
    }
    let architecture = boot.cpu32 ? "x86" : "x64"
    #expect(ready.image == demo.image && ready.architecture == architecture && ready.id == record.identifier)
    #expect(ready.medium.hasPrefix(boot.attachment == .disc ? "/dev/sr" : "/dev/sd"))
    #expect(ready.firmware == boot.says)
    let expected = boot.firmware == .secureBoot ? "enabled" : boot.firmware == .bios ? "unsupported" : "disabled"
    #expect(ready.secureBoot == expected)
    let variant = try #require(record.variants.first { $0.architecture == architecture })
    let digests = Dictionary(uniqueKeysWithValues: record.files.map { ($0.path, $0.sha256.hex) })
    #expect(ready.layers.count == variant.layers.count)
    for layer in variant.layers {
      let name = try #require(FilePath(layer).lastComponent).string
      #expect(ready.layers[name] == digests[layer])
    }
  }
}
