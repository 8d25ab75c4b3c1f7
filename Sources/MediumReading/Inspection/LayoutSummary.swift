// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

/// An image's layout as a person wants to read it: large files by name, small ones and directories in groups.
enum LayoutSummary {
  typealias LayoutRange = ISOInspection.LayoutRange

  static func ranges(of reader: ISOReader, record: MediumRecord?) -> [LayoutRange] {
    let layout = ImageLayout(reader, efiSystemPartitionSize: record?.efiSystemPartition?.size.bytes)
    let named = large(layout)
    return layout.regions.reduce(into: []) { result, region in
      let next = range(region, layout, named, reader)
      if let last = result.last, let both = merged(last, next) {
        result[result.count - 1] = both
      } else {
        result.append(next)
      }
    }
  }

  /// The contents that get a line of their own: at least a hundredth of the image, or 1 MiB, the 24 largest of them.
  private static func large(_ layout: ImageLayout) -> Set<Int> {
    let enough = min(max(layout.size / 100, 2048), 1 << 20)
    let candidates = layout.contents.indices.filter { layout.contents[$0].size >= enough }
    return Set(candidates.sorted { layout.contents[$0].size > layout.contents[$1].size }.prefix(24))
  }

  private static func range(
    _ region: ImageLayout.Region, _ layout: ImageLayout, _ named: Set<Int>, _ reader: ISOReader
  ) -> LayoutRange {
    let place = ByteRange(region.range)
    func make(_ structure: String, _ title: String, name: String? = nil, count: Int? = nil) -> LayoutRange {
      LayoutRange(
        offset: place.offset, length: place.length, structure: structure, title: title, name: name, count: count)
    }
    switch region.owner {
    case .content(let index, _):
      let content = layout.contents[index]
      let name = content.paths.first.map { "/" + $0 }
      if content.isEFISystemPartition {
        return make("efi-system-partition", VerificationVerdict.efiSystemPartition, name: name)
      }
      if let name, reader.catalogue?.entries.contains(where: { $0.offset == place.offset }) == true {
        return make("file", "boot image", name: name)
      }
      return named.contains(index) ? make("file", "file", name: name) : make("files", "files", count: 1)
    case .structure(.filePadding): return make("files", "files", count: 0)
    case .structure(.partition):
      let partition = reader.partitionTable?.partitions.first { $0.range.bounds.contains(region.range.lowerBound) }
      return make(ImageStructure.partition.rawValue, ImageStructure.partition.title, name: partition?.name)
    case .structure(let structure):
      let isCounted = [.directory, .jolietDirectory].contains(structure)
      return make(structure.rawValue, structure.title, count: isCounted ? 1 : nil)
    }
  }

  /// Neighbours of one kind become one range; a continuation area counts as part of its directory, and the padding
  /// after a large file, a table or a directory as part of what comes before it.
  private static func merged(_ first: LayoutRange, _ second: LayoutRange) -> LayoutRange? {
    let groups = ["files", ImageStructure.directory.rawValue, ImageStructure.jolietDirectory.rawValue]
    let tables = [ImageStructure.pathTable.rawValue, ImageStructure.jolietPathTable.rawValue]
    let isSame = first.structure == second.structure && (groups + tables).contains(first.structure)
    let isContinuation =
      second.structure == ImageStructure.continuationArea.rawValue && first.structure == groups[1]
    let isPadding = second.structure == "files" && second.count == 0 && second.length.bytes < 2048
    let isRestOfBlock =
      [ImageStructure.gap.rawValue, ImageStructure.partition.rawValue].contains(second.structure)
      && second.length.bytes < 2048
      && (groups.dropFirst() + tables).contains(first.structure)
    guard isSame || isContinuation || isRestOfBlock || (isPadding && first.structure == "file") else { return nil }
    var both = first
    both.length += second.length
    if isSame, let one = first.count, let two = second.count { both.count = one + two }
    return both
  }
}
