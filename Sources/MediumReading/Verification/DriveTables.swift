// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Signing

/// The tables of a drive that is larger than the image on it.
///
/// Such a drive has either the image's own tables, and then nothing behind the image belongs to any partition; or
/// those that `write --data` makes (docs/drives.md): the same with one entry more, with their backup at the drive's end.
/// The latter are compared with what they must be, and the image is then seen with the tables that it had.
struct DriveTables {
  typealias Finding = MediumVerification.Finding

  /// The image with its own tables.
  private(set) var image: DiskImageReader
  /// What is wrong with the drive's.
  var findings: [Finding] = []
  /// Whether there is a data partition.
  var hasData = false

  /// The name by which `write --update` knows its partition.
  private static let dataName = "lifeboat-data"

  /// - Parameters:
  ///   - whole: the drive, or a file that is a copy of one.
  ///   - image: its first bytes, as many as the seal says.
  /// - Throws: `OperationFailure`, `ISOReader.Failure`.
  init(_ whole: DiskImageReader, image: DiskImageReader, record: MediumRecord) throws {
    self.image = image
    let drive = whole.size.bytes / 512 * 512
    guard drive >= image.size.bytes + 64 * 512, let own = ExpectedTables(record, image: image.size.bytes),
      var tables = ExpectedTables(record, image: image.size.bytes, disk: drive)
    else { return }
    let header = try whole.available(at: 512, count: 512)
    guard header.little(Int64.self, at: 32) == drive / 512 - 1 else {
      let end = try whole.available(at: drive - 512, count: 512)
      guard end.has("EFI PART", at: 0) else { return }
      // Firmware believes in it as soon as the first table is damaged.
      findings = [
        Finding(.unexpected, structure: "a partition table behind the image", ranges: [drive - 512..<drive])
      ]
      return
    }
    hasData = true
    let entries = try whole.available(at: 1024, count: ExpectedTables.entryCount * ExpectedTables.entrySize)
    if let number = (4...ExpectedTables.entryCount).first(where: { !Self.entry($0, entries).isZero }) {
      let entry = Self.entry(number, entries)
      tables.data = (number, entry)
      if let problem = Self.problem(of: entry, number, tables, behind: image.size.bytes) { findings.append(problem) }
    }
    findings += try LayoutCheck.tables(tables, whole)
    self.image = image.replacing(at: 440, with: own.systemArea())
  }

  private static func entry(_ number: Int, _ entries: [UInt8]) -> [UInt8] {
    Array(entries.field((number - 1) * ExpectedTables.entrySize, ExpectedTables.entrySize))
  }

  /// A data partition has one of two types, its name, no attributes, and lies behind the image and before the backup.
  private static func problem(
    of entry: [UInt8], _ number: Int, _ tables: ExpectedTables, behind image: Int64
  ) -> Finding? {
    let types = [GUIDPartitionTable.basicData, GUIDPartitionTable.linuxData].map(ExpectedTables.guid)
    let name = dataName.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let (first, last) = (entry.little(UInt64.self, at: 32), entry.little(UInt64.self, at: 40))
    let isOurs =
      types.contains(Array(entry[..<16])) && !entry[16..<32].isZero && entry[48..<56].isZero
      && entry[56...].elementsEqual(name + [UInt8](repeating: 0, count: 72 - name.count))
    let fits = first >= UInt64(image / 512) && first <= last && last < UInt64(tables.backupEntries / 512)
    guard !isOurs || !fits else { return nil }
    let start = 1024 + Int64((number - 1) * ExpectedTables.entrySize)
    return Finding(
      .unexpected, structure: "GPT entry \(number)", ranges: [start..<start + Int64(ExpectedTables.entrySize)],
      expected: "a data partition of Lifeboat's behind the image, or nothing", actual: "another partition")
  }
}

/// Bytes that stand in the place of others.
struct Overlay: ByteSource {
  let base: DiskImageReader
  let offset: Int64
  let bytes: [UInt8]

  var size: Int64 { base.size.bytes }

  func read(at start: Int64, count: Int) throws -> [UInt8] {
    var result = try base.bytes(at: start, count: count)
    let shared = (start..<start + Int64(count)).clamped(to: offset..<offset + Int64(bytes.count))
    guard !shared.isEmpty else { return result }
    result.replaceSubrange(
      Int(shared.lowerBound - start)..<Int(shared.upperBound - start),
      with: bytes[Int(shared.lowerBound - offset)..<Int(shared.upperBound - offset)])
    return result
  }
}

extension DiskImageReader {
  /// The same bytes but for some that others stand for.
  func replacing(at offset: Int64, with bytes: [UInt8]) -> DiskImageReader {
    DiskImageReader(
      path: path, source: Overlay(base: self, offset: offset, bytes: bytes), isBlockDevice: isBlockDevice)
  }
}
