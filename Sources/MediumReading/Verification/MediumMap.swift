// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

/// An image's layout seen with its record: who answers for each byte.
///
/// Segments are in order, disjoint and cover the image. A file's bytes are answered for by the record, all others by
/// the seal; a segment says which digest its bytes go into.
struct MediumMap {
  enum Owner: Equatable {
    /// Into the seal.
    case sealed(SealedClass)
    /// The field that holds the seal: counts as zeros in the primary descriptor's digest.
    case sealField
    /// Into a file's digest.
    case content(Int, at: Int64)
    /// Bytes that the ISO writer patched: zeros in the boot image's digest, themselves in the seal.
    case patched(Int, at: Int64)

    /// The class whose digest these bytes are part of.
    var sealedClass: SealedClass? {
      switch self {
      case .sealed(let sealed): sealed
      case .sealField: .primaryVolumeDescriptor
      case .patched: .patchedBootImageBytes
      case .content: nil
      }
    }
  }

  struct Segment: Equatable {
    var range: Range<Int64>
    var owner: Owner
  }

  let layout: ImageLayout
  private(set) var segments: [Segment] = []

  /// The list for `sha256sum -c`, which need not be in the record.
  static let checksumListPath = "sha256sum.txt"

  init(_ reader: ISOReader, record: MediumRecord?) {
    layout = ImageLayout(reader, efiSystemPartitionSize: record?.efiSystemPartition?.size.bytes)
    let listed = Set(record?.files.map(\.path) ?? [])
    let masks = Dictionary(
      (record?.bootImages ?? []).map { ($0.path, Self.ranges(of: $0)) }, uniquingKeysWith: { first, _ in first })
    for region in layout.regions {
      switch region.owner {
      case .structure(let structure):
        appendStructure(region.range, SealedClass(structure, at: region.range.lowerBound))
      case .content(let index, let start):
        let content = layout.contents[index]
        if content.isEFISystemPartition, content.paths.isEmpty, record?.efiSystemPartition == nil {
          append(region.range, .sealed(.everythingElse))
        } else if let own = Self.ownClass(content, listed) {
          append(region.range, .sealed(own))
        } else {
          appendContent(region.range, index, start, content.paths.lazy.compactMap { masks[$0] }.first ?? [])
        }
      }
    }
  }

  /// Files that the record cannot list, because they are made after it or are itself.
  private static func ownClass(_ content: ImageLayout.Content, _ listed: Set<String>) -> SealedClass? {
    if content.paths == [MediumRecord.path] { return .record }
    if content.paths == [MediumRecord.signaturePath] { return .signature }
    if content.paths == [checksumListPath], !listed.contains(checksumListPath) { return .checksumList }
    return nil
  }

  /// A boot image's masked ranges, sorted, disjoint and inside the image whatever the record says.
  static func ranges(of image: MediumRecord.BootImage) -> [Range<Int64>] {
    let whole = 0..<max(0, image.size.bytes)
    var end: Int64 = 0
    return image.masked.compactMap { pair -> Range<Int64>? in
      guard pair.count == 2, pair[0] >= 0, pair[1] > 0, pair[0] < 1 << 40, pair[1] < 1 << 40 else { return nil }
      return (Int64(pair[0])..<Int64(pair[0]) + Int64(pair[1])).clamped(to: whole)
    }.sorted { $0.lowerBound < $1.lowerBound }.compactMap { range in
      let start = max(range.lowerBound, end)
      guard start < range.upperBound else { return nil }
      end = range.upperBound
      return start..<range.upperBound
    }
  }

  private mutating func appendStructure(_ range: Range<Int64>, _ sealed: SealedClass) {
    let field = StructureSeal.range
    guard sealed == .primaryVolumeDescriptor, range.overlaps(field) else { return append(range, .sealed(sealed)) }
    let inside = field.clamped(to: range)
    append(range.lowerBound..<inside.lowerBound, .sealed(sealed))
    append(inside, .sealField)
    append(inside.upperBound..<range.upperBound, .sealed(sealed))
  }

  private mutating func appendContent(_ range: Range<Int64>, _ index: Int, _ start: Int64, _ masks: [Range<Int64>]) {
    var cursor = range.lowerBound
    for mask in masks {
      let place = (range.lowerBound - start + mask.lowerBound)..<(range.lowerBound - start + mask.upperBound)
      let inside = place.clamped(to: cursor..<range.upperBound)
      guard !inside.isEmpty else { continue }
      append(cursor..<inside.lowerBound, .content(index, at: start + cursor - range.lowerBound))
      append(inside, .patched(index, at: start + inside.lowerBound - range.lowerBound))
      cursor = inside.upperBound
    }
    append(cursor..<range.upperBound, .content(index, at: start + cursor - range.lowerBound))
  }

  private mutating func append(_ range: Range<Int64>, _ owner: Owner) {
    guard !range.isEmpty else { return }
    if let last = segments.last, case .sealed = owner, last.owner == owner {
      segments[segments.count - 1].range = last.range.lowerBound..<range.upperBound
    } else {
      segments.append(Segment(range: range, owner: owner))
    }
  }

  /// Where the bytes of a class lie.
  func ranges(of sealed: SealedClass) -> [Range<Int64>] {
    segments.filter { $0.owner.sealedClass == sealed }.map(\.range)
  }
}
