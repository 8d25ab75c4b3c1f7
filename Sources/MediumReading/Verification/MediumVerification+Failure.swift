// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension MediumVerification {
  /// Why a medium cannot be verified at all; damage that can be located is a `Finding` instead.
  public enum Failure: Diagnosable, Equatable {
    /// An ISO that Lifeboat did not make: neither record nor seal.
    case notLifeboat(path: FilePath)
    /// The image ends too early.
    case truncated(path: FilePath, expected: ByteCount, actual: ByteCount)
    /// The record's format is newer than this program.
    case newerRecord(path: FilePath, format: Int)
    /// The record cannot be understood, though its bytes are as they were written (or no seal says otherwise).
    case unreadableRecord(path: FilePath, range: ByteRange, reason: String)

    /// Something on it is not as it was written.
    case damaged(path: FilePath, findings: [String])
    /// Its record is not signed by the key that it has to be signed by.
    case notSigned(path: FilePath, reason: String)

    /// Stable identifier.
    public var code: String {
      switch self {
      case .notLifeboat: "not-a-lifeboat-medium"
      case .truncated: "truncated-image"
      case .newerRecord: "newer-record"
      case .unreadableRecord: "unreadable-record"
      case .damaged: "medium-damaged"
      case .notSigned: "medium-not-signed"
      }
    }

    /// What is wrong, and where.
    public var message: String {
      switch self {
      case .notLifeboat(let path): "\(path) was not made by Lifeboat: it has no lifeboat.json to verify it against"
      case .truncated(let path, let expected, let actual):
        "\(path) is truncated: it has \(actual.exact) of \(expected.exact) bytes"
      case .newerRecord(let path, let format):
        "\(path) has a lifeboat.json of format \(format); this Lifeboat understands format 1"
      case .unreadableRecord(let path, let range, let reason):
        "\(path): lifeboat.json (bytes \(range) of the medium) cannot be understood: \(reason)"
      case .damaged(let path, let findings):
        "\(path) is not as it was built: " + findings.prefix(5).joined(separator: "; ")
      case .notSigned(let path, let reason): "\(path) is refused: \(reason)"
      }
    }

    /// What helps.
    public var remedy: String? {
      switch self {
      case .notLifeboat: "Inspect it to see what it is."
      case .truncated: "Copy or write the image again; it is not complete."
      case .newerRecord: "Update Lifeboat, then verify again."
      case .unreadableRecord: "Build the medium again; this one cannot be verified."
      case .damaged: "Copy, write or build it again."
      case .notSigned: "Build it with the site's key."
      }
    }

    /// The medium is not what was promised, or it is not a medium of ours.
    public var kind: FailureKind {
      switch self {
      case .notLifeboat, .newerRecord: .badInput
      case .truncated, .unreadableRecord, .damaged, .notSigned: .notAsPromised
      }
    }
  }
}
