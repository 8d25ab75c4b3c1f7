// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

/// Compares structures that must say the same, whatever the seal says: the seal finds accidents, this finds a medium
/// whose structures were changed and sealed again so that firmware or Windows see other bytes than the record lists.
struct CrossCheck {
  typealias Finding = MediumVerification.Finding

  let reader: ISOReader
  let map: MediumMap
  let record: MediumRecord

  func findings() throws -> [Finding] {
    otherTrees() + (try bootImages()) + bootSector()
  }

  /// Every tree (Joliet's, those of partitions) must show the extents of the main tree's files and no others.
  private func otherTrees() -> [Finding] {
    let known = Set(reader.tree.nodes.lazy.filter { $0.kind == .file }.map(\.extents))
    let main = reader.volumes[0].offset
    var findings: [Finding] = []
    for volume in reader.volumes {
      for tree in volume.trees where volume.offset != main || tree.flavour != reader.tree.flavour {
        for node in tree.nodes where node.kind == .file && node.size > .zero && !known.contains(node.extents) {
          let place = volume.offset == main ? tree.flavour.rawValue : "partition's \(tree.flavour.rawValue)"
          findings.append(
            Finding(
              .contradiction, structure: "the \(place) tree's /\(node.path)", ranges: node.extents.map(\.bounds)))
        }
      }
    }
    return findings
  }

  private var bootImageStarts: Set<ByteCount> {
    Set(record.bootImages.compactMap { reader.tree.node($0.path)?.extents.first?.offset })
  }

  /// What the ISO writer patched into boot images: the boot information table (bytes 8 to 63: the descriptor's block,
  /// the image's own block, its length) and GRUB's sector (bytes 2548 to 2555).
  private func bootImages() throws -> [Finding] {
    var findings: [Finding] = []
    for image in record.bootImages {
      guard let node = reader.tree.node(image.path), let extent = node.extents.first else { continue }
      let start = extent.offset.bytes
      let head = try reader.image.available(at: start, count: Int(min(node.size.bytes, 4096)))
      func check(_ range: Range<Int>, _ what: String, _ expected: UInt64, _ actual: UInt64) {
        let isMasked = MediumMap.ranges(of: image).contains {
          $0.lowerBound <= Int64(range.lowerBound) && $0.upperBound >= Int64(range.upperBound)
        }
        guard isMasked, range.upperBound <= head.count, expected != actual else { return }
        findings.append(
          Finding(
            .contradiction, structure: "the \(what) in /\(image.path)",
            ranges: [start + Int64(range.lowerBound)..<start + Int64(range.upperBound)], expected: "\(expected)",
            actual: "\(actual)"))
      }
      check(8..<12, "block of the descriptor", 16, UInt64(head.little(UInt32.self, at: 8)))
      check(12..<16, "block of the image", UInt64(start / 2048), UInt64(head.little(UInt32.self, at: 12)))
      check(16..<20, "length of the image", UInt64(node.size.bytes), UInt64(head.little(UInt32.self, at: 16)))
      check(20..<24, "checksum of the image", try checksum(node), UInt64(head.little(UInt32.self, at: 20)))
      // GRUB's loader follows its first 2,048 bytes; the field holds that sector and one more (xorriso's manual,
      // --grub2-boot-info).
      check(2548..<2556, "sector of the loader", UInt64(start / 512 + 5), head.little(UInt64.self, at: 2548))
    }
    return findings
  }

  /// The sum of all 32-bit words after the first 64 bytes.
  private func checksum(_ node: ISONode) throws -> UInt64 {
    let bytes = try reader.content(of: node, limit: .mebibytes(64))
    var sum: UInt32 = 0
    for offset in stride(from: 64, to: bytes.count, by: 4) {
      let word = (0..<4).reduce(UInt32(0)) { word, index in
        word | (offset + index < bytes.count ? UInt32(bytes[offset + index]) << (8 * UInt32(index)) : 0)
      }
      sum &+= word
    }
    return UInt64(sum)
  }

  /// A BIOS that starts the medium as a disk must get the same loader.
  private func bootSector() -> [Finding] {
    guard let offset = reader.masterBootRecord?.grubLoaderOffset, record.bootCode != nil else { return [] }
    guard !bootImageStarts.contains(offset) else { return [] }
    return [
      Finding(
        .contradiction, structure: "the loader's sector in the boot code",
        ranges: [
          Int64(MasterBootRecord.grubSectorField.lowerBound)..<Int64(MasterBootRecord.grubSectorField.upperBound)
        ])
    ]
  }
}
