// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import Signing
public import SystemPackage

/// A medium of Lifeboat's of which every byte was compared with its record, and its signature with a key where one was
/// given: the second waist of the river. Nothing but a passed verification makes one.
public struct VerifiedMedium: Sendable {
  /// The image or device.
  public let path: FilePath
  /// What the medium says of itself.
  public let record: MediumRecord
  /// The record as it stands on the medium.
  public let recordBytes: [UInt8]
  /// The signature over it, or nil.
  public let signatureBytes: [UInt8]?
  /// The medium itself, open since before it was verified. Its file may be changed nevertheless: whoever reads on
  /// compares what is read with the record.
  public let reader: ISOReader

  /// Reads all of a medium and compares it.
  /// - Parameter key: a public key by which the record must be signed.
  /// - Throws: `MediumVerification.Failure`, `.damaged` and `.notSigned` among them; `SigningFailure` for a key that cannot
  ///   be used; `ISOReader.Failure`, `OperationFailure`, `CancellationError`.
  public init(_ path: FilePath, key: FilePath? = nil, progress: ProgressEvent.Handler = { _ in }) async throws {
    let image = try DiskImageReader(path)
    let report = try await MediumVerification.verify(image, progress: progress)
    guard report.isClean else {
      let places = report.unchecked.map { "bytes that nothing accounts for: \($0)" }
      throw MediumVerification.Failure.damaged(path: path, findings: report.findings.map(\.message) + places)
    }
    if let key {
      do { try await report.checkSignature(publicKey: key) } catch let failure as SigningFailure
        where failure.kind == .notAsPromised
      {
        throw MediumVerification.Failure.notSigned(path: path, reason: failure.message)
      }
    }
    self.path = path
    (recordBytes, signatureBytes) = (report.recordBytes, report.signatureBytes)
    record = try MediumRecord(decoding: report.recordBytes)
    reader = try ISOReader(image.limited(to: report.imageSize.bytes))
  }
}
