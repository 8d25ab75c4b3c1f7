// SPDX-License-Identifier: GPL-3.0-or-later

/// The firmware's boot entries and their order, as `efibootmgr -v` of versions 17 and 18 prints them.
///
///     BootCurrent: 0001
///     BootOrder: 0001,0000
///     Boot0000* Recovery	HD(2,GPT,10ae3f9f-4138-4bda-800b-fabcbeb1bbae,0xa800,0x19000)/File(\EFI\BOOT\BOOTX64.EFI)
///     Boot0002* Windows	HD(1,GPT,1378bb09-b9a1-4644-b68c-fd3d6232489e,0x800,0xa000)/\EFI\Microsoft\Boot\bootmgfw.efi57494e
struct FirmwareBootList: Sendable, Equatable {
  /// One `Boot####` variable.
  struct Entry: Sendable, Equatable {
    /// Four hexadecimal digits in upper case.
    var number: String
    /// Whether the firmware may start it by itself.
    var isActive: Bool
    /// What its menu shows.
    var label: String
    /// The device path as text.
    var path: String

    /// The GUID of the partition that it starts from, in lower case.
    var partition: String? {
      path.firstMatch(of: /HD\([0-9]+,GPT,([0-9A-Fa-f-]{36})/).map { $0.1.lowercased() }
    }

    /// The file that it starts, with the firmware's backslashes. libefivar 38 and later leave `File(` and `)` out, and
    /// what the entry hands to the loader follows the name without a gap.
    var loader: String? {
      guard let start = path.firstRange(of: "/File(")?.upperBound else {
        return path.firstMatch(of: /\/(\\.*?\.[Ee][Ff][Ii])/).map { String($0.1) }
      }
      return path[start...].firstIndex(of: ")").map { String(path[start..<$0]) }
    }
  }

  /// The entry that this system was started by.
  var current: String?
  /// Numbers, in the order of trying; each once.
  var order: [String] = []
  /// In the order of their numbers.
  var entries: [Entry] = []

  /// Reads the program's output; lines of other kinds are passed over.
  init(parsing text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      if let match = line.wholeMatch(of: /BootCurrent: ([0-9A-Fa-f]{4})/) {
        current = match.1.uppercased()
      } else if let match = line.wholeMatch(of: /BootOrder: ([0-9A-Fa-f,]*)/) {
        for number in match.1.uppercased().split(separator: ",").map(String.init) where !order.contains(number) {
          order.append(number)
        }
      } else if let match = line.wholeMatch(of: /Boot([0-9A-Fa-f]{4})(\*?) ?([^\t]*)(?:\t(.*))?/) {
        entries.append(
          Entry(
            number: match.1.uppercased(), isActive: match.2 == "*", label: String(match.3),
            path: match.4.map(String.init) ?? ""))
      }
    }
  }

  /// The entries that start from a partition.
  func entries(of guid: String) -> [Entry] { entries.filter { $0.partition == guid.lowercased() } }

  /// The order with one entry in its place and others gone. Without a place only those go.
  ///
  /// Where nothing else is in the order, the firmware finds what to start by itself, and the last would be the first.
  func order(placing number: String, _ place: BootWish.Place?, without gone: [String] = []) -> [String] {
    let kept = order.filter { !gone.contains($0) }
    let others = kept.filter { $0 != number }
    return switch place {
    case nil: kept
    case .last: others.isEmpty ? kept : others + [number]
    case .first: [number] + others
    }
  }

  /// The first entry of the order that starts something from another partition: what the computer starts by itself. The
  /// firmware's own menu and network adapters, which stand before it in the order of some, have no partition.
  func usual(besides guid: String) -> Entry? {
    order.lazy.compactMap { number in entries.first { $0.number == number } }
      .first { $0.isActive && $0.partition.map { $0 != guid.lowercased() } == true }
  }
}
