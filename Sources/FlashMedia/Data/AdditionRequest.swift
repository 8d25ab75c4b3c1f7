// SPDX-License-Identifier: GPL-3.0-or-later
internal import DriveDiscovery
internal import HostSystem
internal import SystemPackage

/// What has to be known of a drive and of the image to say what the drive gets besides; reads and writes no drive.
struct AdditionRequest: Sendable {
  /// The drive.
  var device: FilePath
  var size: Int64
  var blockSize: Int
  /// The image; its size where it tells.
  var image: FilePath
  var imageSize: Int64?
  var imageHead: [UInt8]
  /// The drive's ends, if there may be a data partition that has to be kept.
  var ends: DriveEnds?
  /// What is to be made where there is none.
  var data: DataPartition?
  /// Whether nothing is going to be written.
  var isComparing = false

  /// How much of the drive's start and end is looked at: every table lies within.
  static let reach: Int64 = 1 << 20

  /// The first and the last bytes of a drive.
  struct DriveEnds: Sendable {
    var head: [UInt8]
    var tail: [UInt8]

    /// Whether a data partition is named anywhere: the name as a GPT keeps it (UTF-16, little-endian).
    var mayHaveData: Bool {
      let name = Drive.Partition.dataName.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
      return [head, tail].contains { $0.firstRange(of: name) != nil }
    }

    /// The drive's own table is read where its first sector is in order. An update that was interrupted has left zeros
    /// there, and the backup at the end: it is read behind the image's first sector.
    func head(instead sector: ArraySlice<UInt8>) -> [UInt8] {
      head.prefix(sector.count).allSatisfy { $0 == 0 } ? Array(sector) + head.dropFirst(sector.count) : head
    }
  }

  /// Works it out.
  /// - Returns: nil where the drive gets the image and nothing else.
  func addition() async throws -> Addition? {
    do {
      return try await DriveFile.withFolder { folder in
        let drive = try DriveFile(in: folder, size: size)
        try drive.write(imageHead, at: 0)
        let table = try await PartitionTable.read(drive.path)
        if let kept = try await keptEntries(table, in: folder) { return try await keep(kept, table, on: drive) }
        guard let data else { return nil }
        return try await make(data, table, on: drive)
      }
    } catch let failure as ExternalCommand.Failure {
      throw FlashMediaFailure.data(.program(failure))
    } catch let failure as OperationFailure {
      throw FlashMediaFailure.data(.file(failure))
    } catch let problem as FlashMediaFailure.SourceProblem {
      throw FlashMediaFailure.source(image, problem)
    }
  }

  /// The entries that the drive has and the image has not; nil for none.
  private func keptEntries(_ table: PartitionTable?, in folder: FilePath) async throws -> [PartitionTable.Entry]? {
    guard let ends else { return nil }
    let old = try DriveFile("old", in: folder, size: size)
    try old.write(ends.head(instead: imageHead.prefix(Int(PartitionTable.blockSize))), at: 0)
    try old.write(ends.tail, at: size - Int64(ends.tail.count))
    guard let found = try await PartitionTable.read(old.path) else {
      // Without the image's first sector, the backup of a drive that an update has left unfinished cannot be read.
      if table == nil, !isComparing { throw FlashMediaFailure.data(.noTable(image: image)) }
      return nil
    }
    let kept = found.entries.filter { entry in
      entry.name == Drive.Partition.dataName && table?.entries.contains(entry) != true
    }
    return kept.isEmpty ? nil : kept
  }

  private func keep(_ entries: [PartitionTable.Entry], _ table: PartitionTable?, on drive: DriveFile) async throws
    -> Addition?
  {
    let range = entries.map(\.range).min { $0.lowerBound < $1.lowerBound } ?? 0..<0
    if !isComparing {
      guard let imageSize else { throw FlashMediaFailure.data(.unknownSize(image: image)) }
      guard imageSize <= range.lowerBound else {
        throw FlashMediaFailure.data(.inTheWay(device, partition: FlashRange(range), image: ByteCount(imageSize)))
      }
    } else if table == nil || (imageSize ?? 0) > range.lowerBound {
      return nil
    }
    let (head, tail) = try await extend(drive, with: entries, table)
    return try Addition(
      DataPartition.Placed(range: FlashRange(range), made: nil), head: head, pieces: Self.cut(tail), of: drive)
  }

  private func make(_ data: DataPartition, _ table: PartitionTable?, on drive: DriveFile) async throws -> Addition {
    guard let imageSize else { throw FlashMediaFailure.data(.unknownSize(image: image)) }
    guard blockSize == Int(PartitionTable.blockSize) else {
      throw FlashMediaFailure.data(.blockSize(device, blockSize))
    }
    guard let partition = DataLayout.partition(behind: imageSize, on: size) else {
      let needed = ByteCount(DataLayout.needed(image: imageSize))
      throw FlashMediaFailure.refused(device, .tooSmall(size: ByteCount(size), needed: needed))
    }
    let entry = PartitionTable.Entry(partition, type: data.fileSystem.partitionType, name: Drive.Partition.dataName)
    let (head, tail) = try await extend(drive, with: [entry], table)
    let written = try await drive.format(partition) { data.fileSystem.commands($0, label: data.label) }
    // As with a drive that is reset: what blkid would take for something else at the ends is erased.
    let wiped = [
      partition.lowerBound..<partition.lowerBound + ResetLayout.front,
      partition.upperBound - ResetLayout.tail..<partition.upperBound,
    ]
    let pieces = PiecePlan.pieces(size: partition.upperBound, data: written, zeroing: wiped)
      .filter { $0.range.lowerBound >= partition.lowerBound }
    return try Addition(
      DataPartition.Placed(range: FlashRange(partition), made: data), head: head, pieces: pieces + Self.cut(tail),
      of: drive)
  }

  /// Lets sfdisk add entries to the image's table, in the file.
  /// - Returns: the drive's first bytes, and where the backup of the table lies.
  private func extend(_ drive: DriveFile, with entries: [PartitionTable.Entry], _ table: PartitionTable?) async throws
    -> (head: [UInt8], tail: Range<Int64>)
  {
    let noTable = FlashMediaFailure.data(.noTable(image: image))
    guard let table else { throw noTable }
    try await PartitionTable.append(entries, to: drive.path)
    guard let extended = try await PartitionTable.read(drive.path),
      extended.entries.count == table.entries.count + entries.count
    else { throw noTable }
    let bound = extended.firstBlock * PartitionTable.blockSize
    let tail = (extended.lastBlock + 1) * PartitionTable.blockSize..<size
    guard
      let head = MergedHead.bytes(
        image: imageHead, table: try drive.bytes(0..<Int64(imageHead.count)), bound: Int(clamping: bound))
    else { throw noTable }
    return (head, tail)
  }

  /// The backup of the table is moved to the byte, for the partition may reach up to it.
  private static func cut(_ range: Range<Int64>) -> [Piece] {
    stride(from: range.lowerBound, to: range.upperBound, by: PiecePlan.size).map {
      Piece($0..<min(range.upperBound, $0 + Int64(PiecePlan.size)), .data)
    }
  }
}

extension Addition {
  /// Opens the file for the time of the writing: its folder may go.
  fileprivate init(
    _ placed: DataPartition.Placed, head: [UInt8], pieces: [Piece], of drive: DriveFile
  ) throws {
    let file = try RawReader(drive.path)
    let buffer = AlignedBuffer(count: PiecePlan.size)
    let records = try pieces.map { piece in
      guard piece.kind == .data else { return PieceRecord(piece: piece, checksum: nil, isOfImage: false) }
      let count = try file.read(piece.range, into: buffer)
      return PieceRecord(piece: piece, checksum: buffer.checksum(count), isOfImage: false)
    }
    self.init(placed: placed, head: head, records: records, reader: Monitor(file))
  }
}

extension DataPartition {
  /// Makes sure, before any drive is asked for, that an image can have a data partition behind it, and that all
  /// programs for it are here.
  /// - Throws: `FlashMediaFailure.data` or `.source`; `ExternalCommand.Failure` naming the package.
  public func check(_ source: OpenedSource) async throws {
    guard let size = source.size else { throw FlashMediaFailure.data(.unknownSize(image: source.image)) }
    for command in [PartitionTable.program] + fileSystem.commands("/", label: label) where !command.isInstalled {
      throw ExternalCommand.Failure.notInstalled(program: command.program, package: command.package)
    }
    let buffer = AlignedBuffer(count: Int(AdditionRequest.reach))
    let count: Int
    do {
      count = try source.makeReader().read(0..<min(size.bytes, AdditionRequest.reach), into: buffer)
    } catch { throw FlashMediaFailure.source(source.image, error) }
    let request = AdditionRequest(
      device: source.image, size: Self.needed(for: size).bytes, blockSize: Int(PartitionTable.blockSize),
      image: source.image, imageSize: size.bytes, imageHead: buffer.bytes(0..<count), data: self)
    _ = try await request.addition()
  }
}
