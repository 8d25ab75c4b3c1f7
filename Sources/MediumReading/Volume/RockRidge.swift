// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// The Rock Ridge fields of one directory record, gathered over all its continuation areas (SUSP 1.12, RRIP 1.12).
struct RockRidge {
  /// NM: the real name.
  var name: [UInt8]?
  /// PX: file type and permissions.
  var mode: UInt32?
  /// SL: the target of a symbolic link.
  var target: String?
  /// CL: the block of the directory that stands here; it was moved up because it lay too deep.
  var childBlock: UInt32?
  /// RE: this directory was moved here; it is shown where its CL stands.
  var isRelocated = false
  /// SP in the root's first record: how many bytes to skip in every other record.
  var skip: Int?
  /// The continuation areas, as ranges of the medium.
  var continuations: [Range<Int64>] = []
  /// Whether any field was there.
  var isPresent = false
  /// A field that cannot be right.
  var problem: String?
  /// The areas of all records together are more than there can be.
  var isExhausted = false

  private var link = SymbolicLink()
  /// An honest chain has one or two areas; this only ends loops.
  private static let continuationLimit = 64
  private static let continuationSize: Int64 = 2048

  /// Reads the system use area of a record.
  /// - Parameter budget: what continuation areas may still cost, see `WalkBudget`.
  /// - Throws: `OperationFailure` from reading continuation areas.
  init(
    _ systemUse: ArraySlice<UInt8>, volumeOffset: Int64, blockSize: Int64, image: DiskImageReader, budget: inout Int64
  ) throws {
    var next = parse(systemUse)
    while let area = next, problem == nil {
      let start = volumeOffset + Int64(area.block) * blockSize + Int64(area.offset)
      let range = start..<start + Int64(area.length)
      guard continuations.count < Self.continuationLimit, range.count <= Self.continuationSize,
        range.upperBound <= image.size.bytes, !continuations.contains(range)
      else {
        problem = "a Rock Ridge continuation area that cannot be"
        break
      }
      guard WalkBudget.take(max(Int64(range.count), WalkBudget.leastArea), from: &budget) else {
        isExhausted = true
        break
      }
      continuations.append(range)
      next = parse(try image.bytes(at: start, count: range.count)[...])
    }
    target = link.text
  }

  private struct Area {
    var block: UInt32
    var offset: UInt32
    var length: UInt32
  }

  /// Reads fields up to the end, an ST field or padding; returns the continuation area, if there is one.
  private mutating func parse(_ bytes: ArraySlice<UInt8>) -> Area? {
    var rest = bytes
    var area: Area?
    while rest.count >= 4 {
      let length = Int(rest.little(UInt8.self, at: 2))
      guard length >= 4, length <= rest.count else {
        if rest.little(UInt8.self, at: 0) != 0 { problem = "a Rock Ridge field of impossible length" }
        break
      }
      let field = rest.prefix(length)
      rest = rest.dropFirst(length)
      if field.has("ST", at: 0) { break }
      if field.has("CE", at: 0), length >= 28 {
        area = Area(
          block: field.little(UInt32.self, at: 4), offset: field.little(UInt32.self, at: 12),
          length: field.little(UInt32.self, at: 20))
      } else {
        take(field)
      }
    }
    return area
  }

  private mutating func take(_ field: ArraySlice<UInt8>) {
    switch (field.little(UInt8.self, at: 0), field.little(UInt8.self, at: 1)) {
    case (UInt8(ascii: "S"), UInt8(ascii: "P")):
      if field.little(UInt8.self, at: 4) == 0xBE, field.little(UInt8.self, at: 5) == 0xEF {
        skip = Int(field.little(UInt8.self, at: 6))
      }
    case (UInt8(ascii: "N"), UInt8(ascii: "M")):
      // Flags 2 and 4 name the current and the parent directory; they carry no text.
      if field.count >= 5, field.little(UInt8.self, at: 4) & 6 == 0 { name = (name ?? []) + field.dropFirst(5) }
    case (UInt8(ascii: "P"), UInt8(ascii: "X")): mode = field.little(UInt32.self, at: 4)
    case (UInt8(ascii: "S"), UInt8(ascii: "L")): link.take(field.dropFirst(5))
    case (UInt8(ascii: "C"), UInt8(ascii: "L")): childBlock = field.little(UInt32.self, at: 4)
    case (UInt8(ascii: "R"), UInt8(ascii: "E")): isRelocated = true
    default: return
    }
    isPresent = true
  }

  /// Puts the components of SL fields together.
  private struct SymbolicLink {
    private var components: [[UInt8]] = []
    private var isAbsolute = false
    private var continues = false
    private var isPresent = false

    var text: String? {
      guard isPresent else { return nil }
      return (isAbsolute ? "/" : "") + components.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    mutating func take(_ bytes: ArraySlice<UInt8>) {
      isPresent = true
      var rest = bytes
      while rest.count >= 2 {
        let flags = rest.little(UInt8.self, at: 0)
        let length = Int(rest.little(UInt8.self, at: 1))
        let content = Array(rest.field(2, length))
        rest = rest.dropFirst(2 + length)
        switch flags & 0x0E {
        case 2: components.append(Array(".".utf8))
        case 4: components.append(Array("..".utf8))
        case 8: isAbsolute = true
        default:
          if continues, let last = components.popLast() {
            components.append(last + content)
          } else {
            components.append(content)
          }
        }
        continues = flags & 1 == 1
      }
    }
  }
}
