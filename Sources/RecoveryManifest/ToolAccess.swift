// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

/// All tools that an image can name: the catalogue, then the manifest's own.
struct Toolbox {
  let tools: [Tool]
  private let index: [String: Int]

  init(_ catalogue: Catalogue, own: [(tool: Tool, position: SourcePosition)]) {
    tools = catalogue.tools + own.map(\.tool)
    index = Dictionary(tools.enumerated().map { ($1.id, $0) }) { first, _ in first }
  }

  subscript(id: String) -> Tool? { index[id].map { tools[$0] } }
}

/// The three lists of `[image.tools]`.
struct ToolLists: Sendable {
  /// A list's name, its access (nil: absent) and its words.
  typealias List = (name: String, access: Access?, words: [Located<String>])

  var lists: [List]

  /// What an image has that says nothing and extends nothing.
  static let unsaid = ToolLists(
    lists: [("user", .user, [Located(value: GroupWord.standard.rawValue, position: .start)])])

  init(lists: [List]) { self.lists = lists }

  init(_ node: TOMLNode) {
    lists = [("user", Access.user), ("helpdesk", .helpdesk), ("absent", nil)].map { name, access in
      (name, access, node[name]?.strings ?? [])
    }
  }
}

/// Words that stand for many tools, from the least exact to the most.
enum GroupWord: String, CaseIterable {
  case all
  case standard

  func holds(_ tool: Tool) -> Bool { self == .all || tool.standard }
}

/// The tools of an image while it is put together, through `extends`.
struct ToolAccess {
  /// An access and, where the tool was named by its id, the place.
  struct Grant {
    var access: Access
    var named: SourcePosition?
  }

  private(set) var grants: [String: Grant] = [:]

  /// Applies an image's own lists: groups first, so that the more exact word wins whatever the order of the lists.
  mutating func apply(_ lists: ToolLists, toolbox: Toolbox, sink: inout DiagnosticSink) {
    Self.reportRepeats(in: lists, sink: &sink)
    for group in GroupWord.allCases {
      for list in lists.lists where list.words.contains(where: { $0.value == group.rawValue }) {
        for tool in toolbox.tools where group.holds(tool) {
          grants[tool.id] = list.access.map { Grant(access: $0, named: nil) }
        }
      }
    }
    for list in lists.lists {
      for word in list.words where GroupWord(rawValue: word.value) == nil {
        guard toolbox[word.value] != nil else {
          Self.reportUnknown(word, toolbox: toolbox, sink: &sink)
          continue
        }
        grants[word.value] = list.access.map { Grant(access: $0, named: word.position) }
      }
    }
  }

  /// One word twice in a list is a slip, in two lists a contradiction.
  private static func reportRepeats(in lists: ToolLists, sink: inout DiagnosticSink) {
    var first: [String: (list: String, line: Int)] = [:]
    for list in lists.lists {
      for word in list.words {
        guard let earlier = first[word.value] else {
          first[word.value] = (list.name, word.position.line)
          continue
        }
        let quoted = Printable.quoted(word.value)
        if earlier.list == list.name {
          sink.warning(
            .duplicateEntry, at: word.position, "\(quoted) appears twice in \(list.name)", remedy: "Remove one of them."
          )
        } else {
          sink.error(
            .conflictingAccess, at: word.position,
            "\(quoted) stands in \(list.name) and in \(earlier.list) (line \(earlier.line))",
            remedy: "Keep it in one of the lists user, helpdesk and absent.")
        }
      }
    }
  }

  private static func reportUnknown(_ word: Located<String>, toolbox: Toolbox, sink: inout DiagnosticSink) {
    let known = toolbox.tools.map(\.id) + GroupWord.allCases.map(\.rawValue)
    sink.error(
      .unknownTool, at: word.position, "there is no tool \(Printable.quoted(word.value))",
      remedy: NearestWord.of(word.value, in: known).map { "Write \"\($0)\" instead." }
        ?? "Choose one that lifeboat tools lists, or describe your own in a [[tool]].")
  }
}
