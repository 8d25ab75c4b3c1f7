// SPDX-License-Identifier: GPL-3.0-or-later
// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry
import NetworkBootProtocol
import TestSupport
import Testing

@Suite("What each kind of client will be given and why") struct ExplanationTests {
  private static func firmware(_ kind: ClientKind) -> Firmware { Firmware.allCases.first { $0.kind == kind }! }

  private static let wires = [OwnWire(interface: "eth0", server: Wire.server)]
  private static let rival = SeenServer(address: IPv4Address("10.66.0.9")!, role: .boot, interface: "eth0")

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
      ("another boot server", base.with { $0.seen = [rival] }),
      (
        "another boot server, yield = false",
        base.with { view in
          view.seen = [rival]
          view.yields = false
        }
      ),
      (
        "shadow reply, nobody is overheard",
        base.with { view in
          view.shadow = .reply
          view.deaf = ["eth0"]
        }
      ), ("policy none, after a delay", base.with { $0.policies = [PolicyRule(.none, delay: .seconds(3))] }),
      ("policy known", base.with { $0.policy = .known }),
      ("policy approve, after a delay", base.with { $0.policies = [PolicyRule(.approve, delay: .seconds(3))] }),
    ]
  }()

  @Test("the texts are those of Fixtures/netboot/explanations.txt") func golden() throws {
    var text = ""
    for (title, view) in Self.views {
      text += "== \(title)\n"
      for explanation in view.explanations(on: Self.wires) {
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
      let explanation = view.explain(kind, on: Self.wires)
      switch view.decide(firmware) {
      case .answer(let answer):
        let fails = answer.grant.file == .absent(.absent)
        let works = answer.grant.admission == .pending ? Explanation.Verdict.bootsIfApproved : .boots
        #expect(explanation.verdict == (fails ? .failsAtOnce : works), "\(title)")
      case .shadow: #expect(explanation.verdict == .boots && explanation.answer.contains("shadow"), "\(title)")
      case .ignore(.unknownMachine):
        #expect([.bootsIfKnown, .failsAtOnce].contains(explanation.verdict), "\(title)")
        #expect(explanation.notes.contains("Only a computer that is known goes on."), "\(title)")
      case .ignore(.siteMode): #expect(explanation.verdict == .needsSite, "\(title)")
      case .ignore(let reason):
        #expect(explanation.verdict == .silent, "\(title)")
        #expect(explanation.reason.lowercased().hasPrefix(reason.message.lowercased()), "\(title)")
      }
    }
  }

  @Test("what holds on some wires, or in some places, is said") func partly() {
    let second = OwnWire(interface: "eth1", server: IPv4Address("10.77.0.2")!)
    let view = ServerView.everything.with { view in
      view.seen = [Self.rival]
      view.policies = [PolicyRule(.none, at: Place(interface: "eth1")), PolicyRule(.known)]
    }
    let explanation = view.explain(.x64HTTP, on: Self.wires + [second])
    #expect(explanation.verdict == .bootsIfKnown)
    #expect(explanation.notes.contains("Not on eth0: the boot server 10.66.0.9 boots machines here and has priority."))
    #expect(explanation.notes.contains { $0.hasPrefix("Not the same everywhere") })
    let full = ServerView.everything.with { view in
      view.mode = .full
      view.seen = [SeenServer(address: Wire.site, role: .dhcp, interface: "eth0", givesAddresses: true)]
    }
    #expect(full.explain(.x64HTTP, on: Self.wires).verdict == .silent)
    #expect(full.explain(.x64HTTP, on: [second]).verdict == .boots)
  }

  @Test("kinds have titles, architectures and loaders that fit") func kinds() {
    #expect(Set(ClientKind.allCases.map(\.title)).count == ClientKind.allCases.count)
    for kind in ClientKind.allCases {
      #expect(!kind.architectures.isEmpty)
      #expect(kind.loader.isFetchedByHTTP == (kind.bootProtocol == .http || kind.isIPXE))
    }
  }
}
