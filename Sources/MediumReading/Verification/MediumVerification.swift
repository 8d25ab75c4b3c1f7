// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
public import HostSystem
public import Signing
public import SystemPackage

/// Checks that a medium is, byte for byte, what was written.
///
/// The record (`lifeboat.json`) answers for the content of files, for the EFI system partition and for the boot code;
/// the seal in the primary volume descriptor answers for every other byte, the record's own file among them. On top
/// of it, structures that must agree are compared. Whether the record itself is genuine is for a signature to say:
/// `Report.recordBytes` and `signatureBytes` are what to check.
public enum MediumVerification {
  /// How much of a file or device belongs to the image.
  public enum Scope: Sendable {
    /// Everything of a file; of a device the image alone.
    case automatic
    /// Bytes after the image are a finding.
    case whole
    /// Bytes after the image do not matter.
    case imageOnly
  }

  /// Reads all of a medium and compares it.
  /// - Throws: `Failure`, `ISOReader.Failure`, `OperationFailure`, `CancellationError`.
  public static func verify(
    _ path: FilePath, scope: Scope = .automatic, progress: ProgressEvent.Handler = { _ in }
  ) async throws -> Report {
    try await verify(DiskImageReader(path), scope: scope, progress: progress)
  }

  /// Reads all of a medium and compares it.
  package static func verify(
    _ whole: DiskImageReader, scope: Scope = .automatic, progress: ProgressEvent.Handler = { _ in }
  ) async throws -> Report {
    let place = StructureSeal.range
    let field = try whole.available(at: place.lowerBound, count: place.count)
    let seal = StructureSeal(field: field)
    var image = try extent(of: whole, seal)
    var behind: [Finding] = []
    let ignoresRest = scope == .imageOnly || (scope == .automatic && whole.isBlockDevice)
    if image.size < whole.size, !ignoresRest {
      behind = [Finding(.trailing, structure: "the image", ranges: [image.size.bytes..<whole.size.bytes])]
    }
    var reader: ISOReader
    do { reader = try ISOReader(image) } catch let failure as ISOReader.Failure {
      guard let seal else { throw failure }
      return try headReport(image, seal, failure, behind)
    }
    let record = try record(of: reader, seal)
    if let record, image.size < whole.size, scope != .imageOnly {
      let drive = try DriveTables(whole, image: image, record: record)
      if drive.hasData { behind = [] }
      behind += drive.findings
      image = drive.image
      reader = try ISOReader(image)
    }
    let map = MediumMap(reader, record: record)
    let inPieces = VerificationVerdict.contentsInPieces(map, record)
    let sweep = try await MediumSweep(map, inPieces: inPieces, image: image, progress: progress)
    var verdict = VerificationVerdict(reader: reader, map: map, record: record, seal: seal, sweep: sweep)
    var report = try verdict.report(StructureSeal.seemsSealed(field))
    report.findings += behind
    return report
  }

  /// The record on a medium.
  /// - Throws: `Failure`, `OperationFailure`.
  public static func record(of reader: ISOReader) throws -> MediumRecord {
    guard let node = reader.tree.node(MediumRecord.path), node.kind == .file else {
      throw Failure.notLifeboat(path: reader.image.path)
    }
    let bytes: [UInt8]
    do { bytes = try reader.content(of: node) } catch let failure as ISOReader.Failure {
      throw Failure.unreadableRecord(path: reader.image.path, range: range(of: node), reason: failure.message)
    }
    do {
      let format = try JSONDecoder().decode(Format.self, from: Data(bytes)).format
      guard format <= 1 else { throw Failure.newerRecord(path: reader.image.path, format: format) }
      return try JSONDecoder().decode(MediumRecord.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw Failure.unreadableRecord(path: reader.image.path, range: range(of: node), reason: Self.reason(error))
    }
  }

  /// The record's bytes as they stand on a medium: what a signature is over.
  /// - Throws: `ISOReader.Failure`, `OperationFailure`.
  public static func recordBytes(of reader: ISOReader) throws -> [UInt8] {
    try reader.content(of: MediumRecord.path)
  }

  /// The bytes of the signature over the record, or nil when the medium has none.
  /// - Throws: `ISOReader.Failure`, `OperationFailure`.
  public static func signatureBytes(of reader: ISOReader) throws -> [UInt8]? {
    guard let node = reader.tree.node(MediumRecord.signaturePath), node.kind == .file else { return nil }
    return try reader.content(of: node, limit: .mebibytes(1))
  }

  private struct Format: Decodable { var format: Int }

  private static func range(of node: ISONode) -> ByteRange {
    node.extents.first ?? ByteRange(offset: .zero, length: .zero)
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .dataCorrupted(let context): context.codingPath.isEmpty ? "it is not JSON" : text(context)
    case .keyNotFound(let key, let context): "\(text(context)): \(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): text(context)
    @unknown default: "it is not a record"
    }
  }

  private static func text(_ context: DecodingError.Context) -> String {
    let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    return (path.isEmpty ? "it" : path).printable + " is not what a record has there"
  }

  // MARK: Extent

  /// The image inside a file or device: as the seal says; without one, as the descriptors of a device say.
  private static func extent(of whole: DiskImageReader, _ seal: StructureSeal?) throws -> DiskImageReader {
    var size = seal?.imageSize
    if size == nil, let reader = try? ISOReader(whole) {
      let backup = reader.partitionTable?.primary.flatMap { $0.isValid ? $0.other + ByteCount(512) : nil } ?? .zero
      let promised = max(reader.information.size, backup)
      if whole.isBlockDevice || promised > whole.size { size = promised }
    }
    guard let size else { return whole }
    guard size <= whole.size else {
      throw Failure.truncated(path: whole.path, expected: size, actual: whole.size)
    }
    return whole.limited(to: size.bytes)
  }

  /// The record, or nil when it is damaged and the seal will say so.
  private static func record(of reader: ISOReader, _ seal: StructureSeal?) throws -> MediumRecord? {
    do { return try record(of: reader) } catch let failure as Failure {
      guard let seal else { throw failure }
      var hasher = SealHasher()
      for segment in MediumMap(reader, record: nil).segments where segment.owner == .sealed(.record) {
        hasher.begin(segment)
        let bytes = try? reader.image.bytes(at: segment.range.lowerBound, count: segment.range.count)
        hasher.update(segment.owner, (bytes ?? [])[...])
      }
      guard hasher.finish()[SealedClass.record.index] != seal[.record] else { throw failure }
      return nil
    }
  }

  /// What can be said of a sealed image whose descriptors cannot be read: the two classes that need no parsing.
  private static func headReport(
    _ image: DiskImageReader, _ seal: StructureSeal, _ failure: ISOReader.Failure, _ trailing: [Finding]
  ) throws -> Report {
    let segments: [MediumMap.Segment] = [
      .init(range: 0..<32768, owner: .sealed(.systemArea)),
      .init(range: 32768..<StructureSeal.range.lowerBound, owner: .sealed(.primaryVolumeDescriptor)),
      .init(range: StructureSeal.range, owner: .sealField),
      .init(range: StructureSeal.range.upperBound..<34816, owner: .sealed(.primaryVolumeDescriptor)),
    ]
    guard image.size.bytes >= 34816 else { throw failure }
    var hasher = SealHasher()
    for segment in segments {
      hasher.begin(segment)
      hasher.update(segment.owner, try image.bytes(at: segment.range.lowerBound, count: segment.range.count)[...])
    }
    let digests = hasher.finish()
    let findings = [SealedClass.systemArea, .primaryVolumeDescriptor].filter { digests[$0.index] != seal[$0] }.map {
      sealed in
      Finding(
        .changed, structure: sealed.title,
        ranges: sealed == .systemArea ? [0..<32768] : [32768..<34816], expected: seal[sealed].hex,
        actual: digests[sealed.index].hex)
    }
    guard !findings.isEmpty else { throw failure }
    return Report(
      path: image.path.string, checked: ByteCount(34816 as Int64), imageSize: image.size, files: 0,
      findings: findings + trailing, unchecked: [ByteRange(34816..<image.size.bytes)])
  }
}
