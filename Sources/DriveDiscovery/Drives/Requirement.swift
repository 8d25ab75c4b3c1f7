// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// What a drive is wanted for.
public struct Requirement: Hashable, Sendable {
  /// What has to fit on it.
  public var needed: ByteCount?
  /// The absolute path of the image, which must not lie on the drive itself.
  public var imagePath: String?
  /// The most that a drive may have. A larger one is more likely somebody's backup than an empty stick.
  public var largest: ByteCount?
  /// The logical blocks that what is written counts in: 512 bytes in every image that firmware of today starts from a
  /// drive. Nil where that does not matter.
  public var blockSize: Int?
  /// Whether files that are seen as devices are as good as drives; for tests.
  public var allowsLoopDevices: Bool

  /// What is sold as 256 GB has up to this.
  public static let usualLargest = ByteCount(Int64(256 << 30))

  /// Describes what is wanted.
  public init(
    needed: ByteCount? = nil, imagePath: String? = nil, largest: ByteCount? = Requirement.usualLargest,
    blockSize: Int? = 512, allowsLoopDevices: Bool = false
  ) {
    self.needed = needed
    self.imagePath = imagePath
    self.largest = largest
    self.blockSize = blockSize
    self.allowsLoopDevices = allowsLoopDevices
  }
}
