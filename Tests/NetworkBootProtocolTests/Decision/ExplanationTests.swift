// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import TestSupport
import Testing

@Suite("What each kind of client will be given and why") struct ExplanationTests {
  private static func firmware(_ kind: ClientKind) -> Firmware { Firmware.allCases.first { $0.kind == kind }! }

  private static let views: [(String, ServerView)] = {
    let base = ServerView.everything
    return [
      ("proxy", base), ("proxy, shadow reply", base.with { $0.shadow = .reply }),
      (
        "proxy, shadow commit, names at 4011",
        base.with { view in
          view.shadow = .commit
          view.uefiNaming = .atBootServer
        }
      ), ("site", base.with { $0.mode = .site }),
      ("no image", base.with { $0.defaultImage = nil }), ("policy none", base.with { $0.policy = .none }),
      ("no script of iPXE", base.with { $0.images["tier1"]?[.ipxeScript] = nil }),
      ("no HTTP files", base.with { $0.images["tier1"]?[.ramDisk] = nil }),
    ]
  }()

  @Test("the texts are those of Fixtures/netboot/explanations.txt") func golden() throws {
    var text = ""
    for (title, view) in Self.views {
      text += "== \(title)\n"
      for explanation in view.explanations() {
        text += "\(explanation.kind.title): \(explanation.verdict.rawValue)\n"
        text += "  \(explanation.answer) \(explanation.reason)\n"
        if !explanation.chain.isEmpty { text += "  \(explanation.chain.joined(separator: " > "))\n" }
        for note in explanation.notes { text += "  - \(note)\n" }
      }
    }
    #expect(try Golden.difference(text, "Fixtures/netboot/explanations.txt") == nil)
  }

  @Test("an explanation says what the decision does", arguments: ClientKind.allCases)
  func agrees(kind: ClientKind) {
    let firmware = Self.firmware(kind)
    for (title, view) in Self.views {
      let explanation = view.explain(kind)
      switch view.decide(firmware) {
      case .answer(let answer):
        let fails = answer.grant.file == .absent(.absent)
        #expect(explanation.verdict == (fails ? .failsAtOnce : .boots), "\(title)")
      case .shadow: #expect(explanation.verdict == .boots && explanation.answer.contains("shadow"), "\(title)")
      case .ignore(.siteMode): #expect(explanation.verdict == .needsSite, "\(title)")
      case .ignore(let reason):
        #expect(explanation.verdict == .silent, "\(title)")
        #expect(explanation.reason.lowercased().hasPrefix(reason.message.lowercased()), "\(title)")
      }
    }
  }

  @Test("kinds have titles, architectures and loaders that fit") func kinds() {
    #expect(Set(ClientKind.allCases.map(\.title)).count == ClientKind.allCases.count)
    for kind in ClientKind.allCases {
      #expect(!kind.architectures.isEmpty)
      #expect(kind.loader.isFetchedByHTTP == (kind.bootProtocol == .http || kind.isIPXE))
    }
  }
}
