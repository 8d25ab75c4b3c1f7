// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// A whole device: what it is, where it is plugged in, what is on it.
public struct Drive: Hashable, Sendable, Codable {
  /// The node's path; another drive may have it next time.
  public var path: String
  /// The kernel's number for it.
  public var number: DeviceNumber
  /// By what it is known again.
  public var identity: DriveIdentity
  /// How it is attached.
  public var bus: Bus
  /// What sort of device it is.
  public var kind: DriveKind
  /// Megabits a second of the USB connection.
  public var speed: String?
  /// Whether it says that its medium can be taken out.
  public var isRemovable: Bool
  /// The names that udev gives it, as paths; the same next time.
  public var stableNames: [String]
  /// What is on it.
  public var contents: Contents
  /// Where it, or what stands on it, is mounted.
  public var mountPoints: [String]
  /// Other drives with the same serial number, or without any and of the same model: slots of one reader, or devices of
  /// a careless maker.
  public var lookalikes: [String]

  /// Its size.
  public var size: ByteCount { identity.size }

  /// Whether a person may mean it when looking for a drive to write: plugged in from outside.
  public var isCandidate: Bool {
    switch kind {
    case .card: true
    case .disk: bus == .usb || isRemovable
    case .optical, .floppy, .embedded, .loop, .memory, .mapping, .raid, .network, .software: false
    }
  }

  /// Whether it is a device that is set up for nothing: a loop device with no file, a RAM disk of size 0.
  public var isUnused: Bool {
    switch kind {
    case .loop, .memory, .network, .mapping, .raid, .software: size == .zero
    case .disk, .card, .embedded, .optical, .floppy: false
    }
  }

  /// What one drive has to say about itself besides.
  public var remarks: [String] {
    var remarks: [String] = []
    if !lookalikes.isEmpty {
      remarks.append(
        "has the same \(identity.serial == nil ? "model" : "serial number") as \(lookalikes.joined(separator: ", "));"
          + " its port is \(identity.port)")
    } else if isCandidate, identity.serial == nil, identity.wwn == nil {
      remarks.append("has no serial number; it is known by its port and model")
    }
    return remarks
  }
}

extension Drive {
  /// What is on a drive.
  public struct Contents: Hashable, Sendable, Codable {
    /// Whether that is known at all.
    public var isKnown: Bool
    /// The partition table's type: `gpt`, `dos`.
    public var table: String?
    /// The partition table's identifier.
    public var tableIdentifier: String?
    /// What lies on the whole drive, before or beside a partition table.
    public var signatures: [Probe.Signature]
    /// The partitions.
    public var partitions: [Partition]
    /// The volume identifier of the Lifeboat medium that the drive is: `LIFEBOAT_TIER1`. What exactly it is, its
    /// `lifeboat.json` says; reading that is left to who can read ISO 9660.
    public var lifeboat: String?
  }

  /// A partition of a drive.
  public struct Partition: Hashable, Sendable, Codable {
    /// The node's path; none where the kernel made no device of it.
    public var path: String?
    /// Its number in the table.
    public var index: Int
    /// Its first byte.
    public var start: ByteCount
    /// Its size.
    public var size: ByteCount
    /// The table's name for it.
    public var name: String?
    /// What lies on it.
    public var signatures: [Probe.Signature]

    /// The name of a partition that Lifeboat puts behind an image, for what people save.
    public static let dataName = "lifeboat-data"
    /// Whether it is one.
    public var isData: Bool { name == Self.dataName }
  }
}

extension Drive.Contents {
  /// In a few words: `gpt: vfat "EFI", ext4 "data"`.
  public var summary: String {
    guard isKnown else { return "unknown" }
    if let lifeboat {
      return (["Lifeboat medium \(lifeboat.dropFirst("LIFEBOAT_".count))"] + dataSummaries).joined(separator: ", ")
    }
    let whole = signatures.map(\.summary)
    guard let table else { return whole.isEmpty ? "empty" : whole.joined(separator: " and ") }
    let parts = partitions.map(\.summary)
    return (whole + ["\(table): \(parts.isEmpty ? "no partitions" : parts.joined(separator: ", "))"])
      .joined(separator: ", ")
  }
}

extension Drive.Contents {
  /// The partitions for data that Lifeboat has made, in a few words each: `exfat "LIFEBOAT"`.
  public var dataSummaries: [String] { partitions.filter(\.isData).map(\.summary) }
}

extension Drive.Partition {
  /// What lies on it, in a few words.
  public var summary: String {
    signatures.isEmpty ? "unformatted" : signatures.map(\.summary).joined(separator: " and ")
  }
}

extension Probe.Signature {
  /// `ext4 "data"`
  var summary: String { label.map { "\(type) \"\($0)\"" } ?? type }

  /// The volume identifier, if it is one that Lifeboat gives its media.
  var lifeboatVolume: String? {
    guard type == "iso9660", let label, label.hasPrefix("LIFEBOAT_") else { return nil }
    return label
  }
}
