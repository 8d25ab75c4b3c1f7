// SPDX-License-Identifier: GPL-3.0-or-later

/// What a client runs its boot file on (option 93, RFC 4578 §2.1): IANA's "Processor Architecture Types".
///
/// RFC 4578 as printed has 7 for EFI byte code and 9 for x64; its erratum 4624 swaps the two, and IANA has it so. Almost
/// all x64 firmware says 7; what was written by the printed text says 9.
public struct ClientArchitecture: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  /// The number on the wire.
  public let rawValue: UInt16

  /// Wraps a number, known or not.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  private init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// 0: a PC with a BIOS, whether its processor is 32-bit or 64-bit.
  public static let bios = ClientArchitecture(0)
  /// 6: x86 UEFI.
  public static let uefiIA32 = ClientArchitecture(6)
  /// 7: x64 UEFI.
  public static let uefiX64 = ClientArchitecture(7)
  /// 9: x64 UEFI by RFC 4578's printed text; EFI byte code by its erratum.
  public static let uefiByteCode = ClientArchitecture(9)
  /// 10: ARM 32-bit UEFI.
  public static let uefiARM32 = ClientArchitecture(10)
  /// 11: ARM 64-bit UEFI.
  public static let uefiARM64 = ClientArchitecture(11)
  /// 15: x86 UEFI, boot from HTTP.
  public static let uefiIA32HTTP = ClientArchitecture(15)
  /// 16: x64 UEFI, boot from HTTP.
  public static let uefiX64HTTP = ClientArchitecture(16)
  /// 18: ARM 32-bit UEFI, boot from HTTP.
  public static let uefiARM32HTTP = ClientArchitecture(18)
  /// 19: ARM 64-bit UEFI, boot from HTTP.
  public static let uefiARM64HTTP = ClientArchitecture(19)

  private static let names: [UInt16: String] = [
    0: "x86 BIOS", 1: "NEC/PC98", 2: "Itanium", 3: "DEC Alpha", 4: "Arc x86", 5: "Intel Lean Client", 6: "x86 UEFI",
    7: "x64 UEFI", 8: "EFI Xscale", 9: "EBC", 10: "ARM 32-bit UEFI", 11: "ARM 64-bit UEFI",
    12: "PowerPC Open Firmware", 13: "PowerPC ePAPR", 14: "POWER OPAL v3", 15: "x86 UEFI boot from HTTP",
    16: "x64 UEFI boot from HTTP", 17: "EBC boot from HTTP", 18: "ARM 32-bit UEFI boot from HTTP",
    19: "ARM 64-bit UEFI boot from HTTP", 20: "PC/AT BIOS boot from HTTP", 21: "ARM 32-bit U-Boot",
    22: "ARM 64-bit U-Boot", 23: "ARM 32-bit U-Boot boot from HTTP", 24: "ARM 64-bit U-Boot boot from HTTP",
    25: "RISC-V 32-bit UEFI", 26: "RISC-V 32-bit UEFI boot from HTTP", 27: "RISC-V 64-bit UEFI",
    28: "RISC-V 64-bit UEFI boot from HTTP", 29: "RISC-V 128-bit UEFI", 30: "RISC-V 128-bit UEFI boot from HTTP",
    31: "s390 Basic", 32: "s390 Extended", 33: "MIPS 32-bit UEFI", 34: "MIPS 64-bit UEFI", 35: "Sunway 32-bit UEFI",
    36: "Sunway 64-bit UEFI", 37: "LoongArch 32-bit UEFI", 38: "LoongArch 32-bit UEFI boot from HTTP",
    39: "LoongArch 64-bit UEFI", 40: "LoongArch 64-bit UEFI boot from HTTP", 41: "ARM rpiboot",
  ]

  /// The registry's name and the number: `x64 UEFI (7)`.
  public var description: String { "\(Self.names[rawValue] ?? "unknown architecture") (\(rawValue))" }
}
