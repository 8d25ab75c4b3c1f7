// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// An EFI program on a medium.
public struct EFILoader: Sendable, Codable, Equatable {
  /// Where a loader lies.
  public enum Place: String, Sendable, Codable {
    /// A file of the ISO.
    case iso
    /// A file of the FAT image that firmware reads.
    case efiSystemPartition = "efi-system-partition"
  }

  /// Where it lies.
  public var place: Place
  /// Its path there, with a leading `/`.
  public var path: String
  /// Its size.
  public var size: ByteCount
  /// `x64`, `ia32`, `aa64`, …; nil when it is not a PE file.
  public var machine: String?
  /// Those who signed it; empty for an unsigned loader.
  public var signatures: [AuthenticodeSignature]
  /// SBAT lines: component, generation, vendor, package, version, URL.
  public var sbat: [String]
  /// Why it could not be read.
  public var problem: String?

  /// Takes a loader apart.
  init(place: Place, path: String, bytes: [UInt8]) {
    self.place = place
    self.path = path
    size = ByteCount(bytes.count)
    signatures = []
    guard let file = PortableExecutable(bytes) else {
      sbat = []
      problem = "it is not a PE file"
      return
    }
    machine = file.machineName
    sbat = file.sbatLines
    for entry in file.certificates {
      if let found = try? AuthenticodeSignature.signatures(in: entry, of: file) {
        signatures += found
      } else {
        problem = "a signature cannot be understood"
      }
    }
  }

  /// The file name without folders, in upper case: firmware does not tell cases apart.
  var name: String { path.split(separator: "/").last.map { $0.uppercased() } ?? "" }
}
