// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
public import DriveDiscovery
@preconcurrency internal import Glibc
internal import HostSystem
public import SystemPackage

/// A drive that is held open for writing, alone, and is the one that was asked for.
///
/// It is held from `init` until the value is gone: while it is, nothing can be mounted from it and no other careful
/// program writes to it (`O_EXCL` on a block device). Reads and writes pass the page cache (`O_DIRECT`), so that what
/// is verified comes from the drive. There is no fallback for either.
///
/// A regular file is taken too, for tests and virtual machines; it cannot be held and its size is what it has.
public final class FlashTarget: BlockTarget {
  /// The name it was opened by.
  public let path: FilePath
  package let size: Int64
  package let blockSize: Int
  private let descriptor: FileDescriptor
  private let isBlockDevice: Bool
  private let sequence: UInt64?
  private let device: UInt64

  /// What stands behind a device number (`st_rdev`) now.
  public typealias Identify = @Sendable (_ deviceNumber: UInt64) throws -> DriveIdentity

  /// Asks sysfs.
  public static let identity: Identify = { try DriveIdentity.current(of: DeviceNumber(rawValue: $0)) }

  /// Opens a drive and makes sure, on what was opened, that it is the one that was meant.
  /// - Parameters:
  ///   - path: a block device or a regular file.
  ///   - expected: what the plan was made for; nil accepts any (files, tests).
  ///   - identify: asks what stands behind a device number now.
  /// - Throws: `FlashMediaFailure.refused`, `.writeProtected`, `.gone`; what `identify` throws.
  public convenience init(
    _ path: FilePath, expected: DriveIdentity?, identify: Identify = FlashTarget.identity
  ) throws {
    try self.init(try Self.open(path), path, expected, identify)
  }

  /// Takes over a descriptor that somebody with more rights opened, such as UDisks2's `OpenDevice` with the flags
  /// `O_EXCL | O_DIRECT | O_CLOEXEC`. The same checks are made. It is closed too where one of them fails.
  public init(
    _ descriptor: FileDescriptor, _ path: FilePath, _ expected: DriveIdentity?,
    _ identify: Identify = FlashTarget.identity
  ) throws {
    let facts: DeviceFacts
    do {
      facts = try DeviceFacts(descriptor, path)
      try facts.require(expected, identify, path)
    } catch {
      try? descriptor.close()
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    (isBlockDevice, size, blockSize, sequence, device) =
      (facts.isBlockDevice, facts.size, facts.blockSize, facts.sequence, facts.number)
  }

  deinit { try? descriptor.close() }

  private static func open(_ path: FilePath) throws -> FileDescriptor {
    var status = stat()
    guard stat(path.string, &status) == 0 else {
      throw FlashMediaFailure.refused(path, .cannotOpen(Errno(rawValue: errno)))
    }
    let isDevice = status.st_mode & S_IFMT == S_IFBLK
    guard isDevice || status.st_mode & S_IFMT == S_IFREG else { throw FlashMediaFailure.refused(path, .notADevice) }
    let flags = O_RDWR | O_CLOEXEC | linux_o_direct | (isDevice ? O_EXCL : 0)
    let opened = Glibc.open(path.string, flags)
    guard opened >= 0 else {
      switch Errno(rawValue: errno) {
      case .resourceBusy: throw FlashMediaFailure.refused(path, .busy)
      case .readOnlyFileSystem: throw FlashMediaFailure.writeProtected(path)
      case .permissionDenied where isReadOnly(status): throw FlashMediaFailure.writeProtected(path)
      case .invalidArgument: throw FlashMediaFailure.refused(path, .noDirectAccess)
      case .noSuchAddressOrDevice, Errno(rawValue: ENODEV), Errno(rawValue: ENOMEDIUM):
        throw FlashMediaFailure.gone(path)
      case let other: throw FlashMediaFailure.refused(path, .cannotOpen(other))
      }
    }
    return FileDescriptor(rawValue: opened)
  }

  /// The kernel answers EACCES alike for a read-only device and for missing rights; sysfs tells them apart.
  private static func isReadOnly(_ status: stat) -> Bool {
    guard status.st_mode & S_IFMT == S_IFBLK else { return false }
    let flag = try? FileTree.text(of: DeviceFacts.folder(UInt64(status.st_rdev)).appending("ro"))
    return flag?.hasPrefix("1") == true
  }

  package func write(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws(Errno) {
    try buffer.write(range, to: descriptor, at: offset)
  }

  package func read(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws(Errno) {
    guard try buffer.read(range, from: descriptor, at: offset) == range.count else { throw .ioError }
  }

  package func zero(_ range: Range<Int64>) throws(Errno) {
    let length = range.upperBound - range.lowerBound
    let result =
      isBlockDevice
      ? linux_block_zero(descriptor.rawValue, UInt64(range.lowerBound), UInt64(length))
      : linux_file_zero(descriptor.rawValue, range.lowerBound, length)
    guard result == 0 else { throw Errno(rawValue: -result) }
  }

  package func flush() throws(Errno) {
    guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
    guard isBlockDevice else { return }
    let result = linux_block_flush(descriptor.rawValue)
    // Only an administrator may drop the cache. Reads pass it anyway.
    guard result == 0 || result == -EACCES || result == -EPERM else { throw Errno(rawValue: -result) }
  }

  /// Calls `body` with the descriptor while it goes through the page cache, which allows reads of any size.
  func withPageCache<Result>(_ body: (FileDescriptor) throws -> Result) throws -> Result {
    let flags = fcntl(descriptor.rawValue, F_GETFL)
    guard flags >= 0, fcntl(descriptor.rawValue, F_SETFL, flags & ~linux_o_direct) == 0 else {
      throw FlashMediaFailure.refused(path, .noDirectAccess)
    }
    let result = try body(descriptor)
    guard fcntl(descriptor.rawValue, F_SETFL, flags | linux_o_direct) == 0 else {
      throw FlashMediaFailure.refused(path, .noDirectAccess)
    }
    return result
  }

  /// Whether the kernel can read partition tables of this device, or knows the format, does not matter here. For an
  /// ordinary user, who may not ask for it, udev does it when the device is closed.
  package func rereadPartitions() {
    if isBlockDevice { _ = linux_block_reread(descriptor.rawValue) }
  }

  /// When a stick is pulled out, its commands fail (EIO) before the kernel has taken the device away.
  private static let settling = (attempts: 30, microseconds: UInt32(100_000))

  package var isPresent: Bool {
    guard isBlockDevice else { return true }
    for _ in 0..<Self.settling.attempts {
      guard isListed else { return false }
      usleep(Self.settling.microseconds)
    }
    return isListed
  }

  /// Whether sysfs has the device, with the medium that was opened.
  private var isListed: Bool {
    let folder = DeviceFacts.folder(device)
    guard FileTree.kind(of: folder) != nil else { return false }
    var now: UInt64 = 0
    guard let sequence, linux_block_sequence(descriptor.rawValue, &now) == 0 else { return true }
    guard let text = try? FileTree.text(of: folder.appending("diskseq")) else { return now == sequence }
    return now == sequence && UInt64(text.filter(\.isNumber)) == sequence
  }
}

/// What an opened descriptor is.
struct DeviceFacts {
  let isBlockDevice: Bool
  let size: Int64
  let blockSize: Int
  let sequence: UInt64?
  let number: UInt64

  init(_ descriptor: FileDescriptor, _ path: FilePath) throws {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else {
      throw FlashMediaFailure.refused(path, .cannotOpen(Errno(rawValue: errno)))
    }
    number = UInt64(status.st_rdev)
    isBlockDevice = status.st_mode & S_IFMT == S_IFBLK
    guard isBlockDevice else {
      guard status.st_mode & S_IFMT == S_IFREG else { throw FlashMediaFailure.refused(path, .notADevice) }
      (size, blockSize, sequence) = (Int64(status.st_size) / 4096 * 4096, 4096, nil)
      return
    }
    var bytes: UInt64 = 0
    var logical: Int32 = 0
    var readOnly: Int32 = 0
    for result in [
      linux_block_size(descriptor.rawValue, &bytes), linux_block_logical_size(descriptor.rawValue, &logical),
      linux_block_read_only(descriptor.rawValue, &readOnly),
    ] where result != 0 {
      throw TargetFault.failure(Errno(rawValue: -result), path, offset: 0, writing: false, isPresent: true)
    }
    guard readOnly == 0 else { throw FlashMediaFailure.writeProtected(path) }
    var sequence: UInt64 = 0
    self.sequence = linux_block_sequence(descriptor.rawValue, &sequence) == 0 ? sequence : nil
    (size, blockSize) = (Int64(bytes), Int(logical))
    guard blockSize >= 512, blockSize <= AlignedBuffer.alignment else {
      throw FlashMediaFailure.refused(path, .noDirectAccess)
    }
  }

  /// Makes sure that it is the drive that was meant.
  func require(_ expected: DriveIdentity?, _ identify: FlashTarget.Identify, _ path: FilePath) throws {
    guard let expected else { return }
    if let refusal = FlashMediaFailure.Refusal(expected: expected, found: try identify(number)) {
      throw FlashMediaFailure.refused(path, refusal)
    }
    guard isBlockDevice, expected.size.bytes != size else { return }
    throw FlashMediaFailure.refused(
      path, .otherDevice(field: "size", expected: expected.size.exact, found: ByteCount(size).exact))
  }

  /// A device's folder in sysfs.
  static func folder(_ number: UInt64) -> FilePath { FilePath("/sys/dev/block/\(DeviceNumber(rawValue: number))") }
}

extension FlashMediaFailure.Refusal {
  /// Why a drive is not the one that was meant, or nil if it is.
  package init?(expected: DriveIdentity, found: DriveIdentity) {
    guard let field = found.differences(from: expected).first else { return nil }
    self = .otherDevice(field: field.words, expected: expected.text(of: field), found: found.text(of: field))
  }
}
