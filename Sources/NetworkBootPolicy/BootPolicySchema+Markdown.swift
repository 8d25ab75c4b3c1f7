// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

extension BootPolicySchema {
  /// The policy's reference for people, in Markdown.
  public static func markdownReference() -> String {
    let tables = [policy, place, machine, assign].map { table in
      let isRoot = table.title == policy.title
      return "\(isRoot ? "## Top level" : "## `\(table.title)`\n\n\(table.summary)")\n\n\(table.markdown())"
    }
    return """
      # The policy of the network boot server

      \(policy.summary)

      `lifeboat serve --policy FILE` follows it, `lifeboat check --policy FILE` says what is wrong with it. What the \
      answers mean for a computer is in [network-boot-clients.md](network-boot-clients.md).

      ```toml
      \(example)
      ```

      \(tables.joined(separator: "\n\n"))

      """
  }

  /// A policy that shows what most need.
  static let example = """
    lifeboat-serve = 1
    answer = "approve"
    image = "tier1"
    admin-group = "helpdesk"

    [[place]]
    subnet = "10.66.7.0/24"
    answer = "all"

    [[machine]]
    name = "front desk"
    mac = "52:54:00:12:34:56"

    [[assign]]
    image = "tier2"
    interface = "eth1"
    """
}
