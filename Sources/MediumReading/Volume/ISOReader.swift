// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// An ISO 9660 image, taken apart: descriptors, directory trees, boot catalogue and partition tables.
///
///     byte 0        MBR, GPT                     masterBootRecord, partitionTable
///     byte 32768    volume descriptors           volumes[0].information, .trees
///                   path tables, directories
///                   boot catalogue, files        catalogue, tree
///                   (a second set for the same   volumes[1], when partition 1 does not
///                   files, seen from partition 1) start at byte 0
///     end           EFI system partition, GPT    partitionTable.partitions
///
/// It reads structures only, never file content, and believes none of them: what cannot be is listed in `problems`.
public struct ISOReader: Sendable {
  /// The bytes.
  public let image: DiskImageReader
  /// The volume at the start of the image, then those that partitions show.
  public let volumes: [ISOVolume]
  /// El Torito's boot catalogue.
  public let catalogue: ElToritoCatalogue?
  /// The MBR, when sector 0 has one.
  public let masterBootRecord: MasterBootRecord?
  /// The GPT, when there is one.
  public let partitionTable: GUIDPartitionTable?

  /// `NSR02` or `NSR03` where the same medium is a UDF volume too (ECMA-167, part 3): its files are not read.
  public let udf: String?

  /// Opens and takes apart an image file, a stick or a disc.
  /// - Throws: `Failure`, `OperationFailure`.
  public init(_ path: FilePath) throws { try self.init(DiskImageReader(path)) }

  /// Takes an image apart.
  /// - Throws: `Failure`, `OperationFailure`.
  public init(_ image: DiskImageReader) throws {
    self.image = image
    guard image.size > .zero else { throw Failure.empty(path: image.path) }
    masterBootRecord = MasterBootRecord(sector: try image.available(at: 0, count: 512))
    partitionTable = try GUIDPartitionTable(image)
    var budget = WalkBudget(imageSize: image.size.bytes)
    guard let main = try ISOVolume(at: 0, image, &budget) else {
      if try Self.udf(after: 0, image) != nil { throw Failure.udfAlone(path: image.path) }
      throw Failure.notAnISO(path: image.path, size: image.size)
    }
    var starts = (partitionTable?.partitions.map { $0.range.offset.bytes } ?? [])
    starts += masterBootRecord?.partitions.map { $0.range.offset.bytes } ?? []
    var volumes = [main]
    for start in Set(starts).sorted() where start > 0 && volumes.count < 4 {
      if let volume = try? ISOVolume(at: start, image, &budget) { volumes.append(volume) }
    }
    self.volumes = volumes
    udf = try Self.udf(after: main.descriptors.count, image)
    catalogue = try main.catalogueOffset.flatMap { try ElToritoCatalogue(at: $0, image) }
  }

  /// Looks for UDF's descriptor in the extended area behind the descriptors of ISO 9660.
  private static func udf(after count: Int, _ image: DiskImageReader) throws -> String? {
    for index in count..<count + 16 {
      let bytes = try image.available(at: 32768 + Int64(index) * VolumeDescriptor.size, count: 6)
      if bytes.has("NSR02", at: 1) || bytes.has("NSR03", at: 1) { return String(decoding: bytes[1...], as: UTF8.self) }
      guard bytes.has("BEA01", at: 1) || bytes.has("CD001", at: 1) || bytes.has("BOOT2", at: 1) else { return nil }
    }
    return nil
  }

  /// What the primary descriptor says.
  public var information: VolumeInformation { volumes[0].information }

  /// The tree with the best names: Rock Ridge, else Joliet, else plain.
  public var tree: ISOTree { volumes[0].bestTree }

  /// All that cannot be right.
  public var problems: [ImageProblem] { volumes.flatMap { $0.trees.flatMap(\.problems) } }

  /// A file's content.
  /// - Throws: `Failure.noSuchFile`, `.tooLarge`, `.outsideImage`; `OperationFailure`.
  public func content(of path: String, limit: ByteCount = .mebibytes(64)) throws -> [UInt8] {
    guard let node = tree.node(path), node.kind == .file else {
      throw Failure.noSuchFile(path: image.path, file: path)
    }
    return try content(of: node, limit: limit)
  }

  /// A file's content.
  /// - Throws: `Failure.tooLarge`, `.outsideImage`; `OperationFailure`.
  public func content(of node: ISONode, limit: ByteCount = .mebibytes(64)) throws -> [UInt8] {
    guard node.size <= limit else { throw Failure.tooLarge(path: image.path, file: node.path, size: node.size) }
    return try node.extents.reduce(into: []) {
      $0 += try image.bytes(at: $1.offset.bytes, count: Int($1.length.bytes))
    }
  }
}

/// A set of volume descriptors with the trees they lead to.
public struct ISOVolume: Sendable {
  /// Where its block 0 lies on the medium: zero, or the start of a partition.
  public let offset: ByteCount
  /// What the primary descriptor says.
  public let information: VolumeInformation
  /// The primary descriptor's tree, then Joliet's.
  public let trees: [ISOTree]
  /// Where the descriptors lie.
  let descriptors: [VolumeDescriptor]
  /// Where El Torito's catalogue lies.
  var catalogueOffset: Int64? {
    descriptors.lazy.compactMap { if case .bootRecord(let catalogue) = $0.kind { catalogue } else { nil } }.first
  }

  /// More descriptors than this are no honest image.
  private static let descriptorLimit: Int64 = 64

  /// Rock Ridge, else Joliet, else plain.
  var bestTree: ISOTree {
    trees.first { $0.flavour == .rockRidge } ?? trees.first { $0.flavour == .joliet } ?? trees[0]
  }

  /// Reads the volume whose descriptors start 32 KiB after `start`; nil when there is none.
  init?(at start: Int64, _ image: DiskImageReader, _ budget: inout WalkBudget) throws {
    var descriptors: [VolumeDescriptor] = []
    for index in 0..<Self.descriptorLimit {
      let offset = start + 32768 + index * VolumeDescriptor.size
      let bytes = try image.available(at: offset, count: Int(VolumeDescriptor.size))
      guard let descriptor = VolumeDescriptor(bytes, at: offset) else { break }
      descriptors.append(descriptor)
      if descriptor.kind == .terminator { break }
    }
    var information: VolumeInformation?
    var trees: [ISOTree] = []
    var hasJoliet = false
    for descriptor in descriptors {
      switch descriptor.kind {
      case .primary(let found) where information == nil:
        try Self.check(found, descriptor, image)
        information = found
        trees.insert(
          try DirectoryWalk.tree(of: found, isJoliet: false, volumeOffset: start, image: image, budget: &budget), at: 0)
      case .joliet(let found) where [512, 1024, 2048].contains(found.blockSize.bytes) && !hasJoliet:
        // One is all that any writer makes, and each costs a walk.
        hasJoliet = true
        trees.append(
          try DirectoryWalk.tree(of: found, isJoliet: true, volumeOffset: start, image: image, budget: &budget))
      default: break
      }
    }
    guard let information else { return nil }
    offset = ByteCount(start)
    self.information = information
    self.trees = trees
    self.descriptors = descriptors
  }

  private static func check(_ found: VolumeInformation, _ descriptor: VolumeDescriptor, _ image: DiskImageReader)
    throws
  {
    guard [512, 1024, 2048].contains(found.blockSize.bytes) else {
      throw ISOReader.Failure.damaged(
        path: image.path, structure: "primary volume descriptor", offset: ByteCount(descriptor.range.lowerBound))
    }
  }
}
