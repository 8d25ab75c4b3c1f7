// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootProtocol
internal import StrictTOML

/// The policy's format, written down once: its reader, its JSON Schema and its reference all follow from here.
public enum BootPolicySchema {
  /// The newest format that this Lifeboat reads.
  public static let version = 1

  static let format = TextFormat(noun: "policy", versionKey: "lifeboat-serve", version: version, root: policy)

  /// The policy's JSON Schema (draft 2020-12), for editors and other checkers.
  public static func jsonSchema() -> String { format.jsonSchema() }

  /// The whole file.
  static let policy = TableShape(
    title: "the policy's top level",
    summary: """
      A policy says which computers a network boot server answers, and with which image. It is a \
      [TOML 1.0](https://toml.io) file; a key that is not listed here is an error.
      """,
    keys: [
      KeyShape(
        name: "lifeboat-serve", shape: .integer(1...Int64(version)), required: true, example: "1",
        summary: "The format of this file. This Lifeboat reads format \(version)."),
      answer(standard: #""all""#),
      delay,
      KeyShape(
        name: "image", shape: .text(PolicyRules.image), standard: "the set's image, if it has one alone",
        example: #""tier1""#, summary: "The image for every computer without a rule of its own."),
      KeyShape(
        name: "shadow", shape: .text(PolicyRules.shadow), standard: "never; `--shadow` overrides it",
        example: #""reply""#,
        summary: """
          Whether PXE of x64 UEFI may be answered in the shape of BOOTP; with `commit` the address is also asked for in \
          the computer's name.
          """),
      KeyShape(
        name: "naming", shape: .text(PolicyRules.naming), standard: #""offer""#, example: #""boot-server""#,
        summary: """
          Where UEFI firmware is told its PXE boot file: in the offer, or on port 4011, for firmware that ignores the \
          offer.
          """),
      KeyShape(
        name: "mark-offers", shape: .boolean, standard: "`true`", example: "false",
        summary: "Whether offers carry the word `lifeboat` (option 224), by which two of these servers know each other."
      ),
      KeyShape(
        name: "yield", shape: .boolean, standard: "`true`", example: "false",
        summary: "Whether this server gives way to another boot server on the network."),
      KeyShape(
        name: "admin-group", shape: .text(PolicyRules.group), standard: "nobody but root and the service's user",
        example: #""helpdesk""#,
        summary: "The group of this computer whose members may use `lifeboat clients`."),
      KeyShape(
        name: "place", shape: .list(of: .table(place)), example: #"[{ subnet = "10.66.7.0/24", answer = "known" }]"#,
        summary: "Rules for parts of the network; the first that fits counts."),
      KeyShape(
        name: "machine", shape: .list(of: .table(machine)), example: #"[{ mac = "52:54:00:12:34:56" }]"#,
        summary: "Computers that are known or denied; the first that fits counts."),
      KeyShape(
        name: "assign", shape: .list(of: .table(assign)), example: #"[{ image = "tier2", subnet = "10.66.7.0/24" }]"#,
        summary: "Images for some computers; the first that fits counts, and a `[[machine]]` with an image goes first."
      ),
    ])

  static let place = TableShape(
    title: "[[place]]",
    summary: "Who is answered in one part of the network. Every condition that you write must hold.",
    keys: where_ + [answer(standard: nil), delay])

  static let machine = TableShape(
    title: "[[machine]]",
    summary: """
      A computer, by its network card, its firmware's UUID or both. Both are what a computer claims about itself, and \
      prove nothing.
      """,
    keys: [
      KeyShape(
        name: "name", shape: .text(PolicyRules.name), example: #""front desk""#,
        summary: "A name for people; `lifeboat clients` shows it.")
    ] + who + [
      KeyShape(
        name: "standing", shape: .text(PolicyRules.standing), standard: #""known""#, example: #""denied""#,
        summary: "Whether the computer is known, like an approved one, or never answered."),
      KeyShape(
        name: "image", shape: .text(PolicyRules.image), standard: "what `[[assign]]` says", example: #""tier2""#,
        summary: "Its image."),
    ])

  static let assign = TableShape(
    title: "[[assign]]",
    summary: "Which image some computers get. Every condition that you write must hold; at least one is needed.",
    keys: [
      KeyShape(
        name: "image", shape: .text(PolicyRules.image), required: true, example: #""tier2""#,
        summary: "The image.")
    ] + who + where_ + [
      KeyShape(
        name: "clients", shape: .list(of: .text(PolicyRules.client), atLeast: 1), standard: "all kinds",
        example: #"["uefi-ia32", "bios-pxe"]"#,
        summary: """
          Kinds of client, as `lifeboat serve --dry-run --json` names them; `bios`, `uefi-x64` and `uefi-ia32` stand \
          for all kinds of one firmware.
          """)
    ])

  private static func answer(standard: String?) -> KeyShape {
    KeyShape(
      name: "answer", shape: .text(PolicyRules.answer), required: standard == nil, standard: standard,
      example: #""approve""#,
      summary: """
        Who is answered: nobody, computers that are known, everybody once somebody has approved them, or everybody.
        """)
  }

  private static let delay = KeyShape(
    name: "delay", shape: .integer(0...30), standard: "`0`", example: "2",
    summary: "Seconds that a computer must have been asking before it is answered, so that another server can be first."
  )

  private static let who = [
    KeyShape(
      name: "mac", shape: .text(PolicyRules.mac), example: #""52:54:00:12:34:56""#,
      summary: "The address of its network card."),
    KeyShape(
      name: "uuid", shape: .text(PolicyRules.uuid), example: #""4c4c4544-0042-3510-8054-b4c04f4d3732""#,
      summary: "Its firmware's UUID, in either byte order."),
  ]

  private static let where_ = [
    KeyShape(
      name: "interface", shape: .text(PolicyRules.interface), example: #""eth1""#,
      summary: "This server's network interface."),
    KeyShape(
      name: "subnet", shape: .text(PolicyRules.subnet), example: #""10.66.7.0/24""#,
      summary: "The computer's subnet: the one that its relay agent names, else the interface's own."),
    KeyShape(
      name: "relay", shape: .text(PolicyRules.address), example: #""10.66.7.1""#,
      summary: "The address of the relay agent that its packets come through."),
  ]
}
