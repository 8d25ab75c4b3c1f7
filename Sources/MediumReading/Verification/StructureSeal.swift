// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Digests over every byte of a medium that is not the content of a file.
///
/// `lifeboat.json` has the digests of all files. The seal has those of everything else: boot sectors, partition
/// tables, descriptors, directories, padding. It stands in the primary volume descriptor's Application Use field
/// (ECMA-119, 8.4.32), which belongs to whoever wrote the volume, and which counts as zeros in its own digest.
///
///     0    8   "LIFEBOAT"
///     8    1   version, 1
///     9    1   number of digests, 14
///     16   8   size of the image in bytes, little-endian
///     32   448 a SHA-256 for each `SealedClass`, in order
///     480  32  SHA-256 of the 480 bytes before it
///
/// A class's digest is over its ranges in ascending order: for each one its offset and length (8 bytes each,
/// little-endian), then its bytes. A class without bytes has the digest of nothing. All other bytes are zero.
///
/// The seal finds damage and says where it is. It is no signature: whoever changes a medium on purpose can seal it
/// again. What they cannot do is to change a file that the signed record lists, nor the layout, whose digest it holds.
public struct StructureSeal: Sendable, Equatable {
  /// How large the image is; what follows on a larger stick does not belong to it.
  public var imageSize: ByteCount
  /// One for each `SealedClass`, in order.
  public var digests: [Digest]

  /// Where the seal stands on a medium: 512 bytes at 32,768 + 883.
  public static let place = ByteRange(range)
  static let range: Range<Int64> = 33651..<34163
  private static let magic = Array("LIFEBOAT".utf8)
  private static let version: UInt8 = 1
  private static let digestsStart = 32
  private static let checkStart = 480

  init(imageSize: ByteCount, digests: [Digest]) {
    self.imageSize = imageSize
    self.digests = digests
  }

  /// Reads the 512 bytes; nil unless they hold an intact seal.
  public init?(field: [UInt8]) {
    guard field.count == 512, field.starts(with: Self.magic), field[8] == Self.version,
      field[9] == UInt8(SealedClass.allCases.count), Digest(of: field[..<480]).bytes == Array(field[480...])
    else { return nil }
    let size = field.little(UInt64.self, at: 16)
    guard size <= 1 << 50 else { return nil }
    imageSize = ByteCount(Int64(size))
    digests = SealedClass.allCases.compactMap {
      Digest(bytes: Array(field.field(Self.digestsStart + 32 * $0.index, 32)))
    }
  }

  /// The 512 bytes.
  public var field: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.checkStart)
    bytes.replaceSubrange(0..<8, with: Self.magic)
    bytes[8] = Self.version
    bytes[9] = UInt8(SealedClass.allCases.count)
    for index in 0..<8 { bytes[16 + index] = UInt8(truncatingIfNeeded: imageSize.bytes >> (8 * Int64(index))) }
    for (index, digest) in digests.enumerated() {
      let start = Self.digestsStart + 32 * index
      bytes.replaceSubrange(start..<start + 32, with: digest.bytes)
    }
    return bytes + Digest(of: bytes).bytes
  }

  /// The digest of a class.
  public subscript(sealed: SealedClass) -> Digest { digests[sealed.index] }

  /// Whether the field carries a seal, intact or not: most of its name is there.
  static func seemsSealed(_ field: [UInt8]) -> Bool { zip(field, magic).count { $0 == $1 } >= 6 }

  /// Seals an image that is complete but for this: reads its structures, not its files, and writes 512 bytes.
  ///
  /// The image must hold `lifeboat.json`, because that says where the EFI system partition ends and which bytes of
  /// boot images were patched.
  /// - Parameters:
  ///   - descriptor: open for reading and writing, without `O_DIRECT`. It is not synced.
  ///   - size: the bytes of the image.
  /// - Throws: `ISOReader.Failure`, `MediumVerification.Failure`, `OperationFailure`.
  public static func apply(to descriptor: FileDescriptor, size: ByteCount) throws {
    let path: FilePath = "the new image"
    let source = try OperationFailure.wrap("read", path) { try OpenedFile(borrowing: descriptor) }
    let image = DiskImageReader(path: path, source: source, size: size.bytes)
    let seal = try StructureSeal(of: image)
    _ = try OperationFailure.wrap("write", path) {
      try descriptor.writeAll(toAbsoluteOffset: range.lowerBound, seal.field)
    }
  }

  /// Computes the seal of an image.
  /// - Throws: `ISOReader.Failure`, `MediumVerification.Failure`, `OperationFailure`.
  init(of image: DiskImageReader) throws {
    let reader = try ISOReader(image)
    let map = MediumMap(reader, record: try MediumVerification.record(of: reader))
    var hasher = SealHasher()
    for segment in map.segments {
      guard segment.owner.sealedClass != nil else { continue }
      hasher.begin(segment)
      var cursor = segment.range.lowerBound
      while cursor < segment.range.upperBound {
        let count = Int(min(segment.range.upperBound - cursor, 1 << 20))
        let bytes = try image.bytes(at: cursor, count: count)
        hasher.update(segment.owner, bytes[...])
        cursor += Int64(count)
      }
    }
    self.init(imageSize: image.size, digests: hasher.finish())
  }
}

/// Gathers the digests of all classes while the bytes of a medium pass by in order.
struct SealHasher {
  private var hashers = SealedClass.allCases.map { _ in Digest.Hasher() }

  /// Begins a segment that belongs to the seal; all its bytes follow.
  mutating func begin(_ segment: MediumMap.Segment) {
    guard let sealed = segment.owner.sealedClass else { return }
    hashers[sealed.index].update(Self.bytes(segment.range.lowerBound) + Self.bytes(Int64(segment.range.count)))
  }

  /// Takes the next bytes of the segment.
  mutating func update(_ owner: MediumMap.Owner, _ bytes: ArraySlice<UInt8>) {
    guard let sealed = owner.sealedClass else { return }
    if owner == .sealField {
      hashers[sealed.index].update([UInt8](repeating: 0, count: bytes.count))
    } else {
      bytes.withUnsafeBytes { hashers[sealed.index].update($0) }
    }
  }

  /// One digest for each class, in order.
  func finish() -> [Digest] { hashers.map { $0.finish() } }

  /// The digest that a class would have if all its bytes were zero.
  static func digestOfZeros(_ ranges: [Range<Int64>]) -> Digest {
    var hasher = Digest.Hasher()
    let zeros = [UInt8](repeating: 0, count: 1 << 16)
    for range in ranges {
      hasher.update(bytes(range.lowerBound) + bytes(Int64(range.count)))
      var rest = range.count
      while rest > 0 {
        hasher.update(rest >= zeros.count ? zeros : Array(zeros[..<rest]))
        rest -= min(rest, zeros.count)
      }
    }
    return hasher.finish()
  }

  private static func bytes(_ number: Int64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * Int64($0))) }
  }
}
