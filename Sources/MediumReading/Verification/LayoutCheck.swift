// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

/// Compares everything that leads a computer to what it starts, and everything that must be empty, with what Lifeboat
/// writes there. It allows nothing else: whatever is not derived from the record is a finding, whether or not a seal
/// says that it was meant.
struct LayoutCheck {
  typealias Finding = MediumVerification.Finding
  typealias Stretch = ExpectedTables.Stretch

  let reader: ISOReader
  let map: MediumMap
  let record: MediumRecord
  let sweep: MediumSweep

  private var image: DiskImageReader { reader.image }

  /// - Throws: `OperationFailure`, `ISOReader.Failure`.
  func findings() throws -> [Finding] {
    guard record.bootImages.count == 1, let tables = ExpectedTables(record, image: image.size.bytes) else {
      return [Finding(.unexpected, structure: "the record: a medium without boot code or EFI system partition")]
    }
    return try Self.tables(tables, image) + catalogue(tables) + descriptors(tables) + slack() + emptiness()
  }

  // MARK: Partition tables

  /// Both copies of the GPT and the MBR.
  static func tables(_ tables: ExpectedTables, _ image: DiskImageReader) throws -> [Finding] {
    let sector = try image.available(at: 0, count: 512)
    return try compare(tables.masterBootRecord(like: sector), image)
      + compare(tables.table(isBackup: false), image) + compare(tables.table(isBackup: true), image)
  }

  /// A finding for each stretch that differs, with its first byte that does. Checksums come last in a list and follow
  /// from the rest, so they are named only where nothing else is.
  static func compare(_ stretches: [Stretch], _ image: DiskImageReader) throws -> [Finding] {
    var findings: [Finding] = []
    for stretch in stretches {
      let actual = try image.available(at: stretch.offset, count: stretch.bytes.count)
      guard actual != stretch.bytes else { continue }
      if stretch.name.contains("checksum of"), !findings.isEmpty { continue }
      findings.append(finding(stretch, actual))
    }
    return findings
  }

  private static func finding(_ stretch: Stretch, _ actual: [UInt8]) -> Finding {
    let first = zip(actual, stretch.bytes).enumerated().first { $1.0 != $1.1 }?.offset ?? actual.count
    let last = zip(actual, stretch.bytes).enumerated().reversed().first { $1.0 != $1.1 }?.offset ?? first
    func hex(_ bytes: [UInt8]) -> String {
      let part = bytes.field(first, min(8, last + 1 - first))
      return "0x" + part.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    return Finding(
      .unexpected, structure: stretch.name, ranges: [stretch.offset + Int64(first)..<stretch.offset + Int64(last) + 1],
      expected: hex(stretch.bytes), actual: hex(actual))
  }

  // MARK: El Torito

  /// One entry for a BIOS, one for UEFI, and nothing else in the whole block.
  private func catalogue(_ tables: ExpectedTables) throws -> [Finding] {
    guard let catalogue = reader.catalogue, let loader = reader.tree.node(record.bootImages[0].path)?.extents.first
    else { return [Finding(.missing, structure: "El Torito boot catalogue")] }
    func entry(_ sectors: Int64, at offset: Int64) -> [UInt8] {
      let fields = [0x88, 0, 0, 0, 0, 0] + ExpectedTables.little(sectors, 2) + ExpectedTables.little(offset / 2048, 4)
      return fields + [UInt8](repeating: 0, count: 32 - fields.count)
    }
    let system = (tables.system.upperBound - tables.system.lowerBound) / 512
    let parts: [(String, [UInt8])] = [
      ("validation entry", [1] + [UInt8](repeating: 0, count: 27) + [0xAA, 0x55, 0x55, 0xAA]),
      ("entry for a BIOS", entry(4, at: loader.offset.bytes)),
      ("section header for UEFI", [0x91, 0xEF, 1, 0] + [UInt8](repeating: 0, count: 28)),
      ("entry for UEFI", entry(min(system, 0xFFFF), at: tables.system.lowerBound)),
      ("unused entries", [UInt8](repeating: 0, count: 2048 - 128)),
    ]
    var offset = catalogue.range.offset.bytes
    let stretches = parts.map { name, bytes in
      defer { offset += Int64(bytes.count) }
      return Stretch(name: "boot catalogue: \(name)", offset: offset, bytes: bytes)
    }
    return try Self.compare(stretches, image)
  }

  // MARK: Volume descriptors

  /// The two sets that there are, in their order, with all that is reserved in them. libisofs counts what is appended and
  /// the padding to the first volume alone.
  private func descriptors(_ tables: ExpectedTables) throws -> [Finding] {
    let second = ExpectedTables.volumeStart + 32768
    let catalogue = reader.catalogue?.range.offset.bytes ?? 0
    let (whole, part) = (image.size.bytes, tables.system.lowerBound - ExpectedTables.volumeStart)
    return try Self.compare(
      volume(at: 32768, 1, whole) + boot(at: 34816, catalogue) + volume(at: 36864, 2, tables.system.lowerBound)
        + end(at: 38912)
        + volume(at: second, 1, part) + volume(at: second + 2048, 2, part) + end(at: second + 4096), image)
  }

  /// ECMA-119, 8.4 and 8.5; Joliet is the second type, with its escape sequence.
  private func volume(at offset: Int64, _ type: UInt8, _ size: Int64) -> [Stretch] {
    let name = "\(type == 1 ? "primary" : "Joliet") volume descriptor at \(ByteCount(offset).exact)"
    let blocks = ExpectedTables.little(size / 2048, 4)
    let escape: [UInt8] = type == 1 ? [] : [0x25, 0x2F, 0x45]
    func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
    var parts: [(String, Int, [UInt8])] = [
      ("type", 0, [type] + Array("CD001".utf8) + [1, 0]), ("unused field", 72, zeros(8)),
      ("volume size", 80, blocks + blocks.reversed()), ("escape sequences", 88, escape + zeros(32 - escape.count)),
      ("set, sequence and block size", 120, [1, 0, 0, 1, 1, 0, 0, 1, 0, 8, 8, 0]),
      ("version and reserved byte", 881, [1, 0]), ("reserved field", 1395, zeros(653)),
    ]
    if offset != 32768 { parts.append(("application use", 883, zeros(512))) }
    return parts.map { Stretch(name: "\(name): \($0)", offset: offset + Int64($1), bytes: $2) }
  }

  private func boot(at offset: Int64, _ catalogue: Int64) -> [Stretch] {
    let bytes = [0] + Array("CD001".utf8) + [1] + Array("EL TORITO SPECIFICATION".utf8)
    let place = bytes + [UInt8](repeating: 0, count: 71 - bytes.count) + ExpectedTables.little(catalogue / 2048, 4)
    return [
      Stretch(
        name: "El Torito boot record", offset: offset, bytes: place + [UInt8](repeating: 0, count: 2048 - place.count))
    ]
  }

  private func end(at offset: Int64) -> [Stretch] {
    let bytes = [0xFF] + Array("CD001".utf8) + [1]
    return [
      Stretch(
        name: "end of descriptors at \(ByteCount(offset).exact)", offset: offset,
        bytes: bytes + [UInt8](repeating: 0, count: 2048 - bytes.count))
    ]
  }

  // MARK: What is empty

  /// Behind the last record of each block of a folder.
  private func slack() throws -> [Finding] {
    var findings: [Finding] = []
    for range in Set(
      reader.volumes.flatMap(\.trees).flatMap(\.structures).filter { $0.structure.isDirectory }.map(\.range))
    {
      let bytes = try image.available(at: range.lowerBound, count: range.count)
      for start in stride(from: 0, to: bytes.count, by: 2048) {
        let block = bytes[start..<min(start + 2048, bytes.count)]
        var used = 0
        while used < block.count, case let length = Int(block[start + used]), length > 0 { used += length }
        findings += Self.nonzero(block.dropFirst(used), at: range.lowerBound, "unused bytes of a folder")
      }
    }
    return findings
  }

  /// Gaps and padding hold nothing. The sweep has their digests, so only what is not zero is read again.
  private func emptiness() throws -> [Finding] {
    var findings: [Finding] = []
    for sealed in [SealedClass.filePadding, .everythingElse] {
      let ranges = map.ranges(of: sealed)
      guard sweep.sealed[sealed.index] != SealHasher.digestOfZeros(ranges) else { continue }
      for range in ranges {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 1 << 20) {
          let count = Int(min(range.upperBound - start, 1 << 20))
          // What the drive cannot read is a finding of the sweep.
          guard findings.count < 100, let bytes = try? image.bytes(at: start, count: count) else { continue }
          findings += Self.nonzero(bytes[...], at: start, sealed.title)
        }
      }
    }
    return findings
  }

  private static func nonzero(_ bytes: ArraySlice<UInt8>, at base: Int64, _ name: String) -> [Finding] {
    guard let first = bytes.firstIndex(where: { $0 != 0 }), let last = bytes.lastIndex(where: { $0 != 0 }) else {
      return []
    }
    return [
      Finding(
        .unexpected, structure: name, ranges: [base + Int64(first)..<base + Int64(last) + 1], expected: "0x00",
        actual: "0x" + String(bytes[first], radix: 16))
    ]
  }
}
