// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why a boot tree could not be put together, or a record or signature could not be accepted.
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
  /// A record is no JSON of a medium record.
  case recordUnreadable(reason: String)
  /// A record was written by a newer Lifeboat.
  case recordTooNew(format: Int, known: Int)
  /// A key's file, or its `.pub`, exists already.
  case keyExists(FilePath)
  /// A key could not be read or used.
  case keyUnusable(FilePath, reason: String)
  /// The key is of another kind than Ed25519.
  case keyNotEd25519(FilePath, type: String)
  /// There is no signature over the record.
  case signatureAbsent
  /// The signature is no SSH signature at all.
  case signatureMalformed(reason: String)
  /// The signature does not fit the record: one of them was changed.
  case signatureInvalid
  /// The signature is right but was made with another key.
  case signatureByOtherKey(fingerprint: String, expected: String)

  /// Stable identifier.
  public var code: String {
    switch self {
    case .loaderMissing: "boot-loader-missing"
    case .loaderDamaged: "boot-loader-damaged"
    case .badIdentifier: "bad-identifier"
    case .badSystems: "bad-systems"
    case .badLayerName: "bad-layer-name"
    case .badMenuPassword: "bad-menu-password"
    case .recordUnreadable: "record-unreadable"
    case .recordTooNew: "record-too-new"
    case .keyExists: "key-exists"
    case .keyUnusable: "key-unusable"
    case .keyNotEd25519: "key-not-ed25519"
    case .signatureAbsent: "signature-absent"
    case .signatureMalformed: "signature-malformed"
    case .signatureInvalid: "signature-invalid"
    case .signatureByOtherKey: "signature-by-other-key"
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
    case .recordUnreadable(let reason): "\(MediumRecord.path) is not a medium record: \(reason)"
    case .recordTooNew(let format, let known):
      "\(MediumRecord.path) has format \(format); this Lifeboat knows formats up to \(known)"
    case .keyExists(let path): "\(path) already exists; no key was made"
    case .keyUnusable(let path, let reason): "the key \(path) cannot be used: \(reason)"
    case .keyNotEd25519(let path, let type): "the key \(path) is of type \(type); site keys are ssh-ed25519"
    case .signatureAbsent: "the medium is not signed: it has no \(MediumRecord.signaturePath)"
    case .signatureMalformed(let reason): "\(MediumRecord.signaturePath) is not an SSH signature: \(reason)"
    case .signatureInvalid:
      "the signature does not fit \(MediumRecord.path): the record or the signature was changed after signing"
    case .signatureByOtherKey(let fingerprint, let expected):
      "the medium is signed with the key \(fingerprint), not with \(expected)"
    }
  }

  /// What to do about it.
  public var remedy: String? {
    switch self {
    case .loaderMissing(_, let package), .loaderDamaged(_, let package):
      loaderRemedy(package)
    case .badIdentifier, .badSystems, .badLayerName: nil
    case .badMenuPassword: "Make one with grub-mkpasswd-pbkdf2 and copy the whole line into the manifest."
    case .recordUnreadable: "Check that this is a Lifeboat medium; if it is, it is damaged: write it again."
    case .recordTooNew: "Install the Lifeboat that wrote this medium, or a newer one."
    case .keyExists: "Choose another name, or move the old key away if nobody needs it any more."
    case .keyUnusable(let path, _):
      "Check the path; for a key with a passphrase run “ssh-add \(path)” first and name its .pub file."
    case .keyNotEd25519: "Make a site key with: lifeboat key new"
    case .signatureAbsent: "Use a medium that was built with --sign."
    case .signatureMalformed, .signatureInvalid: "Do not use this medium; write it again from its signed source."
    case .signatureByOtherKey: "Do not use this medium unless you know and trust that key."
    }
  }

  private func loaderRemedy(_ package: String) -> String {
    guard case .loaderMissing = self else { return "Remove it from the cache, so that its package is unpacked again." }
    return "Unpack the package \(package) again, or check that the mirror has it."
  }

  /// Inputs, missing packages and refused signatures differ.
  public var exitCode: ExitStatus {
    switch self {
    case .loaderMissing, .loaderDamaged: .unavailable
    case .badIdentifier, .badSystems, .badLayerName: .defect
    case .badMenuPassword, .recordUnreadable, .recordTooNew, .keyNotEd25519: .badInput
    case .keyExists: .cannotCreate
    case .keyUnusable: .noInput
    case .signatureAbsent, .signatureMalformed, .signatureInvalid, .signatureByOtherKey: .notAsPromised
    }
  }
}
