// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol
internal import StrictTOML

/// What the texts of a policy must look like. The patterns keep to what Swift, ECMA and Python read alike.
enum PolicyRules {
  static let answer = TextRule(
    meaning: "none, known, approve or all", allowed: PolicyRule.Policy.allCases.map(\.rawValue),
    aliases: ["nobody": "none", "everybody": "all", "approval": "approve", "pending": "approve"])

  static let shadow = TextRule(
    meaning: "never, reply or commit", allowed: ServerView.Shadow.allCases.map(\.rawValue),
    aliases: ["no": "never", "yes": "reply", "always": "reply"])

  static let naming = TextRule(
    meaning: "offer or boot-server", allowed: UEFINamingWord.allCases.map(\.rawValue))

  static let standing = TextRule(
    meaning: "known or denied", allowed: KnownMachine.Standing.allCases.map(\.rawValue),
    aliases: ["approved": "known", "allowed": "known", "allow": "known", "deny": "denied", "blocked": "denied"])

  static let client = TextRule(
    meaning: "a kind of client", allowed: ClientWord.all.keys.sorted(),
    aliases: ["uefi": "uefi-x64", "x64": "uefi-x64", "ia32": "uefi-ia32", "x86": "uefi-ia32", "efi": "uefi-x64"])

  static let image = TextRule(
    meaning: "the name of an image: lower-case letters, digits and hyphens, at most 32",
    pattern: "^[a-z0-9][a-z0-9-]*$", length: 1...32)

  static let name = TextRule(
    meaning: "one line of at most 64 characters", pattern: #"^[^\x00-\x1f\x7f-\x9f]+$"#, length: 1...64,
    remedy: "Shorten it to one line of at most 64 characters without control characters.")

  /// useradd(8)'s rule, with capitals, which directories have.
  static let group = TextRule(
    meaning: "the name of a group", pattern: "^[A-Za-z_][A-Za-z0-9_.-]*$", length: 1...32,
    remedy: "Write the name of a group of this computer; getent group lists them.")

  /// A name of the kernel's has at most 15 bytes (IFNAMSIZ), and no slash, colon or space.
  static let interface = TextRule(
    meaning: "the name of a network interface", pattern: #"^[^\s/:\x00-\x1f\x7f]+$"#, length: 1...15,
    remedy: "Write a name that ip address lists, such as \"eth0\".")

  static let mac = TextRule(
    meaning: "the address of a network card", pattern: "^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}$",
    remedy: "Write six pairs of hexadecimal digits with colons, such as \"52:54:00:12:34:56\".")

  static let uuid = TextRule(
    meaning: "a UUID", pattern: "^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    remedy: "Write it as dmidecode -s system-uuid does, such as \"4c4c4544-0042-3510-8054-b4c04f4d3732\".")

  private static let number = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

  static let address = TextRule(
    meaning: "an IPv4 address", pattern: #"^\#(number)(?:\.\#(number)){3}$"#,
    remedy: "Write four numbers from 0 to 255 with points, such as \"10.66.7.1\".")

  static let subnet = TextRule(
    meaning: "an IPv4 subnet", pattern: #"^\#(number)(?:\.\#(number)){3}/(?:3[0-2]|[12]?[0-9])$"#,
    remedy: "Write its first address and the length of its prefix, such as \"10.66.7.0/24\".")
}

/// The words for `ServerView.UEFINaming`.
enum UEFINamingWord: String, CaseIterable {
  case offer
  case bootServer = "boot-server"

  var value: ServerView.UEFINaming { self == .offer ? .inOffer : .atBootServer }
}

/// The words for kinds of client: each kind, and those of one firmware together.
enum ClientWord {
  static let all: [String: Set<ClientKind>] = {
    var words = Dictionary(uniqueKeysWithValues: ClientKind.allCases.map { ($0.rawValue, Set([$0])) })
    for group in ["bios", "uefi-x64", "uefi-ia32"] {
      words[group] = Set(ClientKind.allCases.filter { $0.rawValue.hasPrefix(group + "-") })
    }
    return words
  }()
}
