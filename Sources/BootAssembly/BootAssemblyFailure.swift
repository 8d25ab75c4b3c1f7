// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why a boot tree could not be put together.
public enum BootAssemblyFailure: Diagnosable, Equatable {
  /// A boot loader file is not where its unpacked Debian package should have put it.
  case loaderMissing(file: FilePath, package: String)
  /// A boot loader file is not what its name says.
  case loaderDamaged(file: FilePath, reason: String)
  /// A medium's identifier is not 16 lower-case hexadecimal digits.
  case badIdentifier(String)
  /// The systems for a medium are none, too many, or the same twice.
  case badSystems(reason: String)
  /// A layer's name would not survive on a medium or in a list of files.
  case badLayerName(String)
  /// The menu password is no `grub.pbkdf2.sha512.…` hash.
  case badMenuPassword

  /// Stable identifier.
  public var code: String {
    switch self {
    case .loaderMissing: "boot-loader-missing"
    case .loaderDamaged: "boot-loader-damaged"
    case .badIdentifier: "bad-identifier"
    case .badSystems: "bad-systems"
    case .badLayerName: "bad-layer-name"
    case .badMenuPassword: "bad-menu-password"
    }
  }

  /// What happened and where.
  public var message: String {
    switch self {
    case .loaderMissing(let file, let package): "\(file) is missing; the Debian package \(package) should hold it"
    case .loaderDamaged(let file, let reason): "\(file) is damaged: \(reason)"
    case .badIdentifier(let text): "“\(text)” is not a medium identifier, which has 16 lower-case hexadecimal digits"
    case .badSystems(let reason): "these systems cannot share a medium: \(reason)"
    case .badLayerName(let name):
      "“\(name)” is not a layer name, which has the form NN-name.squashfs of letters, digits, “.”, “_” and “-”"
    case .badMenuPassword: "the menu password is not a hash of the form grub.pbkdf2.sha512.ROUNDS.SALT.HASH"
    }
  }

  /// What to do about it.
  public var remedy: String? {
    switch self {
    case .loaderMissing(_, let package), .loaderDamaged(_, let package):
      loaderRemedy(package)
    case .badIdentifier, .badSystems, .badLayerName: nil
    case .badMenuPassword: "Make one with grub-mkpasswd-pbkdf2 and copy the whole line into the manifest."
    }
  }

  private func loaderRemedy(_ package: String) -> String {
    guard case .loaderMissing = self else { return "Remove it from the cache, so that its package is unpacked again." }
    return "Unpack the package \(package) again, or check that the mirror has it."
  }

  /// Missing packages, inputs and defects differ.
  public var kind: FailureKind {
    switch self {
    case .loaderMissing, .loaderDamaged: .unavailable
    case .badIdentifier, .badSystems, .badLayerName: .defect
    case .badMenuPassword: .badInput
    }
  }
}
