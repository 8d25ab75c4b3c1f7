// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// The whole image as an ordered list of ranges without holes or overlaps: every byte has exactly one owner.
///
/// Structures come first, then the content of files, then partitions and boot images that lie outside the file
/// system; what is left is padding after a file or a gap.
struct ImageLayout {
  /// Who owns a range.
  enum Owner: Equatable {
    case structure(ImageStructure)
    /// Content, by its index in `contents`, and the offset in it where the range starts.
    case content(Int, at: Int64)
  }

  struct Region: Equatable {
    var range: Range<Int64>
    var owner: Owner
  }

  /// A stretch of content with the files whose content it is (hard links share theirs).
  struct Content {
    var paths: [String]
    var size: Int64
    var extents: [Range<Int64>]
    /// The EFI system partition, which is no file of the tree (or is one and a partition as well).
    var isEFISystemPartition = false
  }

  /// Files whose bytes lie, partly, where something else lies, or outside the image.
  private(set) var misplaced: [ISONode] = []
  private(set) var contents: [Content] = []
  private(set) var regions: [Region] = []
  let size: Int64

  /// - Parameter efiSystemPartitionSize: the size of the FAT image, which may be less than that of its partition.
  init(_ reader: ISOReader, efiSystemPartitionSize: Int64? = nil) {
    size = reader.image.size.bytes
    let structures = Self.disjoint(Self.structures(of: reader), size: size)
    let system = Self.efiSystemPartition(of: reader, size: efiSystemPartitionSize)
    gatherContents(reader, system, structures)
    let files = contents.enumerated().flatMap { index, content in
      var offset: Int64 = 0
      return content.extents.map { extent in
        defer { offset += extent.upperBound - extent.lowerBound }
        return Region(range: extent, owner: .content(index, at: offset))
      }
    }
    let known = (structures + files).sorted { $0.range.lowerBound < $1.range.lowerBound }
    regions = Self.filled(known, extras: Self.disjoint(Self.extras(of: reader), size: size), size: size)
  }

  // MARK: Structures

  private static func structures(of reader: ISOReader) -> [Region] {
    var claims: [Region] = []
    func claim(_ range: Range<Int64>, _ structure: ImageStructure) {
      claims.append(Region(range: range, owner: .structure(structure)))
    }
    if reader.masterBootRecord != nil { claim(0..<512, .masterBootRecord) }
    if let primary = reader.partitionTable?.primary {
      claim(primary.range.bounds, .primaryTableHeader)
      claim(primary.entries.bounds.clamped(to: 1024..<32768), .primaryTableEntries)
    }
    claims += rest(of: 0..<32768, without: disjoint(claims, size: 32768))
    for volume in reader.volumes { claims += structures(of: volume) }
    if let catalogue = reader.catalogue { claim(catalogue.range.bounds, .bootCatalogue) }
    if let backup = reader.partitionTable?.backup {
      claim(backup.range.bounds, .backupTableHeader)
      claim(backup.entries.bounds, .backupTableEntries)
    }
    return claims
  }

  private static func rest(of area: Range<Int64>, without claims: [Region]) -> [Region] {
    let borders = [area.lowerBound] + claims.flatMap { [$0.range.lowerBound, $0.range.upperBound] } + [area.upperBound]
    return stride(from: 0, to: borders.count, by: 2).map {
      Region(range: borders[$0]..<borders[$0 + 1], owner: .structure(.systemArea))
    }
  }

  private static func structures(of volume: ISOVolume) -> [Region] {
    var claims: [(Range<Int64>, ImageStructure)] = []
    for descriptor in volume.descriptors {
      switch descriptor.kind {
      case .bootRecord: claims.append((descriptor.range, .bootRecord))
      case .primary(let found):
        claims.append((descriptor.range, .primaryVolumeDescriptor))
        claims += pathTables(found, volume).map { ($0, .pathTable) }
      case .joliet(let found):
        claims.append((descriptor.range, .jolietVolumeDescriptor))
        claims += pathTables(found, volume).map { ($0, .jolietPathTable) }
      case .terminator: claims.append((descriptor.range, .descriptorTerminator))
      case .supplementary, .other: claims.append((descriptor.range, .otherVolumeDescriptor))
      }
    }
    claims += volume.trees.flatMap(\.structures).map { ($0.range, $0.structure) }
    return claims.map { Region(range: $0.0, owner: .structure($0.1)) }
  }

  private static func pathTables(_ found: VolumeInformation, _ volume: ISOVolume) -> [Range<Int64>] {
    found.pathTables.filter { $0 > 0 }.map {
      let start = volume.offset.bytes + $0 * found.blockSize.bytes
      return start..<start + found.pathTableSize
    }
  }

  // MARK: Contents

  private static func efiSystemPartition(of reader: ISOReader, size: Int64?) -> Range<Int64>? {
    guard let found = reader.efiSystemPartition?.bounds else { return nil }
    return found.lowerBound..<min(found.upperBound, size.map { found.lowerBound + min(max($0, 0), 1 << 50) } ?? .max)
  }

  /// Hard links become one content; what overlaps a structure or an earlier content is misplaced.
  private mutating func gatherContents(_ reader: ISOReader, _ system: Range<Int64>?, _ structures: [Region]) {
    let catalogue = reader.catalogue?.range.bounds
    var files: [(extents: [Range<Int64>], nodes: [ISONode])] = []
    var known: [[Range<Int64>]: Int] = [:]
    for node in reader.tree.nodes where node.kind == .file && node.size > .zero {
      let extents = node.extents.map(\.bounds)
      if let catalogue, let first = extents.first, catalogue.contains(first.lowerBound), extents.count == 1 { continue }
      if let index = known[extents] {
        files[index].nodes.append(node)
      } else {
        known[extents] = files.count
        files.append((extents, [node]))
      }
    }
    // A file that starts where the partition starts is the partition.
    let isFile = system.map { system in files.contains { $0.extents.first?.lowerBound == system.lowerBound } } ?? true
    if let system, !isFile { files.append(([system], [])) }
    var taken = structures.map(\.range)
    let order = files.indices.sorted { Self.start(files[$0].extents) < Self.start(files[$1].extents) }
    var accepted: [Range<Int64>] = []
    taken.sort { $0.lowerBound < $1.lowerBound }
    for index in order {
      let (extents, nodes) = files[index]
      guard Self.isFree(extents, taken, accepted, size) else {
        misplaced += nodes
        continue
      }
      accepted += extents.sorted { $0.lowerBound < $1.lowerBound }
      contents.append(
        Content(
          paths: nodes.map(\.path), size: extents.reduce(0) { $0 + $1.upperBound - $1.lowerBound }, extents: extents,
          isEFISystemPartition: extents.first?.lowerBound == system?.lowerBound))
    }
  }

  private static func start(_ extents: [Range<Int64>]) -> Int64 { extents.map(\.lowerBound).min() ?? 0 }

  /// Whether extents lie inside the image, apart from each other, from all structures and from what was accepted.
  ///
  /// Extents come in ascending order of their first byte, so `accepted` need only be asked for its highest end;
  /// files whose extents are interleaved with another file's are refused by this, which no ISO writer makes.
  private static func isFree(
    _ extents: [Range<Int64>], _ taken: [Range<Int64>], _ accepted: [Range<Int64>], _ size: Int64
  ) -> Bool {
    var end = accepted.last?.upperBound ?? 0
    for extent in extents.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard extent.lowerBound >= end, extent.upperBound <= size else { return false }
      let next = taken.partitioningIndex { $0.upperBound > extent.lowerBound }
      if next < taken.count, taken[next].overlaps(extent) { return false }
      end = extent.upperBound
    }
    return true
  }

  // MARK: What lies outside the file system

  private static func extras(of reader: ISOReader) -> [Region] {
    let partitions =
      (reader.partitionTable?.partitions.map(\.range) ?? [])
      + (reader.masterBootRecord?.partitions.filter { $0.type != 0xEE && $0.type != 0 }.map(\.range) ?? [])
    let volumes = Set(reader.volumes.map(\.offset))
    let outside = partitions.filter { !volumes.contains($0.offset) && $0.offset.bytes > 0 }.map {
      Region(range: $0.bounds, owner: .structure(.partition))
    }
    let images = (reader.catalogue?.entries ?? []).filter { $0.offset.bytes > 0 }.map {
      Region(
        range: $0.offset.bytes..<$0.offset.bytes + max($0.loadSize.bytes, 2048), owner: .structure(.bootImage))
    }
    return images + outside
  }

  // MARK: Intervals

  /// Makes claims disjoint: an earlier claim of the list wins where two overlap.
  private static func disjoint(_ claims: [Region], size: Int64) -> [Region] {
    let clamped = claims.map { Region(range: $0.range.clamped(to: 0..<size), owner: $0.owner) }
    let order = clamped.indices.filter { !clamped[$0].range.isEmpty }.sorted {
      (clamped[$0].range.lowerBound, $0) < (clamped[$1].range.lowerBound, $1)
    }
    var result: [Region] = []
    var cursor: Int64 = 0
    for index in order {
      var region = clamped[index]
      guard region.range.upperBound > cursor else { continue }
      region.range = max(region.range.lowerBound, cursor)..<region.range.upperBound
      cursor = region.range.upperBound
      result.append(region)
    }
    return result
  }

  /// Fills the holes between sorted regions: up to the block's end with padding after content, then with the extras,
  /// then with gaps.
  private static func filled(_ known: [Region], extras: [Region], size: Int64) -> [Region] {
    var result: [Region] = []
    var cursor: Int64 = 0
    func fill(to end: Int64) {
      if case .content = result.last?.owner, cursor % 2048 != 0, cursor < end {
        let blockEnd = min((cursor / 2048 + 1) * 2048, end)
        result.append(Region(range: cursor..<blockEnd, owner: .structure(.filePadding)))
        cursor = blockEnd
      }
      var next = extras.partitioningIndex { $0.range.upperBound > cursor }
      while cursor < end {
        let extra = next < extras.count ? extras[next] : nil
        let start = min(extra?.range.lowerBound ?? end, end)
        if cursor < start { result.append(Region(range: cursor..<start, owner: .structure(.gap))) }
        cursor = max(cursor, start)
        if let extra, cursor < end {
          let stop = min(extra.range.upperBound, end)
          result.append(Region(range: cursor..<stop, owner: extra.owner))
          cursor = stop
        }
        next += 1
      }
    }
    for region in known {
      fill(to: region.range.lowerBound)
      result.append(region)
      cursor = region.range.upperBound
    }
    fill(to: size)
    return result
  }
}

extension Array {
  /// The first index whose element satisfies a predicate that is false, then true, along the array.
  func partitioningIndex(where isInSecond: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isInSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension ISOReader {
  /// Where the EFI system partition lies: as the GPT says, the MBR, or El Torito's entry for UEFI.
  public var efiSystemPartition: ByteRange? {
    if let found = partitionTable?.partitions.first(where: { $0.isEFISystemPartition }) { return found.range }
    if let found = masterBootRecord?.partitions.first(where: { $0.type == 0xEF }) { return found.range }
    guard let entry = catalogue?.entries.first(where: { $0.platform == 0xEF }) else { return nil }
    if let file = tree.nodes.first(where: { $0.extents.first?.offset == entry.offset }) { return file.extents.first }
    return ByteRange(offset: entry.offset, length: entry.loadSize)
  }
}
