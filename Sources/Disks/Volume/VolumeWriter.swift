// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// Moves what was made in a file to its place on the disk, and reads it back.
package struct VolumeWriter {
  package let disk: any DiskAccess
  /// The partition's place.
  package let start: Int64
  package let progress: ProgressEvent.Handler

  /// A writer to a partition; writes nothing.
  package init(disk: any DiskAccess, start: Int64, progress: @escaping ProgressEvent.Handler) {
    (self.disk, self.start, self.progress) = (disk, start, progress)
  }

  /// The unit that is compared and written; no disk's sector is larger.
  private static let block = 4096
  private static let piece: Int64 = 1 << 20

  /// Writes everything, for a partition that nothing is in yet.
  /// - Returns: the bytes that were written.
  package func writeAll(_ staged: StagedVolume) throws -> Int64 {
    let volume = try staged.volume()
    let used = volume.nodes.keys.sorted().flatMap { volume.ranges(of: $0) }
    return try move([used + [volume.tableRange]], of: staged, isNew: true)
  }

  /// Makes a volume smaller: names first, then the clusters that they had.
  package func writeRemoval(_ staged: StagedVolume) throws -> Int64 {
    let volume = try staged.volume()
    return try move([volume.folders.flatMap { volume.ranges(of: $0) }, [volume.tableRange]], of: staged)
  }

  /// Adds to a volume: content first, then what is new of folders, then the table that says whose the clusters are, and the names
  /// in the old folders last. Whatever is there before the last step belongs to nothing that is in use.
  /// - Parameters:
  ///   - old: the volume on the disk.
  ///   - files: those that are new; no other file's content is in `staged`.
  package func writeAddition(_ staged: StagedVolume, to old: FATVolume, files: [String]) throws -> Int64 {
    let volume = try staged.volume()
    var (fresh, known): ([Int], [Int]) = ([], [])
    for path in volume.folders {
      // A folder that has grown has a new cluster: nobody looks into it before the table says so.
      let before = Set(old.nodes[path]?.clusters ?? [])
      for cluster in volume.nodes[path]?.clusters ?? [] {
        if before.contains(cluster) { known.append(cluster) } else { fresh.append(cluster) }
      }
    }
    let geometry = volume.geometry
    return try move(
      [
        files.flatMap { volume.ranges(of: $0) }, geometry.ranges(ofClusters: fresh), [volume.tableRange],
        geometry.ranges(ofClusters: known),
      ], of: staged)
  }

  /// Gives files that are there the content of the spare ones (`StagedVolume.spare`), in their order. Each name leads to
  /// all of the old content or to all of the new one at any moment: new content comes into free clusters, then each
  /// record changes with its sector, and then the clusters of the old content are given back. A power cut in between
  /// leaves clusters without a name, which the next change takes away.
  /// - Returns: bytes written.
  package func writeExchange(_ staged: StagedVolume, of files: [String]) async throws -> Int64 {
    guard !files.isEmpty else { return 0 }
    let spare = files.indices.map(StagedVolume.spare)
    let content = try staged.volume()
    let kept = try move([spare.flatMap { content.ranges(of: $0) }, [content.tableRange]], of: staged)
    try staged.exchange(Array(zip(spare, files)))
    try await staged.remove(files: spare)
    try await staged.check()
    let named = try staged.volume()
    return try kept + move(files.map { [try named.recordSector(of: $0)] } + [[named.tableRange]], of: staged)
  }

  /// Writes the steps one after the other; each is on the disk before the next begins.
  private func move(_ steps: [[Range<Int64>]], of staged: StagedVolume, isNew: Bool = false) throws -> Int64 {
    let file = try FileBytes(staged.image)
    let total = steps.joined().reduce(Int64(0)) { $0 + $1.upperBound - $1.lowerBound }
    let name = "write"
    progress(.started(step: name, total: ByteCount(total)))
    var (done, written) = (Int64(0), Int64(0))
    for ranges in steps {
      for piece in Self.pieces(ranges) {
        try Task.checkCancellation()
        written += try write(piece, of: file, isNew: isNew)
        done += piece.upperBound - piece.lowerBound
        progress(.advanced(step: name, done: ByteCount(done), total: ByteCount(total)))
      }
      try disk.flush()
      for piece in Self.pieces(ranges) { try compare(piece, with: file) }
    }
    progress(.finished(step: name, produced: ByteCount(written)))
    return written
  }

  private static func pieces(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
    ranges.flatMap { range in
      stride(from: range.lowerBound, to: range.upperBound, by: Int(piece)).map {
        $0..<min(range.upperBound, $0 + piece)
      }
    }
  }

  /// Writes the blocks that differ, neighbours together.
  private func write(_ range: Range<Int64>, of file: FileBytes, isNew: Bool) throws -> Int64 {
    let wanted = try file.bytes(range)
    guard !isNew else {
      try disk.write(wanted, at: start + range.lowerBound)
      return Int64(wanted.count)
    }
    let found = try disk.bytes(range.lowerBound + start..<range.upperBound + start)
    guard found != wanted else { return 0 }
    var (written, run) = (Int64(0), 0..<0)
    func writeRun() throws {
      guard !run.isEmpty else { return }
      try disk.write(Array(wanted[run]), at: start + range.lowerBound + Int64(run.lowerBound))
      written += Int64(run.count)
    }
    for first in stride(from: 0, to: wanted.count, by: Self.block) {
      let block = first..<min(first + Self.block, wanted.count)
      if wanted[block] == found[block] { continue }
      if run.upperBound == block.lowerBound, !run.isEmpty {
        run = run.lowerBound..<block.upperBound
      } else {
        try writeRun()
        run = block
      }
    }
    try writeRun()
    return written
  }

  private func compare(_ range: Range<Int64>, with file: FileBytes) throws {
    try Task.checkCancellation()
    let found = try disk.bytes(range.lowerBound + start..<range.upperBound + start)
    let wanted = try file.bytes(range)
    guard found != wanted else { return }
    let place = zip(found, wanted).prefix { $0 == $1 }.count
    throw DiskFailure.verify(disk.path, offset: ByteCount(start + range.lowerBound + Int64(place)))
  }
}
