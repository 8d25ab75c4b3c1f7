// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// Walks one directory tree from its root, breadth first and without recursion.
///
/// Nothing on the medium is believed: every extent is checked against the image, a directory is entered once (which
/// ends loops), and what all trees of an image cost together has limits (`WalkBudget`).
struct DirectoryWalk {
  static let pathLimit = 4096
  /// No honest directory is larger; 64 MiB hold half a million names.
  static let directoryLimit: Int64 = 64 << 20

  let image: DiskImageReader
  let volumeOffset: Int64
  let volume: VolumeInformation
  let isJoliet: Bool

  private var tree: ISOTree
  private var waiting: [(path: String, range: Range<Int64>)] = []
  private var entered: Set<Int64> = []
  private var budget: WalkBudget
  private var isExhausted = false
  private var skip = 0
  private var usesRockRidge = false

  private var blockSize: Int64 { volume.blockSize.bytes }

  /// - Throws: `OperationFailure`; what is wrong with the medium becomes a problem of the tree.
  static func tree(
    of volume: VolumeInformation, isJoliet: Bool, volumeOffset: Int64, image: DiskImageReader,
    budget: inout WalkBudget
  ) throws -> ISOTree {
    var walk = DirectoryWalk(
      image: image, volumeOffset: volumeOffset, volume: volume, isJoliet: isJoliet,
      tree: ISOTree(flavour: isJoliet ? .joliet : .plain, nodes: [], structures: [], problems: []),
      budget: budget)
    defer { budget = walk.budget }
    let start = volumeOffset + volume.rootBlock * volume.blockSize.bytes
    let root = start..<start + volume.rootLength
    walk.tree.nodes.append(
      ISONode(path: "", kind: .folder, size: ByteCount(volume.rootLength), extents: [ByteRange(root)]))
    walk.waiting.append(("", root))
    var index = 0
    while index < walk.waiting.count, !walk.isExhausted {
      let next = walk.waiting[index]
      index += 1
      try walk.enter(next.path, next.range)
    }
    if walk.usesRockRidge { walk.tree.flavour = .rockRidge }
    return walk.tree
  }

  private mutating func problem(_ what: String, _ offset: Int64) {
    guard tree.problems.count < 100 else { return }
    tree.problems.append(ImageProblem(what: what.printable, offset: ByteCount(offset)))
  }

  /// Ends the walk, once and for all.
  private mutating func exhausted(_ what: String, _ offset: Int64) {
    if !isExhausted {
      tree.problems.append(ImageProblem(what: "\(what); the rest is not read", offset: ByteCount(offset)))
    }
    isExhausted = true
  }

  private mutating func enter(_ path: String, _ range: Range<Int64>) throws {
    guard range.lowerBound >= 0, !range.isEmpty, range.upperBound <= image.size.bytes,
      range.upperBound - range.lowerBound <= Self.directoryLimit
    else { return problem("directory /\(path) points outside the image", range.lowerBound) }
    guard entered.insert(range.lowerBound).inserted else {
      return problem("directory /\(path) stands at the place of another one", range.lowerBound)
    }
    guard WalkBudget.take(range.upperBound - range.lowerBound, from: &budget.directories) else {
      return exhausted("the directories are larger than those of any real image", range.lowerBound)
    }
    tree.structures.append((range, isJoliet ? .jolietDirectory : .directory))
    let bytes = try image.bytes(at: range.lowerBound, count: range.count)
    var position = 0
    var file: ISONode?
    while position < bytes.count, !isExhausted {
      let length = Int(bytes[position])
      let blockEnd = (position / Int(blockSize) + 1) * Int(blockSize)
      guard length > 0 else {
        position = blockEnd
        continue
      }
      guard length >= 34, position + length <= min(blockEnd, bytes.count) else {
        problem("directory /\(path) has a record of impossible length", range.lowerBound + Int64(position))
        position = blockEnd
        continue
      }
      guard WalkBudget.take(1, from: &budget.records) else {
        return exhausted("there are more directory records than on any real image", range.lowerBound)
      }
      let record = DirectoryRecord(bytes[position..<position + length], at: range.lowerBound + Int64(position))
      try take(record, in: path, isRootSelf: path.isEmpty && position == 0, file: &file)
      position += length
    }
    if let file { problem("the last part of /\(file.path) is missing", range.lowerBound) }
  }

  private mutating func take(_ record: DirectoryRecord, in folder: String, isRootSelf: Bool, file: inout ISONode?)
    throws
  {
    let area = isRootSelf ? record.systemUse : record.systemUse.dropFirst(skip)
    let rockRidge =
      isJoliet
      ? nil
      : try RockRidge(
        area, volumeOffset: volumeOffset, blockSize: blockSize, image: image, budget: &budget.continuations)
    if let rockRidge {
      tree.structures += rockRidge.continuations.map { ($0, .continuationArea) }
      if let what = rockRidge.problem { problem("/\(folder): \(what)", record.offset) }
      if rockRidge.isExhausted {
        return exhausted("there are more Rock Ridge continuation areas than on any real image", record.offset)
      }
      if isRootSelf, let found = rockRidge.skip { (skip, usesRockRidge) = (found, true) }
    }
    guard !record.isSelfOrParent else { return }
    let rock = usesRockRidge ? rockRidge : nil
    guard let path = path(of: record, rock, in: folder) else {
      return problem("/\(folder) has an entry whose name cannot be", record.offset)
    }
    guard WalkBudget.take(1, from: &budget.nodes), WalkBudget.take(Int64(path.utf8.count), from: &budget.paths) else {
      return exhausted("there are more names than on any real image", record.offset)
    }
    if let block = rock?.childBlock { return try relocated(path, Int64(block), rock) }
    if rock?.isRelocated == true { return }
    let start = volumeOffset + (record.block + Int64(record.extendedAttributeBlocks)) * blockSize
    let range = start..<start + record.length
    if record.isInterleaved { problem("/\(path) is interleaved, which is not supported", record.offset) }
    if record.isFolder {
      tree.nodes.append(node(path, .folder, record.length, [range], rock))
      waiting.append((path, range))
    } else {
      takeFile(record, path, range, rock, &file)
    }
  }

  private mutating func takeFile(
    _ record: DirectoryRecord, _ path: String, _ range: Range<Int64>, _ rock: RockRidge?, _ file: inout ISONode?
  ) {
    let type = (rock?.mode ?? 0) & 0o170000
    let kind: ISONode.Kind =
      rock?.target.map { .symbolicLink($0) } ?? (type == 0 || type == 0o100000 ? .file : .special)
    if kind == .file, range.upperBound > image.size.bytes {
      problem("/\(path) reaches beyond the end of the image", record.offset)
    }
    var current = node(path, kind, kind == .file ? record.length : 0, kind == .file ? [range] : [], rock)
    if var begun = file {
      if begun.path == path {
        begun.size += current.size
        begun.extents += current.extents
        current = begun
      } else {
        problem("the last part of /\(begun.path) is missing", record.offset)
        tree.nodes.append(begun)
      }
    }
    file = record.hasMoreExtents ? current : nil
    if !record.hasMoreExtents { tree.nodes.append(current) }
  }

  /// A directory that was moved up: its size stands in its own first record.
  private mutating func relocated(_ path: String, _ block: Int64, _ rock: RockRidge?) throws {
    let start = volumeOffset + block * blockSize
    let first = try image.available(at: start, count: 34)
    let length = Int64(first.little(UInt32.self, at: 10))
    tree.nodes.append(node(path, .folder, length, [start..<start + length], rock))
    waiting.append((path, start..<start + length))
  }

  private func node(
    _ path: String, _ kind: ISONode.Kind, _ size: Int64, _ extents: [Range<Int64>], _ rock: RockRidge?
  ) -> ISONode {
    ISONode(
      path: path, kind: kind, size: ByteCount(size), extents: extents.filter { !$0.isEmpty }.map { ByteRange($0) },
      permissions: rock?.mode.map { UInt16($0 & 0o7777) })
  }

  private func path(of record: DirectoryRecord, _ rock: RockRidge?, in folder: String) -> String? {
    let name: String
    if let posix = rock?.name {
      name = String(decoding: posix, as: UTF8.self)
    } else if isJoliet {
      name = DirectoryRecord.withoutVersion(record.name.utf16Text(bigEndian: true))
    } else {
      name = DirectoryRecord.withoutVersion(String(decoding: record.name, as: UTF8.self))
    }
    guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) else {
      return nil
    }
    let path = folder.isEmpty ? name : folder + "/" + name
    return path.utf8.count <= Self.pathLimit ? path : nil
  }
}

/// A directory record (ECMA-119, 9.1).
struct DirectoryRecord {
  let offset: Int64
  let block: Int64
  let length: Int64
  let extendedAttributeBlocks: UInt8
  let isInterleaved: Bool
  let name: ArraySlice<UInt8>
  let systemUse: ArraySlice<UInt8>
  private let flags: UInt8

  var isFolder: Bool { flags & 0x02 != 0 }
  var hasMoreExtents: Bool { flags & 0x80 != 0 }
  /// The records of the directory itself and of its parent have one byte, 0 or 1, as their name.
  var isSelfOrParent: Bool { name.count == 1 && name.allSatisfy { $0 < 2 } }

  init(_ bytes: ArraySlice<UInt8>, at offset: Int64) {
    self.offset = offset
    extendedAttributeBlocks = bytes.little(UInt8.self, at: 1)
    block = Int64(bytes.little(UInt32.self, at: 2))
    length = Int64(bytes.little(UInt32.self, at: 10))
    flags = bytes.little(UInt8.self, at: 25)
    isInterleaved = bytes.little(UInt16.self, at: 26) != 0
    let nameLength = Int(bytes.little(UInt8.self, at: 32))
    name = bytes.field(33, nameLength)
    // A name of even length is followed by a padding byte.
    systemUse = bytes.dropFirst(33 + nameLength + (nameLength % 2 == 0 ? 1 : 0))
  }

  /// `FILE.TXT;1` is FILE.TXT; a name without extension keeps no dot.
  static func withoutVersion(_ name: String) -> String {
    let base = name.lastIndex(of: ";").map { name[..<$0] } ?? name[...]
    return String(base.last == "." ? base.dropLast() : base)
  }
}
