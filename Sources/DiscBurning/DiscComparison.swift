// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import MediumReading
internal import SystemPackage

/// Reads a disc through its drive, past the kernel's cache, and compares it with the image.
struct DiscComparison {
  private let image: BurnImage
  private let drive: GrabbedDrive
  private let label: String
  private let isCancelled: () -> Bool

  /// What is read at a time.
  private static let pieceSize = 1 << 20
  /// A drive may take half a minute over each: after so many that cannot be read, the disc is bad enough.
  private static let mostUnreadable = 16

  init(_ image: BurnImage, _ drive: GrabbedDrive, label: String, isCancelled: @escaping () -> Bool) {
    self.image = image
    self.drive = drive
    self.label = label
    self.isCancelled = isCancelled
  }

  /// Compares all of it.
  /// - Returns: the SHA-256 of what was read from the disc, which is that of the image.
  /// - Throws: `DiscBurner.Failure.verifyFailed`, `OperationFailure`, `CancellationError`.
  func run(progress: ProgressEvent.Handler) throws -> Digest {
    let step = "verify \(image.path.lastComponent?.string ?? image.path.string)"
    progress(.started(step: step, total: image.size))
    let file = try DiskImageReader(image.path)
    var (promised, found) = (Digest.Hasher(), Digest.Hasher())
    var damage = Damage()
    var offset: Int64 = 0
    while offset < image.size.bytes, damage.unreadable < Self.mostUnreadable {
      if isCancelled() { throw CancellationError() }
      let count = Int(min(Int64(Self.pieceSize), image.size.bytes - offset))
      let expected = try file.bytes(at: offset, count: count)
      let read = piece(at: offset, count: count, &damage)
      if read != expected { damage.add(differences: Array(expected.prefix(read.count)), read, at: offset) }
      promised.update(expected)
      found.update(read)
      offset += Int64(count)
      progress(.advanced(step: step, done: ByteCount(offset), total: image.size))
    }
    let (wanted, got) = (promised.finish(), found.finish())
    if let first = damage.first {
      throw DiscBurner.Failure.verifyFailed(
        drive: label, first: ByteRange(first), bad: ByteCount(damage.bad), isUnreadable: damage.firstIsUnreadable)
    }
    guard wanted == got else { throw DiscBurner.Failure.library("equal bytes have two digests") }
    progress(.finished(step: step, produced: nil))
    return got
  }

  /// Reads whole sectors and gives what was asked for, or less where too much cannot be read; a sector that cannot be
  /// read counts as zeros.
  private func piece(at offset: Int64, count: Int, _ damage: inout Damage) -> [UInt8] {
    var bytes: [UInt8] = []
    let sector = GrabbedDrive.sector
    let whole = (count + sector - 1) / sector * sector
    while bytes.count < count, damage.unreadable < Self.mostUnreadable {
      let (read, isWhole) = drive.read(at: offset + Int64(bytes.count), count: whole - bytes.count)
      bytes += read
      guard !isWhole, bytes.count < count else { break }
      bytes.removeLast(bytes.count % sector)
      damage.add(unreadable: offset + Int64(bytes.count), min(sector, count - bytes.count))
      bytes += [UInt8](repeating: 0, count: sector)
    }
    return Array(bytes.prefix(count))
  }

  /// What is wrong with a disc.
  struct Damage {
    private(set) var first: Range<Int64>?
    private(set) var firstIsUnreadable = false
    private(set) var bad: Int64 = 0
    /// Where the sectors begin that cannot be read.
    private var unreadablePlaces: Set<Int64> = []
    /// How many those are.
    var unreadable: Int { unreadablePlaces.count }

    mutating func add(unreadable offset: Int64, _ count: Int) {
      unreadablePlaces.insert(offset)
      extend(offset..<offset + Int64(count), isUnreadable: true)
    }

    /// Adds the sectors that differ; those that could not be read are among them already.
    mutating func add(differences expected: [UInt8], _ read: [UInt8], at offset: Int64) {
      for start in stride(from: 0, to: expected.count, by: GrabbedDrive.sector) {
        let range = start..<min(start + GrabbedDrive.sector, expected.count)
        let isKnown = unreadablePlaces.contains(offset + Int64(start))
        guard !isKnown, expected[range] != read[range] else { continue }
        extend(offset + Int64(range.lowerBound)..<offset + Int64(range.upperBound), isUnreadable: false)
      }
    }

    /// Sectors come in order, but for those of a piece that could not be read, which come before its others.
    private mutating func extend(_ range: Range<Int64>, isUnreadable: Bool) {
      bad += range.upperBound - range.lowerBound
      guard let known = first else {
        (first, firstIsUnreadable) = (range, isUnreadable)
        return
      }
      if range.lowerBound == known.upperBound, isUnreadable == firstIsUnreadable {
        first = known.lowerBound..<range.upperBound
      } else if range.lowerBound < known.lowerBound {
        (first, firstIsUnreadable) = (range, isUnreadable)
      }
    }
  }
}
