// SPDX-License-Identifier: GPL-3.0-or-later

/// One page of section 1, in the man(7) macros.
struct ManualPage {
  var command: CommandTree.Command

  /// `lifeboat-build`.
  var name: String { command.fullName.split(separator: " ").joined(separator: "-") }

  /// The pages of a tree: one for the command and one for each verb, which holds what is below the verb.
  static func pages(of tree: CommandTree) -> [ManualPage] {
    ([tree.command] + tree.command.verbs).map(ManualPage.init)
  }

  var text: String {
    var lines = [
      ".\\\" SPDX-License-Identifier: GPL-3.0-or-later", ".TH \(name.uppercased()) 1 \"\" Lifeboat \"Lifeboat manual\"",
      ".SH NAME", "\(Self.escaped(name)) \\- \(Self.escaped(Self.lowered(command.abstract ?? "")))", ".SH SYNOPSIS",
    ]
    lines += Self.synopsis(command) + [".SH DESCRIPTION"] + Self.body(command)
    if command.superCommands == nil {
      lines += [".SH COMMANDS"]
      for verb in command.verbs {
        lines += [".TP", ".B \(Self.escaped(verb.commandName))", Self.escaped(verb.abstract)]
      }
    } else {
      for verb in command.verbs {
        lines += [".SH \(verb.fullName.uppercased())", Self.escaped(verb.abstract), ".PP"] + Self.synopsis(verb)
        lines += [".PP"] + Self.body(verb)
      }
    }
    lines += [".SH SEE ALSO", seeAlso]
    return lines.joined(separator: "\n") + "\n"
  }

  private var seeAlso: String {
    guard command.superCommands == nil else { return ".BR lifeboat (1)" }
    return command.verbs.map { ".BR lifeboat\\-\(Self.escaped($0.commandName)) (1)" }.joined(separator: ",\n")
  }

  private static func synopsis(_ command: CommandTree.Command) -> [String] {
    [".B \(escaped(command.fullName))", escaped(String(command.synopsis.dropFirst(command.fullName.count + 1)))]
      .filter { !$0.isEmpty }
  }

  private static func body(_ command: CommandTree.Command) -> [String] {
    var lines: [String] = []
    for part in DiscussionPart.parts(of: command.discussion ?? "") {
      switch part {
      case .paragraph(let text): lines += [".PP", escaped(text)]
      case .literal(let code): lines += [".PP", ".RS 4", ".nf"] + code.map { escaped($0) } + [".fi", ".RE"]
      }
    }
    for argument in command.ownArguments {
      lines += [".TP", ".B \(escaped(argument.title))", escaped(argument.meaning)]
    }
    return lines.first == ".PP" ? Array(lines.dropFirst()) : lines
  }

  private static func lowered(_ sentence: String) -> String {
    let text = sentence.prefix(1).lowercased() + sentence.dropFirst()
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  private static func escaped(_ text: String?) -> String {
    let safe = (text ?? "").replacing("\\", with: "\\e").replacing("-", with: "\\-")
    return safe.hasPrefix(".") || safe.hasPrefix("'") ? "\\&" + safe : safe
  }
}
