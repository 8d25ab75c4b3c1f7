// SPDX-License-Identifier: GPL-3.0-or-later

/// The command tree as `lifeboat --experimental-dump-help` writes it, as far as the reference needs it.
struct CommandTree: Decodable {
  var command: Command

  struct Command: Decodable {
    var commandName: String
    var superCommands: [String]?
    var abstract: String?
    var discussion: String?
    var shouldDisplay: Bool?
    var subcommands: [Command]?
    var arguments: [Argument]?

    /// `lifeboat key new`.
    var fullName: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }
    /// The verbs below it, without `help`, which every command has.
    var verbs: [Command] { (subcommands ?? []).filter { $0.commandName != "help" && $0.shouldDisplay != false } }
    /// What it takes, without `--help` and `--version`, which every command has.
    var ownArguments: [Argument] {
      (arguments ?? []).filter { $0.shouldDisplay && !["help", "version"].contains($0.valueName ?? "") }
    }
    /// `lifeboat key new <path> [--comment <comment>] [--json]`.
    var synopsis: String {
      let rest = verbs.isEmpty ? ownArguments.map(\.synopsis) : ["<subcommand>"]
      return ([fullName] + rest).joined(separator: " ")
    }
  }

  struct Argument: Decodable {
    var kind: String
    var shouldDisplay: Bool
    var isOptional: Bool
    var isRepeating: Bool
    var names: [Name]?
    var preferredName: Name?
    var valueName: String?
    var defaultValue: String?
    var allValues: [String]?
    var abstract: String?

    struct Name: Decodable {
      var kind: String
      var name: String
      var text: String { kind == "short" || kind == "longWithSingleDash" ? "-\(name)" : "--\(name)" }
    }

    /// `-o, --output <folder>`.
    var title: String {
      let value = "<\(valueName ?? "value")>"
      guard kind != "positional" else { return value }
      let names = (names ?? []).map(\.text).joined(separator: ", ")
      return kind == "flag" ? names : "\(names) \(value)"
    }

    /// `[--image <name> ...]`.
    var synopsis: String {
      let value = "<\(valueName ?? "value")>"
      let name = preferredName?.text ?? ""
      var text = kind == "positional" ? value : kind == "flag" ? name : "\(name) \(value)"
      if isRepeating { text += " ..." }
      return isOptional ? "[\(text)]" : text
    }

    /// The sentence about it, its values and its default.
    var meaning: String {
      var parts = [abstract ?? ""]
      if let allValues, !(valueName ?? "").contains("|") {
        parts.append("One of: \(allValues.joined(separator: ", ")).")
      }
      if let defaultValue { parts.append("Default: \(defaultValue).") }
      return parts.filter { !$0.isEmpty }.joined(separator: " ")
    }
  }
}

/// A help text's discussion in its parts.
enum DiscussionPart: Equatable {
  /// Flowing text.
  case paragraph(String)
  /// Indented lines, as they are: examples and tables.
  case literal([String])

  static func parts(of discussion: String) -> [DiscussionPart] {
    var parts: [DiscussionPart] = []
    for line in discussion.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.isEmpty {
        parts.append(.paragraph(""))
      } else if line.hasPrefix("  ") {
        let text = String(line.dropFirst(2))
        if case .literal(let lines)? = parts.last {
          parts[parts.count - 1] = .literal(lines + [text])
        } else {
          parts.append(.literal([text]))
        }
      } else if case .paragraph(let text)? = parts.last, !text.isEmpty {
        parts[parts.count - 1] = .paragraph(text + " " + line)
      } else {
        parts.append(.paragraph(line))
      }
    }
    return parts.filter { $0 != .paragraph("") }
  }
}
