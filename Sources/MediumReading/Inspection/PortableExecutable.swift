// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// The parts of a PE/COFF file that say which machine it is for and who signed it (Microsoft PE format; Windows
/// Authenticode Portable Executable Signature Format).
struct PortableExecutable {
  /// The COFF machine type.
  let machine: UInt16
  /// The PKCS #7 blobs of the attribute certificate table.
  let certificates: [ArraySlice<UInt8>]
  /// The content of the `.sbat` section.
  let sbat: [UInt8]?

  private let bytes: [UInt8]
  private let checksumField: Int
  private let directoryField: Int
  private let table: Range<Int>

  /// Reads a file; nil when it is not a PE file.
  init?(_ bytes: [UInt8]) {
    let start = Int(bytes.little(UInt32.self, at: 0x3C))
    guard bytes.has("MZ", at: 0), bytes.has("PE\0\0", at: start) else { return nil }
    let optional = start + 24
    let directories: Int
    switch bytes.little(UInt16.self, at: optional) {
    case 0x10B: directories = optional + 96
    case 0x20B: directories = optional + 112
    default: return nil
    }
    self.bytes = bytes
    machine = bytes.little(UInt16.self, at: start + 4)
    checksumField = optional + 64
    directoryField = directories + 4 * 8
    let hasTable = bytes.little(UInt32.self, at: directories - 4) > 4
    let offset = hasTable ? Int(bytes.little(UInt32.self, at: directoryField)) : 0
    let length = hasTable ? Int(bytes.little(UInt32.self, at: directoryField + 4)) : 0
    table = offset > 0 && offset + length <= bytes.count ? offset..<offset + length : bytes.count..<bytes.count
    certificates = Self.certificates(bytes[table])
    let sections = optional + Int(bytes.little(UInt16.self, at: start + 20))
    sbat = Self.section(
      ".sbat", in: bytes, headers: sections, count: Int(bytes.little(UInt16.self, at: start + 6)))
  }

  /// Splits the table into WIN_CERTIFICATE entries of type PKCS_SIGNED_DATA; each starts at a multiple of 8.
  private static func certificates(_ table: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var rest = table
    var found: [ArraySlice<UInt8>] = []
    while rest.count > 8, found.count < 16 {
      let length = Int(rest.little(UInt32.self, at: 0))
      guard length > 8, length <= rest.count else { break }
      if rest.little(UInt16.self, at: 6) == 2 { found.append(rest.field(8, length - 8)) }
      rest = rest.dropFirst((length + 7) / 8 * 8)
    }
    return found
  }

  private static func section(_ name: String, in bytes: [UInt8], headers: Int, count: Int) -> [UInt8]? {
    for index in 0..<min(count, 96) {
      let header = bytes.field(headers + 40 * index, 40)
      guard header.paddedText(at: 0, count: 8) == name else { continue }
      let size = min(Int(header.little(UInt32.self, at: 8)), Int(header.little(UInt32.self, at: 16)))
      return Array(bytes.field(Int(header.little(UInt32.self, at: 20)), size))
    }
    return nil
  }

  /// `x64`, `ia32`, …: as in the names of removable media boot files (UEFI, 3.5.1.1).
  var machineName: String {
    switch machine {
    case 0x8664: "x64"
    case 0x014C: "ia32"
    case 0xAA64: "aa64"
    case 0x01C0, 0x01C2, 0x01C4: "arm"
    case 0x5064: "riscv64"
    case 0x6264: "loongarch64"
    default: "machine 0x" + String(machine, radix: 16)
    }
  }

  /// The generations of the loader's components, a line each (SBAT, in shim's SBAT.md); comments and the padding left
  /// out.
  var sbatLines: [String] {
    String(decoding: (sbat ?? []).prefix { $0 != 0 }, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { String($0).printable }.filter { !$0.isEmpty }
  }

  /// The SHA-256 that an Authenticode signature is over: the file without its checksum, the directory entry of the
  /// certificate table and the table itself, padded to a multiple of 8.
  var authenticodeDigest: Digest {
    var hasher = Digest.Hasher()
    hasher.update(Array(bytes.field(0, checksumField)))
    hasher.update(Array(bytes.field(checksumField + 4, directoryField - checksumField - 4)))
    let body = directoryField + 8
    hasher.update(Array(bytes.field(body, table.lowerBound - body)))
    let tail = bytes[table.upperBound...]
    hasher.update(Array(tail))
    let length = bytes.count - table.count
    hasher.update([UInt8](repeating: 0, count: (8 - length % 8) % 8))
    return hasher.finish()
  }
}
