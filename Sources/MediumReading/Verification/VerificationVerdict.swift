// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing
internal import SystemPackage

/// Compares what a sweep computed with what the record and the seal promise.
struct VerificationVerdict {
  typealias Finding = MediumVerification.Finding

  let reader: ISOReader
  let map: MediumMap
  let record: MediumRecord?
  let seal: StructureSeal?
  let sweep: MediumSweep

  private var findings: [Finding] = []
  private var unchecked: [Range<Int64>] = []
  private var files = 0

  /// Without the record nobody knows where these end.
  private static let needRecord: [SealedClass] = [.patchedBootImageBytes, .everythingElse, .checksumList]
  static let efiSystemPartition = "EFI system partition"

  init(reader: ISOReader, map: MediumMap, record: MediumRecord?, seal: StructureSeal?, sweep: MediumSweep) {
    self.reader = reader
    self.map = map
    self.record = record
    self.seal = seal
    self.sweep = sweep
  }

  /// The contents that the record has piece digests of.
  static func contentsInPieces(_ map: MediumMap, _ record: MediumRecord?) -> Set<Int> {
    let paths = Set(record?.files.lazy.filter { $0.pieces != nil }.map(\.path) ?? [])
    let system = record?.efiSystemPartition?.pieces != nil
    return Set(
      map.layout.contents.indices.filter {
        let content = map.layout.contents[$0]
        return content.paths.contains(where: paths.contains) || (content.isEFISystemPartition && system)
      })
  }

  /// - Throws: `OperationFailure`, `ISOReader.Failure` from reading single structures again.
  mutating func report(_ seemsSealed: Bool) throws -> MediumVerification.Report {
    judgeSeal(seemsSealed)
    if let record {
      judgeContents(record)
      try judgeList(record)
      try judgeBootCode(record)
      findings += try CrossCheck(reader: reader, map: map, record: record).findings()
      judgeLayout(record)
      // What the seal has found is not told twice.
      let damaged = findings.filter { $0.kind == .changed }.flatMap(\.ranges).map(\.bounds)
      findings += try LayoutCheck(reader: reader, map: map, record: record, sweep: sweep).findings().filter { finding in
        !finding.ranges.contains { range in damaged.contains { $0.overlaps(range.bounds) } }
      }
    } else {
      unchecked += map.segments.filter { if case .content = $0.owner { true } else { false } }.map(\.range)
    }
    if !sweep.unreadable.isEmpty {
      findings.append(Finding(.unreadable, structure: "some blocks", ranges: Self.merged(sweep.unreadable)))
    }
    let rest = Self.merged(unchecked)
    let size = map.layout.size
    let signature = readSignature()
    var report = MediumVerification.Report(
      path: reader.image.path.string, identifier: record?.identifier, image: record?.image, title: record?.title,
      checked: ByteCount(size - rest.reduce(0) { $0 + Int64($1.count) }), imageSize: ByteCount(size), files: files,
      findings: findings.sorted { Self.place($0) < Self.place($1) }, unchecked: rest.map { ByteRange($0) },
      coversLayout: record?.layout != nil, recordBytes: (try? MediumVerification.recordBytes(of: reader)) ?? [])
    switch signature {
    case .success(let bytes): report.signatureBytes = bytes
    case .failure(let error): report.signatureUnreadable = (error as? any Diagnosable)?.message ?? "\(error)"
    }
    return report
  }

  /// A signature that cannot be read is not one that is missing.
  private func readSignature() -> Result<[UInt8]?, any Error> {
    Result { try MediumVerification.signatureBytes(of: reader) }
  }

  /// The record's digest of all that is no file's: it is signed, as the seal is not.
  private mutating func judgeLayout(_ record: MediumRecord) {
    let actual = StructureSeal.layout(imageSize: ByteCount(map.layout.size), digests: sweep.sealed)
    let isKnown = findings.contains { $0.kind == .changed && $0.file == nil } || seal == nil
    guard let layout = record.layout, layout != actual, !isKnown else { return }
    findings.append(
      Finding(
        .changed, structure: "the layout (tables, descriptors, folders, padding), although it was sealed again,",
        expected: layout.hex, actual: actual.hex))
  }

  private static func place(_ finding: Finding) -> Int64 { finding.ranges.first?.offset.bytes ?? -1 }

  static func merged(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
    ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { result, range in
      if let last = result.last, last.upperBound >= range.lowerBound {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
  }

  // MARK: Structures

  private mutating func judgeSeal(_ seemsSealed: Bool) {
    guard let seal else {
      let what = seemsSealed ? "the seal in the primary volume descriptor" : "the seal"
      findings.append(Finding(.unsealed, structure: what, ranges: [StructureSeal.range]))
      unchecked += map.segments.filter { $0.owner.sealedClass != nil }.map(\.range)
      return
    }
    for sealed in SealedClass.allCases {
      let ranges = map.ranges(of: sealed)
      if record == nil, Self.needRecord.contains(sealed) {
        unchecked += ranges
        continue
      }
      let actual = sweep.sealed[sealed.index]
      guard actual != seal[sealed] else { continue }
      let places = located(sealed, ranges, seal[sealed])
      findings.append(finding(sealed, places, expected: seal[sealed].hex, actual: actual.hex))
    }
  }

  private func finding(_ sealed: SealedClass, _ places: [Range<Int64>], expected: String, actual: String) -> Finding {
    let path: String? =
      switch sealed {
      case .record: MediumRecord.path
      case .signature: MediumRecord.signaturePath
      case .checksumList: MediumMap.checksumListPath
      default: nil
      }
    guard let path else {
      return Finding(.changed, structure: sealed.title, ranges: places, expected: expected, actual: actual)
    }
    if places.isEmpty { return Finding(.missing, file: path, expected: expected) }
    let isUnlisted = expected == Digest(of: []).hex
    return Finding(
      isUnlisted ? .unlisted : .changed, file: path, ranges: places,
      inFile: 0..<places.reduce(0) { $0 + Int64($1.count) },
      expected: expected, actual: actual)
  }

  /// Where all bytes of a class were zero, those that no longer are can be named one by one.
  private func located(_ sealed: SealedClass, _ ranges: [Range<Int64>], _ expected: Digest) -> [Range<Int64>] {
    guard [.filePadding, .everythingElse].contains(sealed), expected == SealHasher.digestOfZeros(ranges) else {
      return ranges
    }
    var found: [Range<Int64>] = []
    for range in ranges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) {
        let count = Int(min(range.upperBound - start, 1 << 20))
        guard let bytes = try? reader.image.bytes(at: start, count: count) else { return ranges }
        for (index, byte) in bytes.enumerated() where byte != 0 {
          found.append(start + Int64(index)..<start + Int64(index) + 1)
          if found.count > 10_000 { return ranges }
        }
      }
    }
    return found.isEmpty ? ranges : Self.merged(found)
  }

  // MARK: Contents

  private mutating func judgeContents(_ record: MediumRecord) {
    let promises = Dictionary(
      record.files.map { ($0.path, Promise($0)) } + record.bootImages.map { ($0.path, Promise($0)) },
      uniquingKeysWith: { first, _ in first })
    for (index, content) in map.layout.contents.enumerated() {
      guard let digests = sweep.contents[index] else { continue }
      if content.isEFISystemPartition, let whole = record.efiSystemPartition {
        judge(content, digests, Promise(whole), file: nil)
      }
      for path in content.paths {
        if let promise = promises[path] {
          files += 1
          judge(content, digests, promise, file: path)
        } else {
          findings.append(Finding(.unlisted, file: path, ranges: content.extents))
          unchecked += content.extents
        }
      }
    }
    for node in map.layout.misplaced {
      findings.append(Finding(.misplaced, file: node.path, ranges: node.extents.map(\.bounds)))
    }
    if record.efiSystemPartition != nil, !map.layout.contents.contains(where: \.isEFISystemPartition) {
      findings.append(Finding(.missing, structure: Self.efiSystemPartition))
    }
  }

  /// What the record says of one content.
  struct Promise {
    var size: Int64
    var sha256: Digest
    var pieces: [Digest]?

    init(_ file: MediumRecord.File) { (size, sha256, pieces) = (file.size.bytes, file.sha256, file.pieces) }
    init(_ image: MediumRecord.BootImage) { (size, sha256, pieces) = (image.size.bytes, image.sha256, nil) }
    init(_ whole: MediumRecord.Whole) { (size, sha256, pieces) = (whole.size.bytes, whole.sha256, whole.pieces) }
  }

  private mutating func judge(
    _ content: ImageLayout.Content, _ digests: MediumSweep.ContentDigests, _ promise: Promise, file: String?
  ) {
    let structure = file == nil ? Self.efiSystemPartition : nil
    guard content.size == promise.size else {
      findings.append(
        Finding(
          .changed, file: file, structure: structure, ranges: content.extents, inFile: 0..<content.size,
          expected: "\(ByteCount(promise.size).exact) bytes", actual: "\(ByteCount(content.size).exact) bytes"))
      return
    }
    var isLocated = false
    if let pieces = promise.pieces, pieces.count == digests.pieces.count {
      for (index, pair) in zip(pieces, digests.pieces).enumerated() where pair.0 != pair.1 {
        isLocated = true
        let start = Int64(index) * MediumSweep.piece
        let part = start..<min(start + MediumSweep.piece, content.size)
        findings.append(
          Finding(
            .changed, file: file, structure: structure, ranges: Self.place(part, in: content.extents), inFile: part,
            expected: pair.0.hex, actual: pair.1.hex))
      }
    }
    if !isLocated, digests.whole != promise.sha256 {
      findings.append(
        Finding(
          .changed, file: file, structure: structure, ranges: content.extents, inFile: 0..<content.size,
          expected: promise.sha256.hex, actual: digests.whole.hex))
    }
  }

  /// Where a part of a content lies on the medium.
  static func place(_ part: Range<Int64>, in extents: [Range<Int64>]) -> [Range<Int64>] {
    var offset: Int64 = 0
    return extents.compactMap { extent in
      let here = part.clamped(to: offset..<offset + Int64(extent.count))
      defer { offset += Int64(extent.count) }
      guard !here.isEmpty else { return nil }
      return extent.lowerBound + here.lowerBound - offset..<extent.lowerBound + here.upperBound - offset
    }
  }

  // MARK: The list

  /// What the record lists and the tree lacks, empty files, and files of the tree that no content stands for.
  private mutating func judgeList(_ record: MediumRecord) throws {
    let nodes = Dictionary(
      reader.tree.nodes.lazy.filter { $0.kind == .file }.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let judged = Set(map.layout.contents.flatMap(\.paths) + map.layout.misplaced.map(\.path))
    let promised = record.files.map { ($0.path, Promise($0)) } + record.bootImages.map { ($0.path, Promise($0)) }
    for (path, promise) in promised where !judged.contains(path) {
      guard let node = nodes[path] else {
        findings.append(Finding(.missing, file: path))
        continue
      }
      files += 1
      let extents = node.extents.map(\.bounds)
      let digests = try MediumSweep.digests(of: extents, reader.image)
      judge(
        ImageLayout.Content(paths: [path], size: node.size.bytes, extents: extents), digests, promise, file: path)
    }
    let listed = Set(promised.map(\.0))
    for node in nodes.values where node.size == .zero && !listed.contains(node.path) {
      findings.append(Finding(.unlisted, file: node.path))
    }
  }

  /// The boot code up to where the ISO writer puts the loader's sector: `CrossCheck` looks at the sector itself.
  private mutating func judgeBootCode(_ record: MediumRecord) throws {
    guard let expected = record.bootCode else { return }
    let actual = Digest(of: try reader.image.available(at: 0, count: MediumRecord.bootCodeLength))
    guard actual != expected else { return }
    let range = 0..<Int64(MediumRecord.bootCodeLength)
    findings.append(
      Finding(.changed, structure: "boot code", ranges: [range], expected: expected.hex, actual: actual.hex))
  }
}
