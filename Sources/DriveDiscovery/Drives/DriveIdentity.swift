// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// What a drive says about itself, by which it is known again: never `/dev/sdX`, which the next drive may be given.
public struct DriveIdentity: Hashable, Sendable, Codable {
  /// The serial number of the device itself (of a card in a reader: the card's), or nil if it has none.
  public var serial: String?
  /// The World Wide Name (SCSI, ATA, NVMe: `wwid` in sysfs), or nil.
  public var wwn: String?
  /// Maker and model as the device names them.
  public var model: String
  /// The whole device's size.
  public var size: ByteCount
  /// Where it is plugged in, as sysfs names the device's parents; tells apart drives without a serial number.
  public var port: String
  /// The number that the kernel gave to this medium in this device: a card that is changed, or another stick under the
  /// same name, gets a new one (`diskseq` in sysfs, Linux 5.15), or nil.
  public var sequence: UInt64?

  /// Wraps the values.
  public init(serial: String?, wwn: String?, model: String, size: ByteCount, port: String, sequence: UInt64?) {
    self.serial = serial
    self.wwn = wwn
    self.model = model
    self.size = size
    self.port = port
    self.sequence = sequence
  }
}
