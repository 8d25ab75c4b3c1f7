// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
package import SystemPackage

/// What was found on a device, and how it is known.
public struct Probe: Hashable, Sendable, Codable {
  /// How the content is known.
  public var source: Source
  /// What it holds: none for an empty or unknown device, more than one only if they contradict each other.
  public var signatures: [Signature]
  /// Its partition table.
  public var table: Table?
  /// Whether libblkid found signatures that exclude each other, such as leftovers of an older use.
  public var isAmbivalent: Bool
  /// Why it could not be read, for `failed`.
  public var error: String?

  /// How the content is known.
  public enum Source: String, Sendable, Codable {
    /// libblkid read the device.
    case device
    /// The device may not be opened, but udev's record of it may be read.
    case udev
    /// The device may not be opened, and udev has no record.
    case denied
    /// Reading failed.
    case failed
    /// There is nothing to read, or it is not of interest (optical drives).
    case skipped
  }

  /// A file system, or a mark of some other use.
  public struct Signature: Hashable, Sendable, Codable {
    /// libblkid's word: `ext4`, `LVM2_member`.
    public var type: String
    /// libblkid's word: `filesystem`, `raid`, `crypto`, `other`.
    public var usage: String?
    /// The label.
    public var label: String?
    /// The UUID.
    public var uuid: String?
    /// Describes one.
    public init(type: String, usage: String? = nil, label: String? = nil, uuid: String? = nil) {
      self.type = type
      self.usage = usage
      self.label = label
      self.uuid = uuid
    }
  }

  /// A partition table.
  public struct Table: Hashable, Sendable, Codable {
    /// `gpt`, `dos`.
    public var type: String
    /// Its identifier.
    public var uuid: String?
    /// Its entries.
    public var entries: [Entry]
    /// Describes one.
    public init(type: String, uuid: String? = nil, entries: [Entry] = []) {
      self.type = type
      self.uuid = uuid
      self.entries = entries
    }
    /// Reads JSON.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      type = try container.decode(String.self, forKey: .type)
      uuid = try container.decodeIfPresent(String.self, forKey: .uuid)
      entries = try container.decodeIfPresent([Entry].self, forKey: .entries) ?? []
    }
  }

  /// A line of a partition table.
  public struct Entry: Hashable, Sendable, Codable {
    /// Its number.
    public var index: Int
    /// Its first byte.
    public var start: ByteCount
    /// Its size.
    public var size: ByteCount
    /// A GUID, or an MBR type as `0x83`.
    public var type: String?
    /// GPT: its name.
    public var name: String?
    /// Its UUID.
    public var uuid: String?
    /// What is on it, where the kernel made no device of the entry.
    public var signatures: [Signature]?
    /// Describes one.
    public init(
      index: Int, start: ByteCount, size: ByteCount, type: String? = nil, name: String? = nil, uuid: String? = nil,
      signatures: [Signature]? = nil
    ) {
      self.index = index
      self.start = start
      self.size = size
      self.type = type
      self.name = name
      self.uuid = uuid
      self.signatures = signatures
    }
  }

  /// Describes what is on a device; nothing, unless said otherwise.
  public init(
    source: Source = .device, signatures: [Signature] = [], table: Table? = nil, isAmbivalent: Bool = false,
    error: String? = nil
  ) {
    self.source = source
    self.signatures = signatures
    self.table = table
    self.isAmbivalent = isAmbivalent
    self.error = error
  }

  /// Reads JSON.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    source = try container.decodeIfPresent(Source.self, forKey: .source) ?? .device
    signatures = try container.decodeIfPresent([Signature].self, forKey: .signatures) ?? []
    table = try container.decodeIfPresent(Table.self, forKey: .table)
    isAmbivalent = try container.decodeIfPresent(Bool.self, forKey: .isAmbivalent) ?? false
    error = try container.decodeIfPresent(String.self, forKey: .error)
  }
}

extension Probe {
  /// Looks at a whole drive through a descriptor that reads at any offset: what somebody sees who may not open it by
  /// its name, but has had it opened. Partitions are part of it. What cannot be read is part of the answer.
  package init(of descriptor: FileDescriptor) { self = SignatureProbe.read(descriptor) }
}
