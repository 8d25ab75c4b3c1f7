// SPDX-License-Identifier: GPL-3.0-or-later

/// A line of `/proc/PID/mountinfo`.
public struct Mount: Hashable, Sendable, Codable {
  /// The device's number; of no device for btrfs, overlay and whatever lies on none.
  public var number: DeviceNumber
  /// Which part of the file system is seen here: `/`, a subvolume, a bound folder.
  public var root: String
  /// Where it is mounted.
  public var point: String
  /// The file system: `ext4`, `overlay`.
  public var type: String
  /// What was mounted: a device's node, a pool, a word.
  public var source: String
  /// Options of the file system; an overlay's folders among them.
  public var options: String
  /// Whether it is seen by the first process of the system only, because Lifeboat runs in a mount namespace of its own.
  public var isOutside: Bool

  /// Describes one.
  public init(
    number: DeviceNumber, root: String = "/", point: String, type: String, source: String, options: String = "",
    isOutside: Bool = false
  ) {
    self.number = number
    self.root = root
    self.point = point
    self.type = type
    self.source = source
    self.options = options
    self.isOutside = isOutside
  }

  /// Reads JSON; what is not there has its usual value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    number = try container.decode(DeviceNumber.self, forKey: .number)
    root = try container.decodeIfPresent(String.self, forKey: .root) ?? "/"
    point = try container.decode(String.self, forKey: .point)
    type = try container.decode(String.self, forKey: .type)
    source = try container.decode(String.self, forKey: .source)
    options = try container.decodeIfPresent(String.self, forKey: .options) ?? ""
    isOutside = try container.decodeIfPresent(Bool.self, forKey: .isOutside) ?? false
  }

  /// The folders that an overlay is made of.
  var overlayFolders: [String] {
    guard type == "overlay" else { return [] }
    return options.split(separator: ",").flatMap { option -> [String] in
      let parts = option.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { return [] }
      switch parts[0] {
      case "lowerdir", "lowerdir+", "datadir+": return Mount.splitAtColons(parts[1])
      case "upperdir", "workdir": return [String(parts[1])]
      default: return []
      }
    }
  }

  /// Folders with a colon in their name have it escaped by a backslash; two colons set data layers off.
  private static func splitAtColons(_ text: Substring) -> [String] {
    var folders = [""]
    var isEscaped = false
    for character in text {
      switch character {
      case "\\" where !isEscaped:
        isEscaped = true
        continue
      case ":" where !isEscaped: folders.append("")
      default: folders[folders.count - 1].append(character)
      }
      isEscaped = false
    }
    return folders.filter { !$0.isEmpty }
  }
}
