// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// A FAT32 volume as it is on a disk: which folders and files there are, and where each lies. Reads only.
///
/// What programs (mtools, fsck.fat) make of a volume, they make in a file. This reads it where it ends up, past their
/// and the kernel's memory of it, and knows which bytes are whose.
package struct FATVolume {
  package let geometry: FATGeometry
  /// The chain of clusters: what follows each.
  private let table: [UInt32]
  /// Every folder and file by its path, `EFI/BOOT/BOOTX64.EFI`; the top folder has the empty one.
  package private(set) var nodes: [String: Node] = [:]
  private let source: any ByteSource

  /// A folder or a file.
  package struct Node: Equatable {
    package var isFolder: Bool
    package var size: Int64
    /// In the order of its content.
    package var clusters: [Int]
    /// Where its record in the folder above begins; the top folder has none.
    package var record: Int64?
  }

  /// Whether a chain that is broken counts as far as it goes: an update that was interrupted may have left one.
  private let isLenient: Bool

  /// Reads the tables and all folders.
  /// - Throws: `DiskFailure.volumeDamaged`; what the source throws.
  package init(_ source: any ByteSource, isLenient: Bool = false) throws {
    (self.source, self.isLenient) = (source, isLenient)
    guard let geometry = FATGeometry(try source.bytes(0..<512)) else {
      throw DiskFailure.volumeDamaged(reason: "it has no FAT32 boot sector")
    }
    self.geometry = geometry
    let start = Int64(geometry.reserved)
    let bytes = try source.bytes(start..<start + Int64(geometry.clusters + 2) * 4)
    table = bytes.withUnsafeBytes { $0.bindMemory(to: UInt32.self).map { UInt32(littleEndian: $0) & 0x0fff_ffff } }
    var folders = [(path: "", cluster: geometry.root, record: Int64?.none)]
    while let folder = folders.popLast() {
      let clusters = try chain(from: folder.cluster)
      nodes[folder.path] = Node(isFolder: true, size: 0, clusters: clusters, record: folder.record)
      guard nodes.count < 10_000 else { throw damaged("it has too many folders") }
      for entry in FATFolder.entries(of: try content(ofClusters: clusters)) {
        let path = folder.path.isEmpty ? entry.name : folder.path + "/" + entry.name
        guard nodes[path] == nil || isLenient else { throw damaged("\(path) is there twice") }
        let cluster = clusters[entry.place / geometry.clusterSize]
        let record = geometry.range(ofCluster: cluster).lowerBound + Int64(entry.place % geometry.clusterSize)
        if entry.isFolder {
          folders.append((path, entry.cluster, record))
        } else {
          nodes[path] = Node(
            isFolder: false, size: entry.size, clusters: entry.size == 0 ? [] : try chain(from: entry.cluster),
            record: record)
        }
      }
    }
  }

  private func damaged(_ reason: String) -> DiskFailure { .volumeDamaged(reason: reason) }

  private func chain(from first: Int) throws -> [Int] {
    var chain: [Int] = []
    var next = first
    while (2..<geometry.clusters + 2).contains(next) {
      chain.append(next)
      guard chain.count <= geometry.clusters else { throw damaged("a chain of clusters has no end") }
      next = Int(table[next])
    }
    guard isLenient || next >= 0x0fff_fff8 && !chain.isEmpty else { throw damaged("a chain of clusters is broken") }
    return chain
  }

  private func content(ofClusters clusters: [Int]) throws -> [UInt8] {
    try geometry.ranges(ofClusters: clusters).reduce(into: []) { $0 += try source.bytes($1) }
  }

  /// The bytes of a file, piece by piece.
  /// - Throws: `DiskFailure.volumeDamaged` where it is not there; what the source and `take` throw.
  package func read(_ path: String, _ take: ([UInt8]) throws -> Void) throws {
    guard let node = nodes[path], !node.isFolder else { throw damaged("\(path) is not there") }
    var left = node.size
    for range in geometry.ranges(ofClusters: node.clusters) {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) where left > 0 {
        try Task.checkCancellation()
        let count = min(left, min(1 << 20, range.upperBound - start))
        try take(try source.bytes(start..<start + count))
        left -= count
      }
    }
    guard left == 0 else { throw damaged("\(path) is shorter than it says") }
  }

  /// A small file whole.
  package func content(of path: String) throws -> [UInt8] {
    var content: [UInt8] = []
    try read(path) { content += $0 }
    return content
  }

  /// The digest of a file.
  package func digest(of path: String) throws -> Digest {
    var hasher = Digest.Hasher()
    try read(path) { hasher.update($0) }
    return hasher.finish()
  }

  /// Boot sector, spare boot sector and all copies of the table.
  package var tableRange: Range<Int64> { 0..<geometry.dataStart }

  /// Where a folder or a file lies.
  package func ranges(of path: String) -> [Range<Int64>] {
    nodes[path].map { geometry.ranges(ofClusters: $0.clusters) } ?? []
  }

  /// The sector that holds a name's record.
  /// - Throws: `DiskFailure.volumeDamaged` where there is no such name.
  package func recordSector(of path: String) throws -> Range<Int64> {
    guard let record = nodes[path]?.record else { throw damaged("\(path) is not there") }
    let start = record - record % Int64(geometry.sectorSize)
    return start..<start + Int64(geometry.sectorSize)
  }

  /// The paths of all files, sorted.
  package var files: [String] { nodes.filter { !$0.value.isFolder }.keys.sorted() }
  /// The paths of all folders, sorted; the top folder first.
  package var folders: [String] { nodes.filter(\.value.isFolder).keys.sorted() }
  /// What new files may take.
  package var free: ByteCount { ByteCount(Int64(table.dropFirst(2).count { $0 == 0 }) * Int64(geometry.clusterSize)) }

  /// What a file of some size takes.
  package func room(for size: ByteCount) -> ByteCount {
    let cluster = Int64(geometry.clusterSize)
    return ByteCount((size.bytes + cluster - 1) / cluster * cluster)
  }
}

/// Something that bytes can be read from, by their place.
package protocol ByteSource {
  func bytes(_ range: Range<Int64>) throws -> [UInt8]
}
