// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// A block device as sysfs, udev and libblkid know it: a whole one, or a partition.
public struct BlockDevice: Hashable, Sendable, Codable {
  /// The kernel's name: `sdb1`.
  public var name: String
  /// Its number.
  public var number: DeviceNumber
  /// Where it hangs in the tree of devices, below `/sys/devices`: `pci0000:00/…/usb1/1-2/…/block/sdb`.
  public var location: String
  /// Its size; none for an empty reader.
  public var size: ByteCount
  /// Of a partition: the disk and the place on it.
  public var partition: Place?
  /// Whether the kernel refuses to write.
  public var isReadOnly: Bool
  /// Whether the device says that its medium can be taken out. Many sticks say no; hot-swap SATA ports say yes.
  public var isRemovable: Bool
  /// Whether there is no node for it: a path of a multipath NVMe drive.
  public var isHidden: Bool
  /// The smallest unit that can be written.
  public var logicalBlockSize: Int
  /// `diskseq`: never given twice while the system runs.
  public var sequence: UInt64?
  /// What `device/` says.
  public var hardware: Hardware
  /// The USB device that it is part of.
  public var usb: USBDevice?
  /// What lies on top of it: `dm-0`.
  public var holders: [String]
  /// What it lies on top of.
  public var slaves: [String]
  /// Of a device-mapper device: its name and UUID, which tells who made it (`LVM-…`, `CRYPT-…`, `mpath-…`).
  public var mapping: Mapping?
  /// Of a RAID: `raid1`.
  public var raidLevel: String?
  /// Of a loop device: the file.
  public var backingFile: String?
  /// The names that udev gives it, below `/dev`: `disk/by-id/usb-…`.
  public var links: [String]
  /// What is on it.
  public var probe: Probe

  /// Where a partition lies.
  public struct Place: Hashable, Sendable, Codable {
    /// The disk's name.
    public var disk: String
    /// Its number in the table.
    public var index: Int
    /// Its first byte.
    public var start: ByteCount
    /// Describes one.
    public init(disk: String, index: Int, start: ByteCount) {
      self.disk = disk
      self.index = index
      self.start = start
    }
  }

  /// What the device's own folder in sysfs says; each only where the kind of device has it.
  public struct Hardware: Hashable, Sendable, Codable {
    /// SCSI: maker, 8 characters.
    public var vendor: String?
    /// SCSI: product, 16 characters; NVMe: the controller's.
    public var model: String?
    /// NVMe, MMC, virtio, and SCSI where the unit serial number page is there.
    public var serial: String?
    /// SCSI and NVMe: world wide identifier.
    public var wwid: String?
    /// SCSI: `0` a disk, `5` an optical drive. MMC: `SD`, or `MMC` for soldered storage.
    public var type: String?
    /// MMC: the product's name.
    public var name: String?
    /// The driver of the USB interface: `usb-storage` or `uas`.
    public var driver: String?
    /// Describes a device.
    public init(
      vendor: String? = nil, model: String? = nil, serial: String? = nil, wwid: String? = nil, type: String? = nil,
      name: String? = nil, driver: String? = nil
    ) {
      self.vendor = vendor
      self.model = model
      self.serial = serial
      self.wwid = wwid
      self.type = type
      self.name = name
      self.driver = driver
    }
  }

  /// A USB device as its descriptors name it.
  public struct USBDevice: Hashable, Sendable, Codable {
    /// Maker's name.
    public var manufacturer: String?
    /// Product's name.
    public var product: String?
    /// Serial number; of a card reader: the reader's.
    public var serial: String?
    /// Megabits a second: `480`, `5000`.
    public var speed: String?
    /// Describes one.
    public init(manufacturer: String? = nil, product: String? = nil, serial: String? = nil, speed: String? = nil) {
      self.manufacturer = manufacturer
      self.product = product
      self.serial = serial
      self.speed = speed
    }
  }

  /// What the device mapper calls a device.
  public struct Mapping: Hashable, Sendable, Codable {
    /// Its name below `/dev/mapper`.
    public var name: String
    /// Its UUID, whose first word tells who made it.
    public var uuid: String
    /// Describes one.
    public init(name: String, uuid: String) {
      self.name = name
      self.uuid = uuid
    }
  }

  /// Describes a device; what is not given is unknown, or has the value that most devices have.
  public init(name: String, number: DeviceNumber, location: String, size: ByteCount) {
    self.name = name
    self.number = number
    self.location = location
    self.size = size
    isReadOnly = false
    isRemovable = false
    isHidden = false
    logicalBlockSize = 512
    hardware = Hardware()
    holders = []
    slaves = []
    links = []
    probe = Probe(source: .skipped)
  }
}

extension BlockDevice {
  /// The node's path; sysfs writes `!` where a name has a slash.
  public var path: String { "/dev/" + name.map { $0 == "!" ? "/" : String($0) }.joined() }

  /// Reads JSON; what is not there has the value that most devices have.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try container.decode(String.self, forKey: .name),
      number: try container.decode(DeviceNumber.self, forKey: .number),
      location: try container.decode(String.self, forKey: .location),
      size: try container.decode(ByteCount.self, forKey: .size))
    func value<Value: Decodable>(_ key: CodingKeys, or usual: Value) throws -> Value {
      try container.decodeIfPresent(Value.self, forKey: key) ?? usual
    }
    partition = try value(.partition, or: nil)
    isReadOnly = try value(.isReadOnly, or: false)
    isRemovable = try value(.isRemovable, or: false)
    isHidden = try value(.isHidden, or: false)
    logicalBlockSize = try value(.logicalBlockSize, or: 512)
    sequence = try value(.sequence, or: nil)
    hardware = try value(.hardware, or: Hardware())
    usb = try value(.usb, or: nil)
    holders = try value(.holders, or: [])
    slaves = try value(.slaves, or: [])
    mapping = try value(.mapping, or: nil)
    raidLevel = try value(.raidLevel, or: nil)
    backingFile = try value(.backingFile, or: nil)
    links = try value(.links, or: [])
    probe = try value(.probe, or: Probe(source: .skipped))
  }
}
