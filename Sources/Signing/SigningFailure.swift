// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why a record, a key or a signature could not be accepted.
public enum SigningFailure: Diagnosable, Equatable {
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
  /// There is a signature, and it could not be read.
  case signatureUnreadable(reason: String)
  /// The signature is no SSH signature at all.
  case signatureMalformed(reason: String)
  /// The signature does not fit the record: one of them was changed.
  case signatureInvalid
  /// The signature is right but was made with another key.
  case signatureByOtherKey(fingerprint: String, expected: String)

  /// Stable identifier.
  public var code: String {
    switch self {
    case .recordUnreadable: "record-unreadable"
    case .recordTooNew: "record-too-new"
    case .keyExists: "key-exists"
    case .keyUnusable: "key-unusable"
    case .keyNotEd25519: "key-not-ed25519"
    case .signatureAbsent: "signature-absent"
    case .signatureUnreadable: "signature-unreadable"
    case .signatureMalformed: "signature-malformed"
    case .signatureInvalid: "signature-invalid"
    case .signatureByOtherKey: "signature-by-other-key"
    }
  }

  /// What happened and where.
  public var message: String {
    switch self {
    case .recordUnreadable(let reason): "\(MediumRecord.path) is not a medium record: \(reason)"
    case .recordTooNew(let format, let known):
      "\(MediumRecord.path) has format \(format); this Lifeboat knows formats up to \(known)"
    case .keyExists(let path): "\(path) already exists; no key was made"
    case .keyUnusable(let path, let reason): "the key \(path) cannot be used: \(reason)"
    case .keyNotEd25519(let path, let type): "the key \(path) is of type \(type); site keys are ssh-ed25519"
    case .signatureAbsent: "the medium is not signed: it has no \(MediumRecord.signaturePath)"
    case .signatureUnreadable(let reason): "\(MediumRecord.signaturePath) cannot be read: \(reason)"
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
    case .recordUnreadable: "Check that this is a Lifeboat medium; if it is, it is damaged: write it again."
    case .recordTooNew: "Install the Lifeboat that wrote this medium, or a newer one."
    case .keyExists: "Choose another name, or move the old key away if nobody needs it any more."
    case .keyUnusable(let path, _):
      "Check the path; for a key with a passphrase run “ssh-add \(path)” first and name its .pub file."
    case .keyNotEd25519: "Make a site key, which is an Ed25519 key."
    case .signatureAbsent: "Use a medium that was signed."
    case .signatureUnreadable: "Try another drive or port; if it stays so, write the medium again."
    case .signatureMalformed, .signatureInvalid: "Do not use this medium; write it again from its signed source."
    case .signatureByOtherKey: "Do not use this medium unless you know and trust that key."
    }
  }

  /// Inputs and refused signatures differ.
  public var kind: FailureKind {
    switch self {
    case .recordUnreadable, .recordTooNew, .keyNotEd25519: .badInput
    case .keyExists: .cannotCreate
    case .keyUnusable: .noInput
    case .signatureUnreadable: .inputOutput
    case .signatureAbsent, .signatureMalformed, .signatureInvalid, .signatureByOtherKey: .notAsPromised
    }
  }
}
