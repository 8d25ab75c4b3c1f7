// SPDX-License-Identifier: GPL-3.0-or-later

/// All verbs on one page.
struct MarkdownReference {
  var tree: CommandTree

  var text: String {
    var lines = ["# Command reference", "", "Made from the help texts by `make reference`; do not edit it.", ""]
    lines += section(tree.command, level: 2)
    return lines.joined(separator: "\n") + "\n"
  }

  private func section(_ command: CommandTree.Command, level: Int) -> [String] {
    var lines = [String(repeating: "#", count: level) + " \(command.fullName)", ""]
    if let abstract = command.abstract { lines += [abstract, ""] }
    lines += ["```text", command.synopsis, "```", ""]
    for part in DiscussionPart.parts(of: command.discussion ?? "") {
      switch part {
      case .paragraph(let text): lines += [text, ""]
      case .literal(let code): lines += ["```text"] + code + ["```", ""]
      }
    }
    for argument in command.ownArguments { lines.append("- `\(argument.title)`: \(argument.meaning)") }
    if !command.ownArguments.isEmpty { lines.append("") }
    for verb in command.verbs { lines += section(verb, level: min(level + (level == 2 ? 0 : 1), 4)) }
    return lines.last == "" && level == 2 && command.superCommands == nil ? lines.dropLast() : lines
  }
}
